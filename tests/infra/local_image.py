"""The image for one machine serves, keeps its data in a volume, and lets nobody in without the token.

`scripts/image-test` builds the image and runs these tests. pytest does not collect them by itself: they need root,
podman and the image, which LOCAL_IMAGE names.
"""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import pytest
import urllib3

from tests import waiting
from tests.waiting import SECONDS
from watchlist.deployment import routes

TOKEN = "a-token-of-this-test"
VOLUME = "watchlist-data-of-this-test"
USER = "ada@example.org"


@pytest.fixture
def volume() -> Iterator[str]:
    yield VOLUME
    podman("volume", "rm", "--force", VOLUME)


def podman(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["podman", *arguments], capture_output=True, text=True, check=False, timeout=SECONDS)


def argv(*options: str) -> list[str]:
    """Return the options that run the image as docs and Dockerfile say, with what a careful host adds."""
    name = os.environ.get("LOCAL_IMAGE")
    if name is None:
        pytest.fail("LOCAL_IMAGE does not name the image: run scripts/image-test, which builds it")
    careful = ("--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--tmpfs=/tmp")
    return ["run", "--pull=never", "--network=host", *careful, *options, name]


@contextmanager
def served(volume: str) -> Iterator[str]:
    """Run a container; yield its API's address, and end it as `docker stop` does."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    options = ("--detach", f"--volume={volume}:/data", f"--env=WATCHLIST_TOKEN={TOKEN}")
    started = podman(*argv(*options), "--port", str(port))
    assert started.returncode == 0, started.stderr
    container, url = started.stdout.strip(), f"http://127.0.0.1:{port}"
    try:
        wait_until_it_answers(container, url)
        yield url
        stopped = podman("stop", "--time", "40", container)
        assert stopped.returncode == 0, stopped.stderr
        assert podman("inspect", "--format", "{{.State.ExitCode}}", container).stdout.strip() == "0"
    finally:
        podman("rm", "--force", "--time", "0", container)


def wait_until_it_answers(container: str, url: str) -> None:
    def answers() -> bool:
        try:
            ask("GET", f"{url}{routes.OPENAPI.path}")
        except urllib3.exceptions.HTTPError:
            return False
        return True

    waiting.until("it answers", answers, said=lambda: str(podman("logs", container)))


def ask(method: str, url: str, token: str | None = TOKEN, body: Any = None) -> urllib3.BaseHTTPResponse:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return urllib3.request(method, url, json=body, headers=headers, retries=False, timeout=30)


def test_what_was_added_is_in_the_volume_of_the_next_container(volume: str) -> None:
    repository = {"repo_url": "https://github.com/owner/name", "added_by": USER}
    with served(volume) as url:
        assert ask("POST", f"{url}{routes.ADD.path}", token=None, body=repository).status == HTTPStatus.UNAUTHORIZED
        added = ask("POST", f"{url}{routes.ADD.path}", body=repository)
        assert added.status == HTTPStatus.ACCEPTED
    with served(volume) as url:
        answer = ask("GET", f"{url}{routes.USER_WATCHLIST.path}?user={USER}")
        assert [item["watchlist_id"] for item in answer.json()["items"]] == [added.json()["watchlist_id"]]


def test_without_a_token_it_says_so_in_one_line(volume: str) -> None:
    ended = podman(*argv("--rm", f"--volume={volume}:/data"))
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: whoever reaches 0.0.0.0 could use the service: set --token")
    assert ended.stderr.count("\n") == 1


def test_its_programs_are_there(volume: str) -> None:
    image = argv("--rm", "--entrypoint=/bin/sh", f"--volume={volume}:/data")
    ended = podman(*image, "-c", "git --version && scorecard version && id -u")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "10001"
