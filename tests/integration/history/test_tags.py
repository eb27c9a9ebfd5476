"""Tags and their dates are those of git itself, whatever the server speaks."""

import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local_service.git.server import GitServer
from tasks.child_process import ChildProcesses
from tasks.history import Repository, Tagged, open_repository
from tasks.history.limits import MIB
from tests.forwarding_host import forwarding
from tests.hostile_server import HostileServer
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
        told = repository.tagged({tag.oid: tag.peeled for tag in tags})
    dates = told.dates
    said = git(bare, "for-each-ref", "--format=%(refname:strip=2) %(creatordate:unix)", "refs/tags").decode()
    expected = {name: int(at) for name, _, at in (line.partition(" ") for line in said.splitlines()) if at}
    assert {tag.name: int(dates[tag.oid].timestamp()) for tag in tags if tag.oid in dates} == expected
    assert dates[tags[1].oid] == datetime.fromtimestamp(NOW + 60, UTC)
    assert told.no_commits == {tags[2].oid}


def write_tag(bare: Path, name: str, target: str, kind: str = "commit") -> str:
    """Set an annotated tag on anything, as a client can push it, and return its id."""
    content = f"object {target}\ntype {kind}\ntag {name}\ntagger T <t@example.org> {NOW} +0000\n\nx\n"
    oid = put(bare, "tag", content.encode())
    set_tag(bare, name, oid)
    return oid


def put(bare: Path, kind: str, content: bytes) -> str:
    command = ["git", "hash-object", "-t", kind, "-w", "--literally", "--stdin"]
    ran = subprocess.run(command, cwd=bare, check=True, env=ENVIRONMENT, capture_output=True, input=content)
    return ran.stdout.decode().strip()


def set_tag(bare: Path, name: str, oid: str) -> None:
    folder = Path(git(bare, "rev-parse", "--absolute-git-dir").decode().strip()) / "refs" / "tags"
    (folder / name).write_text(oid + "\n")


def tag_what_is_missing(bare: Path, oids: Sequence[str]) -> set[str]:
    return {write_tag(bare, "v8", "f" * len(oids[0])), write_tag(bare, "v9", "e" * len(oids[0]))}


def tag_with_a_wrong_type(bare: Path, oids: Sequence[str]) -> set[str]:
    return {write_tag(bare, "v8", oids[0], "tree")}


def set_tags_to_what_is_missing(bare: Path, oids: Sequence[str]) -> set[str]:
    missing = {"f" * len(oids[0]), "0" * (len(oids[0]) - 1) + "1"}
    for number, oid in enumerate(missing):
        set_tag(bare, f"v0.{number}", oid)
    return missing


def tag_a_large_file(bare: Path, _: Sequence[str]) -> set[str]:
    blob = put(bare, "blob", b"x" * (9 * MIB))
    set_tag(bare, "v8", blob)
    return {blob}


def tag_a_huge_file(bare: Path, _: Sequence[str]) -> set[str]:
    blob = put(bare, "blob", b"x" * (17 * MIB))
    return {write_tag(bare, "v8", blob, "blob")}


@pytest.mark.parametrize(
    "spoil",
    [
        tag_what_is_missing,
        tag_with_a_wrong_type,
        set_tags_to_what_is_missing,
        tag_a_large_file,
        tag_a_huge_file,
    ],
)
def test_a_tag_that_cannot_be_had_costs_itself_only(
    bare: Path, tmp_path: Path, spoil: Callable[[Path, Sequence[str]], set[str]]
) -> None:
    oids = git(bare, "rev-list", "HEAD").decode().split()
    with opened(bare, tmp_path, "filters") as repository:
        whole = repository.tagged({tag.oid: tag.peeled for tag in repository.tags().tags})
    bad = spoil(bare, oids)
    with opened(bare, tmp_path, "filters") as repository:
        told = repository.tagged({tag.oid: tag.peeled for tag in repository.tags().tags})
    assert {oid: told.dates.get(oid) for oid in whole.dates} == whole.dates
    assert told.no_commits == whole.no_commits | bad


def test_a_host_that_gives_nothing_says_nothing_of_tags(bare: Path, tmp_path: Path) -> None:
    def ask_for_nothing(body: bytes) -> bytes:
        return re.sub(rb"want [0-9a-f]+", lambda wanted: b"want ".ljust(len(wanted[0]), b"f"), body)

    with GitServer(bare.parent) as back, HostileServer(forwarding(back, "it.git", rewrite=ask_for_nothing)) as server:
        scratch = tmp_path / "scratch"
        with open_repository(
            f"{server.url}/o/n", scratch=scratch, children=ChildProcesses(), allowed_schemes=("http",)
        ) as repository:
            told = repository.tagged({tag.oid: tag.peeled for tag in repository.tags().tags})
    assert told == Tagged()


@pytest.mark.parametrize("server", ["does not filter", "old protocol"])
def test_servers_that_would_send_whole_trees_are_not_asked_for_dates(bare: Path, tmp_path: Path, server: str) -> None:
    with opened(bare, tmp_path, server) as repository:
        tags = repository.tags().tags
        before = repository.bytes_received
        assert repository.tagged({tag.oid: tag.peeled for tag in tags}) == Tagged()
        assert repository.parents_beside(tags[0].oid) == {}
        assert repository.bytes_received - before < 1000
