"""The work of a job: from a repository's address to its stored commits, its health and what the entry shows of them."""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from tasks.child_process import ChildProcesses
from tasks.forge import Forge
from tasks.history import CommitWindow, LineCountsUnavailableError, Repository, open_repository
from tasks.scorecard.assessment import Assessor
from watchlist import commit_store, health_store, history_metrics, limits
from watchlist.commits import Commit
from watchlist.health import ScorecardResult, no_score
from watchlist.history_metrics import HistoryMetrics
from watchlist.package import Package
from watchlist.repository_url import Repository as RepositoryAddress
from watchlist.states import Stage

T = TypeVar("T")

_STORED_AT_ONCE = 4 * commit_store.BATCH
"""Commits between two looks at the lease and two reports of progress."""


class Job(Protocol):
    """What the analysis needs of the job that it is done for. Each call raises JobCancelledError when it is lost."""

    def check(self) -> None:
        """Go on only while the lease is known to last for another write."""

    def report(self, stage: Stage, done: int = 0, total: int | None = None) -> None:
        """Show progress."""

    def describe(self, package: Package, default_branch: str | None) -> None:
        """Show what is known of the repository."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What the analysis works with."""

    children: ChildProcesses
    scratch: Path
    forge: Forge
    assessor: Assessor


@dataclass(frozen=True, slots=True)
class Analysis:
    """What an analysis found, beside the commits and the health that it stored."""

    head_sha: str | None
    default_branch: str | None
    commits: int
    bad_commits: int
    since: datetime
    notes: tuple[str, ...]
    score: float | None
    score_reason: str | None
    analyzed_at: datetime
    bytes_received: int

    def to_attributes(self) -> Mapping[str, Any]:
        """Return the attributes of the entry that change with it."""
        return {
            "head_sha": self.head_sha,
            "default_branch": self.default_branch,
            "commits": self.commits,
            "bad_commits": self.bad_commits,
            "history_since": self.since,
            "history_notes": list(self.notes),
            "score": self.score,
            "score_reason": self.score_reason,
            "analyzed_at": self.analyzed_at,
        }


def analyse(watchlist_id: str, address: RepositoryAddress, tools: Tools, job: Job, now: datetime) -> Analysis:
    """Do the whole work for a repository that is new to the service.

    What an earlier attempt has stored is written again or removed, so that the outcome is the same.

    Raises:
        JobError: why it cannot be done.
        JobCancelledError: the job was taken away.
    """
    job.report(Stage.CLONING)
    since = now - limits.HISTORY_PERIOD
    scheme = address.origin.partition("://")[0]
    with open_repository(
        address.url, scratch=tools.scratch, children=tools.children, allowed_schemes=(scheme,)
    ) as repository:
        head = repository.head()
        job.describe(tools.forge.describe(address), head.branch)
        window = repository.commits(since=since, limit=limits.HISTORY_COMMITS)
        _store_commits(watchlist_id, window, job)
        commits, notes = _count_lines(watchlist_id, repository, window, job)
        job.report(Stage.ANALYZING)
        metrics = history_metrics.measure(
            commits, now=now, mailmap=repository.mailmap() if commits else b"", complete=not window.full
        )
        scorecard = _assess(address, repository, tools.assessor, head.sha, now)
        bytes_received = repository.bytes_received
    job.check()
    _store_health(watchlist_id, head.sha, scorecard, metrics, now)
    return Analysis(
        head_sha=head.sha,
        default_branch=head.branch,
        commits=len(commits),
        bad_commits=window.bad_commits,
        since=since,
        notes=(*_notes(window), *notes),
        score=scorecard.score,
        score_reason=scorecard.reason,
        analyzed_at=now,
        bytes_received=bytes_received,
    )


def _store_commits(watchlist_id: str, window: CommitWindow, job: Job) -> None:
    wanted = frozenset(window.shas)
    left_over = [key for sha, key in commit_store.keys(watchlist_id) if sha not in wanted]
    job.check()  # after the reading: what another task stores later is not among the left-overs
    commit_store.remove(watchlist_id, left_over)
    total = len(window.commits)
    job.report(Stage.STORING_COMMITS, 0, total)
    done = 0
    for some in _chunks(window.commits):
        job.check()
        commit_store.put(watchlist_id, some)
        done += len(some)
        job.report(Stage.STORING_COMMITS, done, total)


def _count_lines(
    watchlist_id: str, repository: Repository, window: CommitWindow, job: Job
) -> tuple[list[Commit], list[str]]:
    """Store the line counts as they come; return the commits with them, and what is to be said of missing ones."""
    commits = {commit.sha: commit for commit in window.commits}
    total, done, notes = len(commits), 0, []
    job.report(Stage.COUNTING_LINES, 0, total)
    try:
        for some in _chunks_of_stream(repository.line_counts(window)):
            counted = [replace(commits[sha], files=files) for sha, files in some]
            commits.update((commit.sha, commit) for commit in counted)
            job.check()
            commit_store.put(watchlist_id, counted)
            done += len(counted)
            job.report(Stage.COUNTING_LINES, done, total)
    except LineCountsUnavailableError as unavailable:
        notes.append(f"Line counts are missing for {total - done} commits: {unavailable.message}")
    return list(commits.values()), notes


def _assess(
    address: RepositoryAddress, repository: Repository, assessor: Assessor, head_sha: str | None, now: datetime
) -> ScorecardResult:
    if head_sha is None:
        return no_score("The repository is empty.", head="", obtained_at=now)
    checkout: Callable[[], Path] = functools.cache(repository.check_out)
    return assessor.assess(address, head=head_sha, previous=None, checkout=checkout)


def _store_health(
    watchlist_id: str, head_sha: str | None, scorecard: ScorecardResult, metrics: HistoryMetrics, now: datetime
) -> None:
    document = {
        "scorecard": scorecard.model_dump(mode="json"),
        "history_metrics": metrics.model_dump(mode="json"),
    }
    health_store.put(watchlist_id, now, head_sha, document)


def _notes(window: CommitWindow) -> list[str]:
    notes = []
    if window.full:
        notes.append(f"The year has more commits; the newest {limits.HISTORY_COMMITS} are kept.")
    if window.unexplored:
        notes.append(f"Commits behind {window.unexplored} older ones were not looked at.")
    if window.bad_commits:
        notes.append(f"{window.bad_commits} commits are damaged and shown as far as they can be read.")
    return notes


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + _STORED_AT_ONCE] for start in range(0, len(items), _STORED_AT_ONCE))


def _chunks_of_stream(items: Iterable[T]) -> Iterator[list[T]]:
    chunk: list[T] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == _STORED_AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
