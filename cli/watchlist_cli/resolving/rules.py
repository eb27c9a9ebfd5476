"""Names that are addresses: Go's module paths, and packages of a host itself."""

import re

from packageurl import PackageURL

from watchlist_cli.resolving.addresses import repository_at
from watchlist_cli.resolving.evidence import Confidence, Evidence

_HOSTS = {"github": "github.com", "githubactions": "github.com", "bitbucket": "bitbucket.org", "gitlab": "gitlab.com"}
"""Types of package URLs that are called as repositories of a host are; an action may lie in a folder of one."""

_MODULE_HOSTS = ("github.com", "gitlab.com", "bitbucket.org", "codeberg.org")
_GOPKG = re.compile(r"gopkg\.in/(?:(?P<owner>[^/]+)/)?(?P<name>[^/]+)\.v\d+.*")

_PARENT = re.compile(r".+[-_.]parents?(?:[-_.]poms?)?")

_VANITY = {
    "buf.build/go/protovalidate": "bufbuild/protovalidate-go",
    "buf.build/go/protoyaml": "bufbuild/protoyaml-go",
    "cel.dev/expr": "google/cel-spec",
    "cloud.google.com/go": "googleapis/google-cloud-go",
    "cloud.google.com/go/alloydbconn": "GoogleCloudPlatform/alloydb-go-connector",
    "cloud.google.com/go/cloudsqlconn": "GoogleCloudPlatform/cloud-sql-go-connector",
    "connectrpc.com/connect": "connectrpc/connect-go",
    "cuelang.org/go": "cue-lang/cue",
    "dario.cat/mergo": "darccio/mergo",
    "go.elastic.co/apm": "elastic/apm-agent-go",
    "go.mongodb.org/mongo-driver": "mongodb/mongo-go-driver",
    "go.opencensus.io": "census-instrumentation/opencensus-go",
    "go.opentelemetry.io/auto": "open-telemetry/opentelemetry-go-instrumentation",
    "go.opentelemetry.io/collector": "open-telemetry/opentelemetry-collector",
    "go.opentelemetry.io/contrib": "open-telemetry/opentelemetry-go-contrib",
    "go.opentelemetry.io/otel": "open-telemetry/opentelemetry-go",
    "go.opentelemetry.io/proto": "open-telemetry/opentelemetry-proto-go",
    "go.starlark.net": "google/starlark-go",
    "go.temporal.io/api": "temporalio/api-go",
    "go.temporal.io/sdk": "temporalio/sdk-go",
    "go.yaml.in/yaml": "yaml/go-yaml",
    "gocloud.dev": "google/go-cloud",
    "gomodules.xyz/jsonpatch": "gomodules/jsonpatch",
    "google.golang.org/api": "googleapis/google-api-go-client",
    "google.golang.org/appengine": "golang/appengine",
    "google.golang.org/genai": "googleapis/go-genai",
    "google.golang.org/genproto": "googleapis/go-genproto",
    "google.golang.org/grpc": "grpc/grpc-go",
    "google.golang.org/protobuf": "protocolbuffers/protobuf-go",
    "gorm.io/driver/mysql": "go-gorm/mysql",
    "gorm.io/driver/postgres": "go-gorm/postgres",
    "gorm.io/driver/sqlite": "go-gorm/sqlite",
    "gorm.io/gorm": "go-gorm/gorm",
    "gotest.tools": "gotestyourself/gotest.tools",
    "helm.sh/helm": "helm/helm",
    "honnef.co/go/tools": "dominikh/go-tools",
    "maunium.net/go/mautrix": "mautrix/go",
    "nhooyr.io/websocket": "coder/websocket",
    "oras.land/oras-go": "oras-project/oras-go",
    "pgregory.net/rapid": "flyingmutant/rapid",
    "resty.dev": "go-resty/resty",
    "software.sslmate.com/src/go-pkcs12": "SSLMate/go-pkcs12",
    "tags.cncf.io/container-device-interface": "cncf-tags/container-device-interface",
    "tailscale.com": "tailscale/tailscale",
    "vitess.io/vitess": "vitessio/vitess",
    "zombiezen.com/go/sqlite": "zombiezen/go-sqlite",
}
"""Modules whose path only a request to its host would resolve, by what it answers; the longest path counts."""

_VANITY_HOSTS = {
    "charm.land": "github.com/charmbracelet",
    "filippo.io": "github.com/FiloSottile",
    "go.etcd.io": "github.com/etcd-io",
    "go.step.sm": "github.com/smallstep",
    "go.uber.org": "github.com/uber-go",
    "go4.org": "github.com/go4org",
    "golang.org/x": "github.com/golang",
    "gonum.org/v1": "github.com/gonum",
    "istio.io": "github.com/istio",
    "k8s.io": "github.com/kubernetes",
    "knative.dev": "github.com/knative",
    "lukechampine.com": "github.com/lukechampine",
    "mvdan.cc": "github.com/mvdan",
    "rsc.io": "github.com/rsc",
    "sigs.k8s.io": "github.com/kubernetes-sigs",
    "modernc.org": "gitlab.com/cznic",
}
"""Hosts all of whose modules lie with one owner under their own name."""


def evidence_for(purl: PackageURL) -> Evidence | None:
    """Return what the name itself says; None if it says nothing."""
    namespace = purl.namespace or ""
    if purl.type in _HOSTS and namespace:
        owner, _, folders = namespace.partition("/") if purl.type == "githubactions" else (namespace, "", "")
        name = folders.partition("/")[0] or purl.name
        return Evidence(f"https://{_HOSTS[purl.type]}/{owner}/{name}", "package URL", Confidence.CERTAIN)
    if purl.type == "golang":
        return _of_module("/".join(part for part in (namespace, purl.name) if part))
    if purl.type == "swift" and namespace.startswith(_MODULE_HOSTS):
        return Evidence(f"https://{namespace}/{purl.name}", "package URL", Confidence.CERTAIN)
    stated = purl.qualifiers.get("vcs_url") if isinstance(purl.qualifiers, dict) else None
    return None if stated is None else Evidence(stated, "package URL: vcs_url", Confidence.CLAIMED)


def is_of_parent(purl: PackageURL, address: str) -> bool:
    """Whether an address is that of a parent of many projects: what states no `scm` of its own inherits it in Maven."""
    name = (repository_at(address) or "").rpartition("/")[2]
    return purl.type == "maven" and _PARENT.fullmatch(name) is not None and "parent" not in purl.name


def _of_module(module: str) -> Evidence | None:
    segments = module.split("/")
    if segments[0] in _MODULE_HOSTS:
        address = f"https://{'/'.join(segments[:3])}"
        return Evidence(address, "module path", Confidence.CERTAIN)
    if gopkg := _GOPKG.fullmatch(module):
        owner = gopkg["owner"] or f"go-{gopkg['name']}"
        return Evidence(f"https://github.com/{owner}/{gopkg['name']}", "rule of gopkg.in", Confidence.CERTAIN)
    known = max((path for path in _VANITY if f"{module}/".startswith(f"{path}/")), key=len, default=None)
    if known is not None:
        return Evidence(f"https://github.com/{_VANITY[known]}", f"known module path {known}", Confidence.CLAIMED)
    for host, owner in _VANITY_HOSTS.items():
        rest = module.removeprefix(f"{host}/")
        if rest != module:
            return Evidence(
                f"https://{owner}/{rest.partition('/')[0]}", f"known module host {host}", Confidence.CLAIMED
            )
    return None
