"""Jobs that have not ended, and where each stands."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, auto

from watchlist import limits
from watchlist.job_kinds import JobKind
from watchlist.storage import batches
from watchlist.storage.records import Entry


class Standing(StrEnum):
    """Why a job that has not ended is not further."""

    RUNNING = auto()
    """A task works on it."""
    STARTING = auto()
    """A task was launched for it and has not begun."""
    IN_LINE = auto()
    """All tasks of its share are taken, or others are first."""
    PAUSED = auto()
    """An attempt failed, or its host asked for patience; the next one has its time."""
    QUEUED = auto()
    """Its message waits to be received."""


def standing_of(entry: Entry, now: datetime) -> Standing:
    """Return where the open job of an entry stands."""
    if entry.has_live_lease(now):
        return Standing.RUNNING
    if entry.waits:
        return Standing.IN_LINE
    if entry.next_attempt_at is not None and entry.next_attempt_at > now:
        return Standing.PAUSED
    return Standing.STARTING if entry.awaits_claim else Standing.QUEUED


@dataclass(frozen=True, slots=True)
class OpenJobs:
    """The open jobs of a queue that are open longest, by their entries, and whether there are more."""

    longest: list[Entry]
    has_more: bool


def open_jobs(kind: JobKind) -> OpenJobs:
    """Return what is in a queue, or came from it, and has not ended, the longest queued first.

    Raises:
        PynamoDBException: DynamoDB did not give them all.
    """
    keys = [(each.pk, each.sk) for each in Entry.by_queue.query(kind, limit=limits.JOBS_OPEN_SHOWN + 1)]
    found = batches.get(Entry, keys[: limits.JOBS_OPEN_SHOWN], batches.REQUEST, consistent=False)
    still_open = (entry for entry in found if entry.state.is_open)
    return OpenJobs(sorted(still_open, key=lambda entry: entry.job_queued_at), len(keys) > limits.JOBS_OPEN_SHOWN)
