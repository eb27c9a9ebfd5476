"""Names that are addresses: Go's module paths, and packages of a host itself."""

import re

from packageurl import PackageURL

from watchlist_cli.resolving.evidence import Confidence, Evidence

_HOSTS = {"github": "github.com", "bitbucket": "bitbucket.org", "gitlab": "gitlab.com"}
_GOPKG = re.compile(r"gopkg\.in/(?:(?P<owner>[^/]+)/)?(?P<name>[^/]+)\.v\d+.*")

_VANITY = {
    "cel.dev/expr": "google/cel-spec",
    "cloud.google.com/go": "googleapis/google-cloud-go",
    "dario.cat/mergo": "darccio/mergo",
    "go.etcd.io/bbolt": "etcd-io/bbolt",
    "go.etcd.io/etcd": "etcd-io/etcd",
    "go.mongodb.org/mongo-driver": "mongodb/mongo-go-driver",
    "go.opencensus.io": "census-instrumentation/opencensus-go",
    "go.opentelemetry.io/auto": "open-telemetry/opentelemetry-go-instrumentation",
    "go.opentelemetry.io/contrib": "open-telemetry/opentelemetry-go-contrib",
    "go.opentelemetry.io/otel": "open-telemetry/opentelemetry-go",
    "go.opentelemetry.io/proto": "open-telemetry/opentelemetry-proto-go",
    "go.yaml.in/yaml": "yaml/go-yaml",
    "gocloud.dev": "google/go-cloud",
    "gonum.org/v1/gonum": "gonum/gonum",
    "google.golang.org/api": "googleapis/google-api-go-client",
    "google.golang.org/appengine": "golang/appengine",
    "google.golang.org/genproto": "googleapis/go-genproto",
    "google.golang.org/grpc": "grpc/grpc-go",
    "google.golang.org/protobuf": "protocolbuffers/protobuf-go",
    "gotest.tools": "gotestyourself/gotest.tools",
    "honnef.co/go/tools": "dominikh/go-tools",
}
"""Modules whose path only a request to its host would resolve, by what that request answers."""

_VANITY_HOSTS = {
    "filippo.io": "FiloSottile",
    "go.uber.org": "uber-go",
    "golang.org/x": "golang",
    "k8s.io": "kubernetes",
    "mvdan.cc": "mvdan",
    "rsc.io": "rsc",
    "sigs.k8s.io": "kubernetes-sigs",
}
"""Hosts all of whose modules lie with one owner under their own name."""


def evidence_for(purl: PackageURL) -> Evidence | None:
    """Return what the name itself says; None if it says nothing."""
    if purl.type in _HOSTS and purl.namespace:
        return Evidence(f"https://{_HOSTS[purl.type]}/{purl.namespace}/{purl.name}", "package URL", Confidence.CERTAIN)
    if purl.type == "golang":
        return _of_module("/".join(part for part in (purl.namespace, purl.name) if part))
    return None


def _of_module(module: str) -> Evidence | None:
    segments = module.split("/")
    if segments[0] in {"github.com", "gitlab.com", "bitbucket.org", "codeberg.org"}:
        address = f"https://{'/'.join(segments[:3])}"
        return Evidence(address, "module path", Confidence.CERTAIN)
    if gopkg := _GOPKG.fullmatch(module):
        owner = gopkg["owner"] or f"go-{gopkg['name']}"
        return Evidence(f"https://github.com/{owner}/{gopkg['name']}", "rule of gopkg.in", Confidence.CERTAIN)
    for known, repository in _VANITY.items():
        if module == known or module.startswith(f"{known}/"):
            return Evidence(f"https://github.com/{repository}", f"known module path {known}", Confidence.CLAIMED)
    for host, owner in _VANITY_HOSTS.items():
        rest = module.removeprefix(f"{host}/")
        if rest != module:
            name = rest.partition("/")[0]
            return Evidence(f"https://github.com/{owner}/{name}", f"known module host {host}", Confidence.CLAIMED)
    return None
