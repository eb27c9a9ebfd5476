"""What an entry knows of its repository's history as a whole: whether there is one, how much of it, when it ended."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from watchlist import limits
from watchlist.history.last_commits import LastCommits
from watchlist.storage.records import Entry


class HistoryState(StrEnum):
    """What there is to be seen."""

    EMPTY = "empty"
    """The repository has no branch: nothing was ever pushed."""

    HEAD_MISSING = "head_missing"
    """There are branches, but HEAD names none of them, so that no history is the default one."""

    DORMANT = "dormant"
    """The last commit is older than a year."""

    CURRENT = "current"
    """There are commits of the last year, or at least none of the known dates can be believed."""


@dataclass(frozen=True, slots=True)
class HistoryOutline:
    """The history of an entry that has been analysed.

    Attributes:
        state: what there is to be seen.
        complete: whether all commits of the year are stored.
        since: the beginning of the year.
        covered_since: from when on all commits are stored, at least; `since` where the history is complete.
        notes: what is missing or odd, for a person; none of an ordinary repository.
        branches: where HEAD names a branch that does not exist, some of those that do.
        last: the last commits, whenever they were made.
    """

    state: HistoryState
    complete: bool
    since: datetime
    covered_since: datetime
    notes: tuple[str, ...]
    branches: tuple[str, ...]
    last: LastCommits


def outline(entry: Entry, now: datetime) -> HistoryOutline | None:
    """Return what the entry knows; None before its first analysis."""
    since: datetime | None = entry.history_since
    if since is None:
        return None
    last = LastCommits.model_validate(entry.last_commits or {})
    covered_since: datetime = entry.history_covered_since or since
    return HistoryOutline(
        state=_state(entry, last, now),
        complete=covered_since <= since,
        since=since,
        covered_since=max(covered_since, since),
        notes=tuple(map(str, entry.history_notes or ())),
        branches=tuple(map(str, entry.branches or ())),
        last=last,
    )


def _state(entry: Entry, last: LastCommits, now: datetime) -> HistoryState:
    head_sha: str | None = entry.head_sha
    if head_sha is None:
        return HistoryState.HEAD_MISSING if entry.branches else HistoryState.EMPTY
    times = [commit.at for commit in (last.by_person, last.by_bot) if commit is not None]
    if times and max(times) < now - limits.HISTORY_PERIOD:
        return HistoryState.DORMANT
    return HistoryState.CURRENT
