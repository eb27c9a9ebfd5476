"""The service as a process, and repositories made for it to watch."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local_service import lifeline
from local_service.commands.api_client import ApiClient
from local_service.git.server import GitServer
from tests import waiting
from tests.waiting import SECONDS

_GIT = ("git", "-c", "user.name=Ada Lovelace", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")


@dataclass(frozen=True)
class RunningService:
    """The service as a process of its own.

    Attributes:
        welcome: all that it printed when it was ready.
        clones: the folder that its tasks clone into.
    """

    process: subprocess.Popen[str]
    url: str
    live_url: str
    welcome: str
    log: Path
    clones: Path

    @property
    def api(self) -> ApiClient:
        """Calls its HTTP API."""
        return ApiClient(self.url)

    def wait_until_processed(self, watchlist_id: str) -> dict[str, Any]:
        """Poll until the entry is ready or failed, and return its status."""
        return waiting.until(
            "it is processed",
            lambda: self.api.status(watchlist_id),
            lambda status: status["status"] != "processing",
            said=lambda: self.log.read_text()[-4000:],
        )


@dataclass(frozen=True)
class Forge:
    """A host of repositories, which tests make as they need them."""

    root: Path
    url: str
    moved: dict[str, str] = field(default_factory=dict)

    def rename(self, name: str, to: str) -> None:
        """Call a repository by another name; its former one is redirected to it."""
        self.path(name).rename(self.path(to))
        self.moved[f"/forge/{name}"] = f"/forge/{to}"

    def make(self, name: str, commits: int) -> str:
        """Make a repository with so many commits, an hour apart and the last one now, and return its URL."""
        path = self.path(name)
        path.mkdir(parents=True)
        _git(path, "init", "--quiet", "--initial-branch=main")
        now = int(time.time())
        for number in range(commits):
            self._commit(name, number, now - 3600 * (commits - 1 - number))
        return f"{self.url}/forge/{name}"

    def commit(self, name: str, number: int) -> None:
        """Make a further commit, now."""
        self._commit(name, number, int(time.time()))

    def _commit(self, name: str, number: int, at: int) -> None:
        path = self.path(name)
        (path / "file.txt").write_text("".join(f"line {line}\n" for line in range(number + 1)))
        _git(path, "add", "file.txt")
        _git(path, "commit", "--quiet", f"--message=Commit {number}", date=f"{at} +0000")

    def path(self, name: str) -> Path:
        """Return where a repository lies."""
        return self.root / "forge" / name


def _git(directory: Path, *arguments: str, date: str = "") -> None:
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date} if date else {}
    nobody = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run([*_GIT, *arguments], cwd=directory, check=True, env={**_path(), **nobody, **dates})


def _path() -> dict[str, str]:
    return {"PATH": os.environ["PATH"]}


@pytest.fixture(scope="session")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    root = tmp_path_factory.mktemp("repositories")
    with GitServer(root) as server:
        yield Forge(root, server.url, server.moved)


@pytest.fixture(scope="session")
def variables(forge: Forge, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The environment of a caller who has no AWS account, no Scorecard and no network."""
    return {
        **_path(),
        "ALLOWED_ORIGINS": forge.url,
        "GIT_CLONE_DIR": str(tmp_path_factory.mktemp("clones")),
        "SCORECARD_PATH": "no-scorecard-here",
        "GITHUB_API_BASE_URL": "http://127.0.0.1:9",
        "SCORECARD_API_BASE_URL": "http://127.0.0.1:9",
    }


Serve = Callable[..., Any]

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
"""Of an API on this machine."""


@pytest.fixture(scope="session")
def serve(variables: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Serve:
    """Return a context manager that starts a service with further variables, and stops it.

    `program`, if given, is the module that stands in place of the service's own, with arguments to come first;
    `port` is that of the API.
    """

    @contextmanager
    def start(
        *repositories: Path, program: Sequence[str] = ("local_service",), port: int = 0, **more: str
    ) -> Iterator[RunningService]:
        log = tmp_path_factory.mktemp("service") / "service.log"
        arguments = ["serve", "--port", str(port), "--log", str(log), *map(str, repositories)]
        process = subprocess.Popen(
            [sys.executable, "-m", *program, *arguments],
            stdout=subprocess.PIPE,
            text=True,
            cwd=lifeline.ROOT,
            env={"WATCHLIST_DATA": str(tmp_path_factory.mktemp("data")), **variables, **more},
        )
        try:
            welcome = read_welcome(process)
            address = ADDRESS.search(welcome)
            live_address = re.search(r"ws://127\.0\.0\.1:\d+", welcome)
            assert address is not None
            assert live_address is not None
            yield RunningService(process, address[0], live_address[0], welcome, log, Path(variables["GIT_CLONE_DIR"]))
        finally:
            process.terminate()
            process.wait(SECONDS)
            if process.stdout is not None:
                process.stdout.close()

    return start


@pytest.fixture(scope="session")
def service(serve: Serve) -> Iterator[RunningService]:
    """One service for all tests that only use it."""
    with serve() as running:
        yield running


def read_welcome(process: subprocess.Popen[str]) -> str:
    """Return what a service says when it has started; its API's address is the first."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if "ws://" in line:
            break
    else:
        raise AssertionError(f"the service ended: {''.join(lines)}")
    return "".join(lines)
