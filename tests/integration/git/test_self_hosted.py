"""The operator's own hosts are asked as their kind wants it, and shown their own tokens and nothing else."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tasks.child_process import ChildProcesses
from tasks.history import open_repository
from tasks.hosts.describe import Forge
from tasks.hosts.github_api import GitHubApi
from tests.certificates import write_certificate
from tests.hostile_server import HostileServer, reply
from tests.repositories import NOW, YEAR
from tests.self_hosted import TOKEN, SelfHosted, self_hosted
from watchlist import peers
from watchlist.errors import ErrorCode, JobError
from watchlist.git.package import Package
from watchlist.git.remote import HeadReader
from watchlist.git.tokens import Tokens
from watchlist.json_client import JsonClient, NoAnswerError
from watchlist.repository_spelling import read_repository
from watchlist.repository_url import Repository
from watchlist.settings import OriginSettings

PATHS = {"gitlab": "Group/sub/sub2/it", "gitea": "Ada/it", "forgejo": "Ada/it", "github": "Ada/it"}
SINCE = datetime.fromtimestamp(NOW - YEAR, UTC)
METADATA = "http://169.254.169.254/latest/meta-data/iam/security-credentials/"

BindHosts = Callable[[str], OriginSettings]
StartHost = Callable[..., SelfHosted]


@pytest.fixture
def start(bind_hosts: BindHosts, tmp_path: Path) -> Iterator[StartHost]:
    """Return what runs a host of a kind and makes it known."""
    with ExitStack() as running:

        def start(kind: str, **more: Any) -> SelfHosted:
            host = running.enter_context(self_hosted(kind, PATHS[kind], tmp_path / "served", **more))
            bind_hosts(host.setting)
            return host

        yield start


def repository_of(host: SelfHosted, spelling: str = "{origin}/{path}") -> Repository:
    return read_repository(spelling.format(origin=host.origin, path=host.path), (host.origin,))


def read_head(host: SelfHosted, repository: Repository | None = None, *tokens: str) -> str | None:
    with HeadReader([host.origin], tokens=Tokens({host.origin: tokens})) as reader:
        return reader.head(repository or repository_of(host)).sha


def read_history(host: SelfHosted, scratch: Path, token: str | None, repository: Repository | None = None) -> list[str]:
    url = (repository or repository_of(host)).url
    with open_repository(
        url, scratch=scratch, children=ChildProcesses(), allowed_schemes=("http",), token=token
    ) as opened:
        return [commit.sha for commit in opened.commits(since=SINCE).commits]


def described(host: SelfHosted, *tokens: str) -> Package:
    forge = Forge(GitHubApi("http://127.0.0.1:9"), ("ghp_github",), own_tokens={host.origin: tokens})
    return forge.describe(repository_of(host))


@pytest.mark.parametrize("kind", PATHS)
def test_head_history_and_description_of_a_host_that_wants_a_token(start: StartHost, tmp_path: Path, kind: str) -> None:
    host = start(kind)

    head = read_head(host, None, TOKEN)
    shas = read_history(host, tmp_path / "scratch", TOKEN)
    package = described(host, TOKEN)

    assert (shas[0], len(shas)) == (head, 3)
    assert (package.name, package.stars, package.archived, package.reason) == (host.path, 3, True, None)
    assert all(said is not None and "github" not in said for _, _, said in host.shown)


@pytest.mark.parametrize("kind", PATHS)
def test_head_is_one_request(start: StartHost, kind: str) -> None:
    host = start(kind)

    read_head(host, None, TOKEN)

    assert len(host.shown) == 1


@pytest.mark.parametrize("kind", PATHS)
def test_another_case_is_the_same_repository(start: StartHost, tmp_path: Path, kind: str) -> None:
    host = start(kind)
    other = Repository(host.origin, *(part.upper() for part in host.path.rsplit("/", 1)))

    with HeadReader([host.origin], tokens=Tokens({host.origin: [TOKEN]})) as reader:
        head = reader.head(other)

    assert (head.sha, head.renamed_to) == (read_head(host, None, TOKEN), None)
    assert len(read_history(host, tmp_path / "scratch", TOKEN, other)) == 3
    assert other.key == repository_of(host).key


@pytest.mark.parametrize("kind", PATHS)
def test_without_its_token_such_a_host_asks_to_sign_in(start: StartHost, tmp_path: Path, kind: str) -> None:
    host = start(kind)

    for read in (lambda: read_head(host), lambda: read_history(host, tmp_path / "scratch", None)):
        with pytest.raises(JobError) as refused:
            read()
        assert refused.value.code is ErrorCode.REPOSITORY_REQUIRES_LOGIN
    assert described(host).reason is not None


@pytest.mark.parametrize("kind", PATHS)
def test_a_token_that_is_refused_hides_no_public_repository(start: StartHost, tmp_path: Path, kind: str) -> None:
    host = start(kind, token=None)

    assert read_head(host, None, "revoked")
    assert len(read_history(host, tmp_path / "scratch", "revoked")) == 3


def test_a_former_name_is_followed_with_the_token_on_the_same_host(start: StartHost, tmp_path: Path) -> None:
    host = start("gitlab")  # which redirects from an address without `.git`

    with HeadReader([host.origin], tokens=Tokens({host.origin: [TOKEN]})) as reader:
        assert reader.present_name(repository_of(host)) == repository_of(host)
    read_history(host, tmp_path / "scratch", TOKEN)

    assert {said is not None for _, _, said in host.shown} == {True}


@pytest.mark.parametrize("kind", PATHS)
def test_a_redirect_to_another_host_is_not_followed_and_nothing_is_shown_there(
    start: StartHost, tmp_path: Path, kind: str
) -> None:
    host = start(kind)
    with HostileServer(lambda handler: reply(handler, b"{}", content_type="application/json")) as thief:
        for place in (f"{thief.origin}/{host.path}/info/refs", METADATA):
            host.elsewhere = place
            for read in (lambda: read_head(host, None, TOKEN), lambda: read_history(host, tmp_path / "s", TOKEN)):
                with pytest.raises(JobError) as refused:
                    read()
                assert refused.value.code is ErrorCode.REPOSITORY_MOVED
            assert described(host, TOKEN).reason is not None
        assert thief.requests == []


@pytest.fixture
def name_leads_to_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = socket.getaddrinfo

    def lead_here(host: str, *rest: Any, **more: Any) -> Any:
        return resolve("127.0.0.1" if host == "tea.example.org" else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", lead_here)


@pytest.mark.usefixtures("name_leads_to_loopback")
def test_a_name_that_is_made_to_lead_to_this_machine_gets_no_request(tmp_path: Path) -> None:
    with HostileServer(reply) as local:
        origin = local.origin.replace("127.0.0.1", "tea.example.org")
        repository = Repository(origin, "ada", "it")
        url, scratch = repository.url, tmp_path / "scratch"
        with HeadReader([origin], tokens=Tokens({origin: [TOKEN]})) as reader, pytest.raises(JobError) as at_check:
            reader.head(repository)
        with (
            pytest.raises(JobError) as at_clone,
            open_repository(url, scratch=scratch, children=ChildProcesses(), allowed_schemes=("http",)) as opened,
        ):
            opened.head()
        with pytest.raises(NoAnswerError, match="ForbiddenPeerError"):
            JsonClient().get(f"{origin}/api/v1/repos/ada/it", {"Authorization": f"Bearer {TOKEN}"})

    told = "The host's name leads to an address where no host is."
    assert (at_check.value.message, at_clone.value.message) == (told, told)
    assert local.requests == []


@pytest.mark.usefixtures("name_leads_to_loopback")
def test_with_tls_a_name_that_leads_elsewhere_is_shown_nothing(tmp_path: Path) -> None:
    certificate = write_certificate(tmp_path / "thief.pem", "thief.example.org")
    with HostileServer(reply, certificate=certificate) as thief:
        origin = f"https://tea.example.org:{thief.port}"
        with HeadReader([origin], tokens=Tokens({origin: [TOKEN]})) as reader, pytest.raises(JobError) as refused:
            reader.head(Repository(origin, "ada", "it"))

    assert refused.value.code is ErrorCode.HOST_UNREACHABLE
    assert thief.requests == []


@pytest.mark.parametrize(
    ("address", "host", "has_tls", "forbidden"),
    [
        ("169.254.169.254", "git.example.org", True, True),
        ("169.254.170.2", "169.254.170.2", False, True),
        ("fd00:ec2::254", "git.example.org", True, True),
        ("fe80::1%eth0", "git.example.org", True, True),
        ("::ffff:169.254.169.254", "git.example.org", True, True),
        ("0.0.0.0", "git.example.org", True, True),  # noqa: S104 - an address that is refused
        ("127.0.0.1", "git.example.org", False, True),
        ("::1", "git.example.org", False, True),
        ("127.0.1.1", "git.example.org", True, False),
        ("127.0.0.1", "127.0.0.1", False, False),
        ("127.0.0.1", "localhost", False, False),
        ("10.0.0.7", "git.example.org", False, False),
        ("192.168.1.7", "git.example.org", True, False),
        ("fd12:3456::7", "git.example.org", True, False),
        ("140.82.121.4", "github.com", True, False),
    ],
)
def test_a_private_network_may_have_hosts_and_the_platform_s_own_addresses_never(
    address: str, host: str, *, has_tls: bool, forbidden: bool
) -> None:
    assert peers.is_forbidden(address, host, has_tls=has_tls) is forbidden
