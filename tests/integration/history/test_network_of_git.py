"""git that talks with a host reaches that host's port; git that only reads reaches none."""

import socket
from pathlib import Path

import pytest

from tasks.child_process import ChildProcesses
from tasks.history.git_process import Deadline, Git
from tasks.history.limits import FetchLimits
from tests.landlock import needs_landlock
from watchlist.errors import JobError

ALLOWED = {"protocol.allow": "always"}


@pytest.fixture
def git(tmp_path: Path) -> Git:
    return Git(tmp_path, children=ChildProcesses(), limits=FetchLimits(), deadline=Deadline(60))


def listens() -> socket.socket:
    """Somebody who takes connections and never says anything."""
    return socket.create_server(("127.0.0.1", 0))


@needs_landlock
def test_git_that_talks_with_a_host_reaches_no_other_port(git: Git) -> None:
    with listens() as host, listens() as other:
        urls = [f"http://127.0.0.1:{each.getsockname()[1]}/a/b" for each in (host, other)]
        with (
            pytest.raises(JobError),
            git.start(["ls-remote", urls[1]], settings=ALLOWED, url=urls[0]) as child,
        ):
            child.stdout.read()
        other.settimeout(0)
        with pytest.raises(BlockingIOError):
            other.accept()


def test_git_that_talks_with_a_host_reaches_it(git: Git) -> None:
    with listens() as host:
        host.settimeout(60)
        url = f"http://127.0.0.1:{host.getsockname()[1]}/a/b"
        with pytest.raises(JobError), git.start(["ls-remote", url], settings=ALLOWED, url=url):
            host.accept()[0].close()
