"""A host of one's own, as people run it: TLS of an authority of its own, a token for everything, nested groups."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509

from local_service import lifeline
from tests.certificates import write_certificate
from tests.e2e.command_line import run
from tests.e2e.conftest import RunningService, Serve
from tests.self_hosted import TOKEN, SelfHosted, self_hosted

USER = "ada@example.org"
PATH = "Group/sub/sub2/it"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SelfHosted]:
    folder = tmp_path_factory.mktemp("host")
    certificate = write_certificate(folder / "authority.pem", x509.IPAddress(ip_address("127.0.0.1")))
    with self_hosted("gitlab", PATH, folder / "served", certificate=certificate) as host:
        yield host


@pytest.fixture(scope="module")
def service(host: SelfHosted, serve: Serve) -> Iterator[RunningService]:
    with ExitStack() as running:
        variables = {"GIT_HOSTS": host.setting, "GIT_TOKENS": host.tokens, "SSL_CERT_FILE": str(host.certificate)}
        yield running.enter_context(serve(**variables))


def test_a_repository_in_nested_groups_is_watched_with_the_token_and_linked(
    host: SelfHosted, service: RunningService
) -> None:
    client = service.api

    watchlist_id = client.add(f"{host.origin}/group/SUB/sub2/it/-/issues?state=opened", USER)
    status = service.wait_until_processed(watchlist_id)

    assert (status["status"], status["commits"], status["last_error"]) == ("ready", 3, None)
    assert (status["package"]["name"], status["package"]["stars"], status["package"]["archived"]) == (PATH, 3, True)
    assert status["commit_page"] == f"{host.origin}/group/SUB/sub2/it/-/commit/{{sha}}"
    again = client.add(f"git@{host.origin.removeprefix('https://').partition(':')[0]}:{PATH}.git", "grace@example.org")
    assert again == watchlist_id
    variables = {"WATCHLIST_URL": service.url, "WATCHLIST_USER": USER}
    for spelling in (f"{host.origin}/{PATH}.git", f"git@127.0.0.1:{PATH}.git", f"ssh://git@127.0.0.1:2222/{PATH}"):
        found = run(variables, "--json", "show", spelling)
        assert (found.returncode, watchlist_id in found.stdout) == (0, True), found.stderr
    assert all(TOKEN not in path and shown is not None for _, path, shown in host.shown)
    assert TOKEN not in service.log.read_text()
    assert TOKEN not in json.dumps(status)


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"GIT_HOSTS": '[{"origin": "https://git.example.org/gitlab", "kind": "gitlab"}]'}, "GIT_HOSTS: "),
        ({"GIT_HOSTS": '[{"origin": "https://git.example.org", "kind": "gogs"}]'}, "kind must be one of"),
        ({"GIT_TOKENS": '{"https://git.example.org": "s3cret"}'}, "GIT_TOKENS: the origin of entry 1"),
    ],
)
def test_what_cannot_be_a_host_ends_the_service_with_one_line(
    variables: dict[str, str], told: str, tmp_path: Path
) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "local_service", "serve", "--port", "0", "--log", str(tmp_path / "log")],
        cwd=lifeline.ROOT,
        env={"WATCHLIST_DATA": str(tmp_path / "data"), **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    (line,) = [line for line in finished.stderr.splitlines() if "environment variables" in line]
    assert finished.returncode != 0
    assert told in line
    assert "s3cret" not in finished.stderr + finished.stdout
    assert "Traceback" not in finished.stderr
