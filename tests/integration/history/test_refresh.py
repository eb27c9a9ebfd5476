"""A later run brings only what is new, and says what became of what was stored."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local_service.git.server import GitServer
from tasks.child_process import ChildProcesses
from tasks.history import CommitWindow, Repository, StoredCommit, StoredHistory, open_repository
from tests.integration.history.log_of_git import as_lines, log_of_git
from tests.repositories import DAY, NOW, YEAR, PlannedCommit, PlannedFile, build_repository, git, straight_line

SINCE = NOW - YEAR

Open = Callable[[], AbstractContextManager[Repository]]


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    served = tmp_path / "served"
    served.mkdir()
    return build_repository(served / "it.git", straight_line(30))


@pytest.fixture
def server(bare: Path) -> Iterator[GitServer]:
    with GitServer(bare.parent) as server:
        yield server


@pytest.fixture
def open_it(server: GitServer, tmp_path: Path) -> Open:
    return lambda: open_repository(
        server.url_of("it.git"), scratch=tmp_path / "scratch", children=ChildProcesses(), allowed_schemes=("http",)
    )


def window_of(
    open_it: Open, stored: StoredHistory | None = None, *, since: int = SINCE, limit: int = 1000
) -> CommitWindow:
    with open_it() as repository:
        return repository.commits(since=datetime.fromtimestamp(since, UTC), limit=limit, stored=stored)


def as_stored(window: CommitWindow) -> StoredHistory:
    assert window.head.sha is not None
    commits = tuple(StoredCommit(commit.sha, commit.parents, commit.committed) for commit in window.commits)
    return StoredHistory(window.head.sha, commits)


def rebuild(bare: Path, plan: list[PlannedCommit]) -> None:
    """Put another history in the place of the served one."""
    other = build_repository(bare.with_name("other.git"), plan)
    git(bare, "fetch", "--quiet", str(other), "+refs/heads/main:refs/heads/main")


def grown(by: int) -> list[PlannedCommit]:
    later = straight_line(30 + by, until=NOW + by * DAY)
    return straight_line(30) + [replace(commit, message=b"new\n") for commit in later[30:]]


def test_an_unchanged_head_costs_two_small_requests_and_brings_nothing(open_it: Open, server: GitServer) -> None:
    stored = as_stored(window_of(open_it))
    server.requests.clear()
    window = window_of(open_it, stored)
    assert window.commits == ()
    assert window.shas == tuple(commit.sha for commit in stored.commits)
    assert window.removed == frozenset()
    assert not window.rewritten
    assert len(server.requests) == 2


def test_an_unchanged_head_older_than_the_window_costs_no_more(open_it: Open, server: GitServer) -> None:
    stored = StoredHistory(as_stored(window_of(open_it)).head_sha, ())
    server.requests.clear()
    assert window_of(open_it, stored, since=NOW + DAY).shas == ()
    assert len(server.requests) == 2


def test_the_first_commit_after_an_idle_year_comes_alone(open_it: Open, bare: Path) -> None:
    stored = StoredHistory(as_stored(window_of(open_it)).head_sha, ())
    rebuild(bare, grown(by=2))
    expected = log_of_git(bare, since=NOW + DAY, limit=1000)
    with open_it() as repository:
        window = repository.commits(since=datetime.fromtimestamp(NOW + DAY, UTC), stored=stored)
        counted = {sha: as_lines(files) for sha, files in repository.line_counts(window)}
    assert counted == expected
    assert len(expected) == 2


def test_new_commits_come_alone_with_their_line_counts(open_it: Open, bare: Path) -> None:
    stored = as_stored(window_of(open_it))
    rebuild(bare, grown(by=3))
    expected = log_of_git(bare, since=SINCE, limit=1000)
    with open_it() as repository:
        window = repository.commits(since=datetime.fromtimestamp(SINCE, UTC), stored=stored)
        counted = {sha: as_lines(files) for sha, files in repository.line_counts(window)}
    assert window.shas == tuple(expected)
    assert [commit.sha for commit in window.commits] == list(expected)[:3]
    assert counted == dict(list(expected.items())[:3])
    assert window.removed == frozenset()
    assert not window.rewritten


def test_commits_that_left_the_window_are_named(open_it: Open, bare: Path) -> None:
    stored = as_stored(window_of(open_it, limit=30))
    rebuild(bare, grown(by=2))
    window = window_of(open_it, stored, limit=30)
    assert window.shas == tuple(log_of_git(bare, since=SINCE, limit=30))
    assert window.removed == {commit.sha for commit in stored.commits[-2:]}


def test_commits_that_grew_too_old_are_named_without_a_new_head(open_it: Open) -> None:
    stored = as_stored(window_of(open_it))
    window = window_of(open_it, stored, since=NOW - 10 * DAY)
    assert window.removed == {commit.sha for commit in stored.commits[11:]}
    assert window.commits == ()


def test_a_rewritten_history_is_noticed_and_reconciled_by_ids(open_it: Open, bare: Path) -> None:
    stored = as_stored(window_of(open_it))
    rewritten = straight_line(30)
    rewritten[25] = replace(rewritten[25], message=b"rewritten\n")
    rebuild(bare, rewritten)
    expected = log_of_git(bare, since=SINCE, limit=1000)
    window = window_of(open_it, stored)
    assert window.rewritten
    assert window.shas == tuple(expected)
    assert window.removed == {commit.sha for commit in stored.commits[:5]}
    assert [commit.sha for commit in window.commits] == list(expected)[:5]


@pytest.mark.parametrize("limit", [1000, 3], ids=["all-new-ones", "as-many-as-are-kept"])
def test_a_head_that_was_amended_is_a_rewritten_history_though_the_host_still_has_it(
    open_it: Open, bare: Path, limit: int
) -> None:
    stored = as_stored(window_of(open_it))
    amended = grown(by=9)
    amended[29] = replace(amended[29], message=b"amended\n")
    rebuild(bare, amended)
    assert git(bare, "cat-file", "-t", stored.head_sha) == b"commit\n"
    window = window_of(open_it, stored, limit=limit)
    assert window.rewritten
    assert window.shas == tuple(log_of_git(bare, since=SINCE, limit=limit))


def test_more_new_commits_than_are_kept_are_no_rewritten_history(open_it: Open, bare: Path) -> None:
    stored = as_stored(window_of(open_it))
    rebuild(bare, grown(by=9))
    window = window_of(open_it, stored, limit=3)
    assert not window.rewritten
    assert window.shas == tuple(log_of_git(bare, since=SINCE, limit=3))


def test_a_history_that_was_reset_to_an_older_commit_is_rewritten(open_it: Open, bare: Path) -> None:
    stored = as_stored(window_of(open_it))
    rebuild(bare, straight_line(30)[:20])
    window = window_of(open_it, stored)
    assert window.rewritten
    assert window.removed == {commit.sha for commit in stored.commits[:10]}
    assert window.commits == ()


def test_an_old_head_that_the_host_forgot_is_a_rewritten_history(open_it: Open, bare: Path) -> None:
    stored = replace(as_stored(window_of(open_it)), head_sha="1" * 40)
    rebuild(bare, grown(by=1))
    window = window_of(open_it, stored)
    assert window.rewritten
    assert len(window.commits) == 1


def test_a_repository_that_became_empty_has_lost_everything(open_it: Open, bare: Path) -> None:
    stored = as_stored(window_of(open_it))
    git(bare, "update-ref", "-d", "refs/heads/main")
    window = window_of(open_it, stored)
    assert window.head.sha is None
    assert window.shas == ()
    assert window.removed == {commit.sha for commit in stored.commits}
    assert window.rewritten


def test_a_renamed_default_branch_shows_in_head(open_it: Open, bare: Path) -> None:
    stored = as_stored(window_of(open_it))
    git(bare, "branch", "--move", "main", "trunk")
    git(bare, "symbolic-ref", "HEAD", "refs/heads/trunk")
    window = window_of(open_it, stored)
    assert window.head.branch == "trunk"
    assert not window.rewritten
    assert window.commits == ()


def test_a_detached_head_has_no_branch(open_it: Open, bare: Path) -> None:
    git(bare, "update-ref", "--no-deref", "HEAD", "main~3")
    with open_it() as repository:
        head = repository.head()
    assert head.branch is None
    assert head.sha == git(bare, "rev-parse", "main~3").decode().strip()


def test_merging_an_old_branch_brings_all_of_it(open_it: Open, bare: Path) -> None:
    stored = as_stored(window_of(open_it))
    side = [
        PlannedCommit((3,), NOW - 20 * DAY + 5, files={b"side": PlannedFile(b"1\n")}),
        PlannedCommit((30,), NOW - 2 * DAY + 5, files={b"side": PlannedFile(b"2\n")}),
    ]
    rebuild(bare, [*straight_line(30), *side, PlannedCommit((29, 31), NOW + 5)])
    expected = log_of_git(bare, since=SINCE, limit=1000)
    with open_it() as repository:
        window = repository.commits(since=datetime.fromtimestamp(SINCE, UTC), stored=stored)
        counted = {sha: as_lines(files) for sha, files in repository.line_counts(window)}
    assert window.shas == tuple(expected)
    assert counted == {sha: expected[sha] for sha in expected if sha in {c.sha for c in window.commits}}
    assert len(counted) == 3
