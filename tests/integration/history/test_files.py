"""HEAD's files: the checkout for scanners, and `.mailmap`."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_service.git.server import PARTIAL_CLONE, GitServer
from tasks.child_process import ChildProcesses
from tasks.history import FetchLimits, open_repository
from tests.repositories import PlannedCommit, PlannedFile, build_repository
from watchlist.errors import ErrorCode, JobError


@pytest.fixture(params=[(PARTIAL_CLONE, True), ({}, True), ({}, False)], ids=["filter", "no-filter", "oldest"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GitServer]:
    configuration, version_2 = request.param
    with GitServer(tmp_path, configuration=configuration, version_2=version_2) as server:
        yield server


def test_a_checkout_holds_heads_files(tmp_path: Path, server: GitServer) -> None:
    files = {
        b"README": PlannedFile(b"read me\r\n"),
        b"bin/run": PlannedFile(b"#!/bin/sh\n", "100755"),
        b".gitattributes": PlannedFile(b"* filter=evil text eol=crlf ident\n"),
        b"ident": PlannedFile(b"$Id$\n"),
        b"link": PlannedFile(b"bin/run", "120000"),
        b"bin/up": PlannedFile(b"../README", "120000"),
        b"sub": PlannedFile(b"1" * 40, "160000"),
    }
    build_repository(tmp_path / "it.git", [PlannedCommit(files=files)])
    with open_repository(
        server.url_of("it.git"), scratch=tmp_path / "s", children=ChildProcesses(), allowed_schemes=("http",)
    ) as repository:
        tree = repository.check_out()
        found = {str(path.relative_to(tree)) for path in tree.rglob("*") if not path.is_dir()}
        assert found == {"README", "bin/run", ".gitattributes", "ident", "link", "bin/up"}
        assert (tree / "README").read_bytes() == b"read me\r\n"
        assert (tree / "ident").read_bytes() == b"$Id$\n"
        assert os.access(tree / "bin/run", os.X_OK)
        assert not os.access(tree / "README", os.X_OK)
        assert (tree / "link").readlink() == Path("bin/run")
        assert (tree / "bin/up").read_bytes() == b"read me\r\n"
    assert list((tmp_path / "s").iterdir()) == []


def test_links_that_lead_out_are_left_out(tmp_path: Path, server: GitServer) -> None:
    links = {
        b"etc": b"/etc/passwd",
        b"up": b"../x",
        b"d/up": b"../../x",
        b"d/here": b"..",
        b"round": b"d/here/../x",
        b"dot": b".",
        b"git": b".git/config",
    }
    files = {path: PlannedFile(target, "120000") for path, target in links.items()}
    build_repository(tmp_path / "it.git", [PlannedCommit(files=files)])
    with open_repository(
        server.url_of("it.git"), scratch=tmp_path / "s", children=ChildProcesses(), allowed_schemes=("http",)
    ) as repository:
        tree = repository.check_out()
        found = {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_symlink()}
    assert found == {"d/here", "dot"}


def test_large_files_are_left_out_and_too_many_bytes_refused(tmp_path: Path, server: GitServer) -> None:
    files = {b"large": PlannedFile(b"x" * 5000), **{b"%d" % n: PlannedFile(b"%d" % n * 300) for n in range(20)}}
    build_repository(tmp_path / "it.git", [PlannedCommit(files=files)])
    limits = FetchLimits(checkout_file_size=2000)
    with open_repository(
        server.url_of("it.git"),
        scratch=tmp_path / "s",
        children=ChildProcesses(),
        limits=limits,
        allowed_schemes=("http",),
    ) as repository:
        assert {path.name for path in repository.check_out().iterdir()} == {str(n) for n in range(20)}
    with (
        open_repository(
            server.url_of("it.git"),
            scratch=tmp_path / "s",
            children=ChildProcesses(),
            limits=FetchLimits(checkout_files=10),
            allowed_schemes=("http",),
        ) as repository,
        pytest.raises(JobError) as raised,
    ):
        repository.check_out()
    assert raised.value.code is ErrorCode.OUT_OF_DISK


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({b".mailmap": PlannedFile(b"A <a@b> <c@d>\n")}, b"A <a@b> <c@d>\n"),
        ({b"x": PlannedFile(b"x")}, b""),
        ({b".mailmap": PlannedFile(b"x", "120000")}, b""),
        ({b".mailmap/x": PlannedFile(b"x")}, b""),
        ({}, b""),
    ],
)
def test_the_mailmap_is_heads_regular_file(
    tmp_path: Path, server: GitServer, files: dict[bytes, PlannedFile], expected: bytes
) -> None:
    build_repository(tmp_path / "it.git", [PlannedCommit(files=files)])
    with open_repository(
        server.url_of("it.git"), scratch=tmp_path / "s", children=ChildProcesses(), allowed_schemes=("http",)
    ) as repository:
        assert repository.mailmap() == expected


def test_an_empty_repository_has_no_files(tmp_path: Path, server: GitServer) -> None:
    build_repository(tmp_path / "it.git", [])
    with open_repository(
        server.url_of("it.git"), scratch=tmp_path / "s", children=ChildProcesses(), allowed_schemes=("http",)
    ) as repository:
        assert repository.mailmap() == b""
        assert list(repository.check_out().iterdir()) == []
