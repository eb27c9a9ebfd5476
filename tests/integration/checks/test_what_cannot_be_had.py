"""A job does without what it cannot have: the rest is there, with a note, and what was missing comes later."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import pytest

from tasks.history import FetchLimits, Repository
from tasks.hosts.describe import Forge
from tests.integration.checks.harness import Watchlist
from tests.integration.checks.onboarding import NoScorecard, Onboarded, onboarding
from tests.repositories import DAY, NOW, PlannedCommit, PlannedFile, build_repository, git
from watchlist import limits
from watchlist.alerts.settings import AlertKind
from watchlist.errors import ErrorCode, JobError
from watchlist.history import metrics as history_metrics
from watchlist.history.commits import Commit
from watchlist.states import EntryStatus

AT = datetime.fromtimestamp(NOW, UTC)


@pytest.fixture
def served(tmp_path: Path) -> Path:
    (tmp_path / "served" / "owner").mkdir(parents=True)
    return tmp_path / "served" / "owner" / "name"


@pytest.fixture
def watched(watchlist: Watchlist, tmp_path: Path, served: Path) -> Iterator[Onboarded]:
    """Six commits of a file each, which are still to be analysed."""
    build_repository(served, line(6))
    with onboarding(watchlist, tmp_path) as onboarded:
        yield onboarded


def line(length: int, **more: PlannedFile) -> list[PlannedCommit]:
    """Plan commits in a row, one a day, each of one file; the last one has `more`."""
    return [
        PlannedCommit(
            parents=(number - 1,) if number else (),
            committed=NOW - DAY * (20 - number),
            files={b"%d.txt" % number: PlannedFile(b"%d\n" % number)}
            | ({name.encode(): file for name, file in more.items()} if number == length - 1 else {}),
        )
        for number in range(length)
    ]


def grow(served: Path, plan: Sequence[PlannedCommit]) -> None:
    build_repository(served.with_name("grown"), plan)
    git(served, "fetch", "--quiet", "../grown", "main:main")


def break_off(*_: object, **__: object) -> NoReturn:
    raise ZeroDivisionError


PARTS = {
    "description": (Forge, "describe"),
    "line counts": (Repository, "line_counts"),
    "mailmap": (Repository, "mailmap"),
    "score": (NoScorecard, "assess"),
    "metrics": (history_metrics, "measure"),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_setup_that_breaks_off_in_an_optional_part_is_ready_and_says_what_is_missing(
    watched: Onboarded, served: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(*PARTS[part], break_off)
        watched.run(AT)
    assert (watched.entry.entry_status, len(watched.commits())) == (EntryStatus.READY, 6)
    assert any("an error in the service itself (ZeroDivisionError)" in note for note in watched.history.notes)
    grow(served, line(7))
    watched.refresh(now=AT)
    assert watched.history.notes == []
    assert watched.metrics["commits_with_lines"] == 7


def test_a_mailmap_that_cannot_be_had_is_asked_for_once(
    watched: Onboarded, served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Repository] = []

    def refuse(repository: Repository) -> NoReturn:
        asked.append(repository)
        raise JobError(ErrorCode.REPOSITORY_TOO_LARGE, "It is too large.")

    by_programs = [replace(each, author=b"dependabot[bot] <bot@example.org>") for each in line(6)]
    build_repository(served.with_name("other"), by_programs)
    git(served, "fetch", "--quiet", "--force", "../other", "main:main")
    monkeypatch.setattr(Repository, "mailmap", refuse)
    watched.run(AT)
    assert (len(asked), watched.history.notes) == (1, ["The .mailmap could not be read: It is too large."])


@pytest.mark.parametrize("part", ["line counts", "brought in"])
def test_a_refresh_that_breaks_off_in_an_optional_part_brings_the_rest(
    watched: Onboarded, served: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    watched.run(AT)
    grow(served, line(8))
    monkeypatch.setattr(*(PARTS | {"brought in": (Repository, "brought_in")})[part], break_off)
    watched.refresh(now=AT)
    assert len(watched.commits()) == 8
    assert len([note for note in watched.history.notes if "ZeroDivisionError" in note]) == 1


def lose(served: Path, content: bytes) -> tuple[Path, bytes]:
    """Take the object of a content out of the repository; return its file and what was in it."""
    oid = git(served, "hash-object", "--stdin", stdin=content).decode().strip()
    path = served / "objects" / oid[:2] / oid[2:]
    kept = path.read_bytes()
    path.unlink()
    return path, kept


def test_counts_that_were_missing_come_with_a_later_refresh_and_the_note_counts_the_whole_history(
    watched: Onboarded, served: Path
) -> None:
    path, kept = lose(served, b"2\n")
    watched.run(AT)
    assert watched.history.notes == ["Line counts are missing for 1 commit."]
    grow(served, line(7))
    watched.refresh(now=AT)
    assert watched.history.notes == ["Line counts are missing for 1 commit."]
    path.write_bytes(kept)
    grow(served, line(8))
    watched.refresh(now=AT)
    assert (watched.history.notes, watched.metrics["commits_with_lines"]) == ([], 8)
    assert [alert.kind for alert in watched.alerts] == []


def test_counts_that_are_never_had_are_not_asked_for_for_ever(
    watched: Onboarded, served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    recount = Repository.recount

    def count(repository: Repository, commits: Sequence[Commit]) -> object:
        asked.append(len(commits))
        return recount(repository, commits)

    monkeypatch.setattr(Repository, "recount", count)
    lose(served, b"2\n")
    watched.run(AT)
    for length in range(7, 7 + limits.COUNTS_TRIED_AGAIN + 2):
        grow(served, line(length))
        watched.refresh(now=AT)
    assert asked == [1] * limits.COUNTS_TRIED_AGAIN
    assert watched.history.notes == ["Line counts are missing for 1 commit."]


def test_a_commit_of_too_many_files_raises_its_alerts_by_what_it_has_at_least(
    watched: Onboarded, served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = FetchLimits(files_in_commit=300, files_in_sample=50)
    monkeypatch.setattr("tasks.history.repository.FetchLimits", lambda: few)
    watched.run(AT)
    grow(served, line(7, **{f"vendored/{number}": PlannedFile(b"x\n" * 400) for number in range(301)}))
    watched.refresh(now=AT)
    told = {alert.kind: (alert.value, alert.message) for alert in watched.alerts}
    assert told[AlertKind.FILES_CHANGED][0] == 302
    assert told[AlertKind.LINES_ADDED_DELETED][0] > 10_000
    assert told[AlertKind.LINES_ADDED_DELETED][1].startswith("At least ")
