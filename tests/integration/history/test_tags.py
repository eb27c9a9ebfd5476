"""Tags and their dates are those of git itself, whatever the server speaks."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local_service.git.server import GitServer
from tasks.child_process import ChildProcesses
from tasks.history import Repository, open_repository
from tests.repositories import ENVIRONMENT, NOW, build_repository, git, straight_line

SERVERS: dict[str, dict[str, Any]] = {
    "filters": {},
    "does not filter": {"configuration": {}},
    "old protocol": {"version_2": False},
}


@pytest.fixture(params=["sha1", "sha256"])
def bare(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Six commits; four tags: plain, annotated, on a tree, and annotated on another tag."""
    served = tmp_path / "served"
    served.mkdir()
    path = build_repository(served / "it.git", straight_line(6), object_format=request.param)
    dates = {"GIT_COMMITTER_DATE": f"@{NOW + 60} +0000"}
    annotated = ("-c", "user.name=T", "-c", "user.email=t@example.org", "tag", "-a", "-m", "x")
    for arguments in (
        ("tag", "v1", "main~3"),
        (*annotated, "v2", "main~2"),
        ("tag", "v3", "main^{tree}"),
        (*annotated, "v4", "v2"),
    ):
        subprocess.run(["git", *arguments], cwd=path, check=True, env=ENVIRONMENT | dates, capture_output=True)
    return path


@contextmanager
def opened(bare: Path, tmp_path: Path, server: str) -> Iterator[Repository]:
    with (
        GitServer(bare.parent, **SERVERS[server]) as running,
        open_repository(
            running.url_of("it.git"),
            scratch=tmp_path / "scratch",
            children=ChildProcesses(),
            allowed_schemes=("http",),
        ) as repository,
    ):
        yield repository


@pytest.mark.parametrize("server", SERVERS)
def test_tags_are_those_of_git_with_what_they_stand_for(bare: Path, tmp_path: Path, server: str) -> None:
    listed = git(bare, "for-each-ref", "--format=%(refname:strip=2) %(objectname)", "refs/tags").decode()
    peeled = {name: git(bare, "rev-parse", f"{name}^{{}}").decode().strip() for name in ("v1", "v2", "v3", "v4")}
    with opened(bare, tmp_path, server) as repository:
        tags = repository.tags().tags
    assert [f"{tag.name} {tag.oid}" for tag in tags] == listed.split("\n")[:-1]
    assert {tag.name: tag.peeled for tag in tags} == peeled


def test_dates_are_those_of_git(bare: Path, tmp_path: Path) -> None:
    with opened(bare, tmp_path, "filters") as repository:
        tags = repository.tags().tags
        dates = repository.dates([tag.oid for tag in tags])
    said = git(bare, "for-each-ref", "--format=%(refname:strip=2) %(creatordate:unix)", "refs/tags").decode()
    expected = {name: int(at) for name, _, at in (line.partition(" ") for line in said.splitlines()) if at}
    assert {tag.name: int(dates[tag.oid].timestamp()) for tag in tags if tag.oid in dates} == expected
    assert dates[tags[1].oid] == datetime.fromtimestamp(NOW + 60, UTC)


@pytest.mark.parametrize("server", ["does not filter", "old protocol"])
def test_servers_that_would_send_whole_trees_are_not_asked_for_dates(bare: Path, tmp_path: Path, server: str) -> None:
    with opened(bare, tmp_path, server) as repository:
        oids = [tag.oid for tag in repository.tags().tags]
        before = repository.bytes_received
        assert repository.dates(oids) == {}
        assert repository.parents_beside(oids[0]) == {}
        assert repository.bytes_received - before < 1000
