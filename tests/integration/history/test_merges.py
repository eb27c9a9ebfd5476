"""What a merge brings in that is in none of its parents is seen; what merging alone leads to is not."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local_service.git.server import PARTIAL_CLONE, GitServer
from tasks.child_process import ChildProcesses
from tasks.history import FetchLimits, open_repository
from tests.integration.history.lesser_servers import without_objects_by_id
from tests.repositories import NOW, YEAR, PlannedCommit, PlannedFile, build_repository
from watchlist.history.commits import FileChange

Found = list[FileChange]
BroughtIn = Callable[..., Found]

LINES = b"".join(b"%d\n" % number for number in range(9))
TWO = PlannedFile(b"one\ntwo\n")
EVIL = PlannedFile(b"evil\ntwo\n")
OURS, THEIRS, BOTH = (PlannedFile(text) for text in (b"0" + LINES, LINES + b"9\n", b"0" + LINES + b"9\n"))


@pytest.fixture
def brought_in(tmp_path: Path) -> BroughtIn:
    """Return what serves a history whose last commit is a merge, and tells what that brings in."""

    def run(plan: Sequence[PlannedCommit], limits: FetchLimits | None = None, **server: Any) -> Found:
        build_repository(tmp_path / "it.git", plan)
        with (
            GitServer(tmp_path, **server) as served,
            open_repository(
                served.url_of("it.git"),
                scratch=tmp_path / "scratch",
                children=ChildProcesses(),
                limits=limits,
                allowed_schemes=("http",),
            ) as repository,
        ):
            window = repository.commits(since=datetime.fromtimestamp(NOW - YEAR, UTC))
            assert dict(repository.line_counts(window))[window.shas[0]] == ()
            found = repository.brought_in(window)
            assert found.keys() <= {window.shas[0]}
            return list(found.get(window.shas[0], ()))

    return run


def merged(
    *, files: Mapping[bytes, PlannedFile | None], ours: Mapping[bytes, PlannedFile | None] | None = None
) -> list[PlannedCommit]:
    """Plan a root, a commit on either side, and their merge, whose `files` are what it changes of the first parent."""
    return [
        PlannedCommit((), NOW - 40, files={b"same": TWO, b"both": PlannedFile(LINES), b"old/a": TWO, b"old/b": BOTH}),
        PlannedCommit((0,), NOW - 30, files=ours or {b"both": OURS}),
        PlannedCommit((0,), NOW - 20, files={b"both": THEIRS, b"theirs/a": PlannedFile(b"theirs\n")}),
        PlannedCommit((1, 2), NOW - 10, files={b"theirs/a": PlannedFile(b"theirs\n"), b"both": BOTH} | dict(files)),
    ]


def test_a_merge_of_two_changes_of_one_file_brings_in_nothing(brought_in: BroughtIn) -> None:
    assert brought_in(merged(files={})) == []


def test_what_neither_parent_has_is_found_with_its_lines(brought_in: BroughtIn) -> None:
    evil = {b"new/deep/er": EVIL, b"same": PlannedFile(b"one\n2\n3\n"), b"old/a": None, b"theirs/b": EVIL}
    assert set(brought_in(merged(files=evil))) == {
        FileChange("same", added=2, deleted=1),
        FileChange("old/a", added=0, deleted=2),
        FileChange("theirs/b", added=2, deleted=0),
        FileChange("new/deep/er", added=2, deleted=0),
    }


def test_a_file_where_all_have_a_directory_is_found(brought_in: BroughtIn) -> None:
    evil = {b"old/a": None, b"old/b": None, b"old": EVIL}
    assert {change.path for change in brought_in(merged(files=evil))} == {"old", "old/a", "old/b"}


def test_a_merge_that_only_keeps_one_side_brings_in_nothing(brought_in: BroughtIn) -> None:
    assert brought_in(merged(files={b"theirs/a": None, b"both": OURS})) == []


def test_a_file_added_to_a_directory_that_the_other_side_renamed_is_not_brought_in(brought_in: BroughtIn) -> None:
    added = PlannedFile(b"added\n")
    plan = [
        PlannedCommit((), NOW - 40, files={b"old/a": TWO, b"old/b": BOTH}),
        PlannedCommit((0,), NOW - 30, files={b"old/a": None, b"old/b": None, b"new/a": TWO, b"new/b": BOTH}),
        PlannedCommit((0,), NOW - 20, files={b"old/c": added}),
        PlannedCommit((1, 2), NOW - 10, files={b"new/c": added}),
    ]
    assert brought_in(plan) == []


def test_another_history_merged_below_a_directory_is_not_brought_in(brought_in: BroughtIn) -> None:
    files = {b"x": PlannedFile(b"x\n"), b"y/z": PlannedFile(b"z\n")}
    plan = [
        PlannedCommit((), NOW - 40, files={b"mine": TWO}),
        PlannedCommit((), NOW - 30, files=files),
        PlannedCommit((0, 1), NOW - 20, files={b"lib/" + path: file for path, file in files.items()}),
    ]
    assert brought_in(plan) == []


def test_copies_of_a_file_that_was_moved_are_brought_in_but_for_one(brought_in: BroughtIn) -> None:
    copies = {b"same": None} | {b"copy%d" % number: TWO for number in range(5)}
    found = brought_in(merged(files=copies))
    assert len([change for change in found if change.path.startswith("copy")]) == 4


def test_an_octopus_brings_in_what_is_in_none_of_its_parents(brought_in: BroughtIn) -> None:
    sides = [PlannedCommit((0,), NOW - 30, files={b"side%d" % number: TWO}) for number in range(3)]
    evil = {b"side1": TWO, b"side2": TWO, b"evil": PlannedFile(b"evil\n")}
    plan = [PlannedCommit((), NOW - 40, files={b"a": TWO}), *sides, PlannedCommit((1, 2, 3), NOW - 20, files=evil)]
    assert brought_in(plan) == [FileChange("evil", added=1, deleted=0)]


def test_more_files_than_are_counted_are_found_without_lines(brought_in: BroughtIn) -> None:
    found = brought_in(merged(files={b"%d" % number: EVIL for number in range(30)}), FetchLimits(files_in_commit=20))
    assert (len(found), {change.added for change in found}) == (30, {None})


def test_a_merge_too_large_to_be_compared_is_left_out(brought_in: BroughtIn) -> None:
    assert brought_in(merged(files={b"%d" % number: EVIL for number in range(30)}), FetchLimits(changes=20)) == []


@pytest.mark.parametrize("server", [{"configuration": {}}, {"version_2": False}])
def test_it_is_found_whatever_the_server_offers(brought_in: BroughtIn, server: dict[str, Any]) -> None:
    assert brought_in(merged(files={b"new": EVIL}), **server) == [FileChange("new", added=2, deleted=0)]


def test_a_host_that_gives_no_objects_by_name_hides_nothing(
    brought_in: BroughtIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_objects_by_id(monkeypatch)
    found = brought_in(merged(files={b"evil": EVIL}), configuration=PARTIAL_CLONE)
    assert [change.path for change in found] == ["evil"]
