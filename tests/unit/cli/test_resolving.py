"""Which repository a package comes from, and how far that is to be believed."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from packageurl import PackageURL
from watchlist_cli.dependencies.dependency import Dependency, StatedAddress
from watchlist_cli.resolving import labels, rules
from watchlist_cli.resolving.addresses import repository_at
from watchlist_cli.resolving.evidence import Confidence, Evidence, Found, NotFound
from watchlist_cli.resolving.installed import Installed
from watchlist_cli.resolving.resolver import resolve


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://github.com/Owner/Name", "https://github.com/Owner/Name"),
        (" https://www.github.com/owner/name.git ", "https://github.com/owner/name"),
        ("http://github.com/owner/name/", "https://github.com/owner/name"),
        ("git+https://github.com/owner/name.git@v1#egg=x", "https://github.com/owner/name"),
        ("git://github.com/owner/name.git", "https://github.com/owner/name"),
        ("git@github.com:owner/name.git", "https://github.com/owner/name"),
        ("git+ssh://git@github.com/owner/name.git", "https://github.com/owner/name"),
        ("ssh://git@github.com:22/owner/name.git", "https://github.com/owner/name"),
        ("scm:git:git://github.com/owner/name.git", "https://github.com/owner/name"),
        ("scm:git:git@github.com:owner/name.git", "https://github.com/owner/name"),
        ("https://user:secret@github.com/owner/name", "https://github.com/owner/name"),
        ("https://github.com/owner/name/tree/main/packages/part", "https://github.com/owner/name"),
        ("https://github.com/owner/name/issues?q=x", "https://github.com/owner/name"),
        ("https://raw.githubusercontent.com/owner/name/main/README", "https://github.com/owner/name"),
        ("https://codeload.github.com/owner/name/tar.gz/0123", "https://github.com/owner/name"),
        ("github.com/owner/name", "https://github.com/owner/name"),
        ("github:owner/name#main", "https://github.com/owner/name"),
        ("gitlab:group/sub/name", "https://gitlab.com/group/sub/name"),
        ("owner/name", "https://github.com/owner/name"),
        ("https://gitlab.com/group/sub/name/-/tree/main", "https://gitlab.com/group/sub/name"),
        ("https://gitlab.com/group/name/issues", "https://gitlab.com/group/name"),
        ("https://codeberg.org/owner/name", "https://codeberg.org/owner/name"),
        ("https://owner.github.io/name/docs", "https://github.com/owner/name"),
        ("https://github.com/owner", None),
        ("https://github.com/sponsors/owner", None),
        ("https://owner.github.io", None),
        ("https://example.org/owner/name", None),
        ("https://github.com.example.org/owner/name", None),
        ("https://github.com/../..", None),
        ("https://[github.com/owner/name", None),
        ("", None),
        ("six", None),
        ("https://gitbox.apache.org/repos/asf?p=cxf.git;a=summary", "https://github.com/apache/cxf"),
        ("scm:git:https://gitbox.apache.org/repos/asf/maven-shared.git", "https://github.com/apache/maven-shared"),
        ("https://git-wip-us.apache.org/repos/asf?p=commons-lang.git", "https://github.com/apache/commons-lang"),
        ("https://gitbox.apache.org/", None),
        ("https://api.github.com/repos/me/a/zipball/0123", "https://github.com/me/a"),
    ],
)
def test_an_address_leads_to_its_repository(text: str, expected: str | None) -> None:
    assert repository_at(text) == expected


def test_a_link_to_the_source_goes_before_a_home_page_and_sponsors_lead_nowhere() -> None:
    links = [
        ("Funding", "https://github.com/owner/funding"),
        ("Homepage", "https://github.com/owner/home"),
        ("Source Code", "https://github.com/owner/name"),
        ("Documentation", "https://example.org"),
    ]
    assert labels.best(links, "metadata") == Evidence(
        "https://github.com/owner/name", "metadata: Source Code", Confidence.CLAIMED
    )
    assert labels.best(links[:1], "metadata") is None
    guess = labels.best(links[:2], "metadata")
    assert guess is not None
    assert guess.confidence is Confidence.GUESSED


@pytest.mark.parametrize(
    ("purl", "expected"),
    [
        ("pkg:golang/github.com/owner/name/v3/part@v3.1.0", "https://github.com/owner/name"),
        ("pkg:golang/golang.org/x/net@v0.30.0", "https://github.com/golang/net"),
        ("pkg:golang/gopkg.in/yaml.v3@v3.0.1", "https://github.com/go-yaml/yaml"),
        ("pkg:golang/gopkg.in/owner/name.v2@v2.0.0", "https://github.com/owner/name"),
        ("pkg:golang/k8s.io/client-go@v0.31.0", "https://github.com/kubernetes/client-go"),
        ("pkg:golang/google.golang.org/grpc/cmd/x@v1.0.0", "https://github.com/grpc/grpc-go"),
        ("pkg:golang/google.golang.org/grpcfoo@v1.0.0", None),
        ("pkg:golang/example.org/private@v1.0.0", None),
        ("pkg:github/owner/name@0123", "https://github.com/owner/name"),
        ("pkg:pypi/flask@3", None),
        (
            "pkg:golang/go.opentelemetry.io/collector/pdata@v1.63.0",
            "https://github.com/open-telemetry/opentelemetry-collector",
        ),
        (
            "pkg:golang/cloud.google.com/go/alloydbconn@v1.0.0",
            "https://github.com/GoogleCloudPlatform/alloydb-go-connector",
        ),
        ("pkg:golang/cloud.google.com/go/storage@v1.0.0", "https://github.com/googleapis/google-cloud-go"),
        ("pkg:golang/modernc.org/sqlite@v1.0.0", "https://gitlab.com/cznic/sqlite"),
        ("pkg:githubactions/actions/checkout@4", "https://github.com/actions/checkout"),
        ("pkg:githubactions/me/all/.github/workflows/check.yaml@main", "https://github.com/me/all"),
        ("pkg:githubactions/github/codeql-action/init@3", "https://github.com/github/codeql-action"),
        ("pkg:swift/github.com/Alamofire/Alamofire@5.4.3", "https://github.com/Alamofire/Alamofire"),
        ("pkg:generic/a@1?vcs_url=git%2Bhttps://github.com/me/a%400123", "https://github.com/me/a"),
    ],
)
def test_some_names_are_addresses(purl: str, expected: str | None) -> None:
    evidence = rules.evidence_for(PackageURL.from_string(purl))
    assert (None if evidence is None else repository_at(evidence.address)) == expected


def put(path: Path, content: str | Mapping[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


@pytest.fixture
def machine(tmp_path: Path) -> Installed:
    """A project in `home/project` with packages of each ecosystem installed."""
    project, home = tmp_path / "home" / "project", tmp_path / "home"
    project.mkdir(parents=True)
    metadata = "Metadata-Version: 2.4\nName: My.Tool\nProject-URL: Source, https://github.com/me/my-tool\n\nText\n"
    put(project / ".venv/lib/python3.12/site-packages/my_tool-1.0.dist-info/METADATA", metadata)
    old = "Metadata-Version: 2.1\nName: old\nHome-page: https://github.com/me/old\n"
    put(project / ".venv/lib/python3.12/site-packages/old-1.0.dist-info/METADATA", old)
    put(
        project / "node_modules/@scope/tool/package.json", {"repository": {"url": "git+https://github.com/me/tool.git"}}
    )
    put(project / "node_modules/short/package.json", {"repository": "me/short"})
    put(project / "node_modules/bugs/package.json", {"bugs": {"url": "https://github.com/me/bugs/issues"}})
    put(
        project / "node_modules/.pnpm/@deep+one@1.0.0/node_modules/@deep/one/package.json",
        {"homepage": "github.com/me/deep"},
    )
    put(project / "node_modules/broken/package.json", "{")
    put(project / "node_modules/@tools/fast-linux-x64/package.json", {"repository": "me/fast"})
    put(home / "secret/package.json", {"repository": "me/secret"})
    put(
        home / ".cargo/registry/src/index/serde-1.0.0/Cargo.toml",
        '[package]\nrepository = "https://github.com/me/serde"\n',
    )
    put(project / "vendor/inner/Cargo.toml", '[package]\nhomepage = "https://github.com/me/inner"\n')
    origin = {"Version": "v1.0.0", "Origin": {"VCS": "git", "URL": "https://github.com/Me/vanity"}}
    put(home / "go/pkg/mod/cache/download/example.org/!me/vanity/@v/v1.0.0.info", origin)
    pom = '<project xmlns="x"><scm><connection>scm:git:https://github.com/me/lib.git</connection></scm></project>'
    put(home / ".m2/repository/org/me/lib/1.0/lib-1.0.pom", pom)
    gem = 'Gem::Specification.new do |s|\n  s.metadata = { "source_code_uri" => "https://github.com/me/gem" }\nend\n'
    put(project / "vendor/bundle/ruby/3.3.0/specifications/mygem-1.0.gemspec", gem)
    return Installed([project], {"HOME": str(home)})


@pytest.mark.parametrize(
    ("purl", "expected", "confidence"),
    [
        ("pkg:pypi/my-tool@1.0", "https://github.com/me/my-tool", Confidence.CLAIMED),
        ("pkg:pypi/old@1.0", "https://github.com/me/old", Confidence.GUESSED),
        ("pkg:npm/%40scope/tool@1", "https://github.com/me/tool", Confidence.CLAIMED),
        ("pkg:npm/short@1", "https://github.com/me/short", Confidence.CLAIMED),
        ("pkg:npm/bugs@1", "https://github.com/me/bugs", Confidence.GUESSED),
        ("pkg:npm/%40deep/one@1.0.0", "https://github.com/me/deep", Confidence.GUESSED),
        ("pkg:npm/%40tools/fast-win32-arm64-msvc@1", "https://github.com/me/fast", Confidence.GUESSED),
        ("pkg:cargo/serde", "https://github.com/me/serde", Confidence.CLAIMED),
        ("pkg:cargo/serde@1.0.0", "https://github.com/me/serde", Confidence.CLAIMED),
        ("pkg:cargo/inner", "https://github.com/me/inner", Confidence.GUESSED),
        ("pkg:golang/example.org/Me/vanity@v1.0.0", "https://github.com/Me/vanity", Confidence.CERTAIN),
        ("pkg:maven/org.me/lib@1.0", "https://github.com/me/lib", Confidence.CLAIMED),
        ("pkg:maven/org.me/lib", "https://github.com/me/lib", Confidence.CLAIMED),
        ("pkg:gem/mygem@1.0", "https://github.com/me/gem", Confidence.CLAIMED),
    ],
)
def test_an_installed_package_says_where_it_comes_from(
    machine: Installed, purl: str, expected: str, confidence: Confidence
) -> None:
    evidence = machine.evidence_for(PackageURL.from_string(purl))
    assert evidence is not None
    assert (repository_at(evidence.address), evidence.confidence) == (expected, confidence)


@pytest.mark.parametrize(
    "purl",
    [
        "pkg:pypi/absent",
        "pkg:npm/broken",
        "pkg:npm/%40tools/slow-win32-x64@1",
        "pkg:cargo/absent@1",
        "pkg:cargo/absent@[",
        "pkg:golang/example.org/a@v1",
        "pkg:nuget/x",
    ],
)
def test_what_is_not_installed_or_broken_says_nothing(machine: Installed, purl: str) -> None:
    assert machine.evidence_for(PackageURL.from_string(purl)) is None


@pytest.mark.parametrize("ecosystem", ["npm", "cargo", "maven", "gem", "pypi", "golang"])
@pytest.mark.parametrize("name", ["../../secret", "/etc", "**", "a\0b", "..", "["])
def test_a_name_leads_out_of_the_folders_of_packages_nowhere(machine: Installed, ecosystem: str, name: str) -> None:
    assert machine.evidence_for(PackageURL(type=ecosystem, namespace="a", name=name, version=name)) is None
    assert machine.evidence_for(PackageURL(type=ecosystem, namespace="..", name="secret", version="1")) is None


def dependency(purl: str, stated: str | None = None) -> Dependency:
    address = None if stated is None else StatedAddress(stated, "source")
    return Dependency(PackageURL.from_string(purl), Path("a.lock"), address)


def test_a_file_s_own_word_goes_before_everything_else() -> None:
    def never(_: PackageURL) -> Evidence:
        raise AssertionError("nobody needs to be asked")

    (found,) = resolve([dependency("pkg:pypi/a", "git+https://github.com/me/fork")], [never])
    assert isinstance(found, Found)
    assert (found.url, found.evidence.source) == ("https://github.com/me/fork", "a.lock: source")
    assert found.evidence.confidence is Confidence.CERTAIN


def test_a_guess_gives_way_to_a_claim_and_a_package_is_asked_for_once() -> None:
    asked: list[str] = []

    def source(name: str, confidence: Confidence) -> Evidence:
        asked.append(name)
        return Evidence(f"https://github.com/me/{name}", name, confidence)

    sources = [
        lambda _: None,
        lambda _: source("guess", Confidence.GUESSED),
        lambda _: source("claim", Confidence.CLAIMED),
        lambda _: source("too-late", Confidence.CERTAIN),
    ]
    first, second = resolve([dependency("pkg:pypi/a"), dependency("pkg:pypi/a")], sources)
    assert isinstance(first, Found)
    assert isinstance(second, Found)
    assert (first.url, second.url) == ("https://github.com/me/claim",) * 2
    assert asked == ["guess", "claim"]


def test_links_that_the_file_repeats_count_after_the_name_and_what_is_installed() -> None:
    def linked(*links: tuple[str, str]) -> Dependency:
        return Dependency(PackageURL.from_string("pkg:npm/a@1"), Path("bom.json"), links=links)

    claim = ("vcs", "https://github.com/me/a")
    (found,) = resolve([linked(("website", "https://github.com/me/site"), claim)], [lambda _: None])
    assert isinstance(found, Found)
    assert (found.url, found.evidence.confidence) == ("https://github.com/me/a", Confidence.CLAIMED)
    (certain,) = resolve([linked(claim)], [lambda _: Evidence("https://github.com/me/b", "b", Confidence.CERTAIN)])
    assert isinstance(certain, Found)
    assert certain.url == "https://github.com/me/b"
    (elsewhere,) = resolve([linked(("vcs", "https://svn.example.org/a"))], [lambda _: None])
    assert isinstance(elsewhere, NotFound)
    assert elsewhere.reason == "its source is not on a host that is watched: https://svn.example.org/a"


def test_the_source_of_a_parent_of_many_projects_is_not_that_of_each() -> None:
    def of_maven(name: str) -> Dependency:
        links = (("vcs", "https://github.com/jboss/jboss-parent-pom"),)
        return Dependency(PackageURL("maven", "org.jboss", name, "1"), Path("bom.json"), links=links)

    child, parent = resolve([of_maven("jboss-msc"), of_maven("jboss-parent")], [lambda _: None])
    assert isinstance(child, NotFound)
    assert isinstance(parent, Found)


def test_what_is_not_known_comes_with_its_reason() -> None:
    nothing, elsewhere = resolve(
        [dependency("pkg:pypi/a"), dependency("pkg:pypi/b", "https://git.example.org/b.git")], [lambda _: None]
    )
    assert isinstance(nothing, NotFound)
    assert isinstance(elsewhere, NotFound)
    assert nothing.reason == "nothing on this machine names its repository"
    assert elsewhere.reason == "its source is not on a host that is watched: https://git.example.org/b.git"
