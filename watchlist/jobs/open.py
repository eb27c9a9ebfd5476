"""Jobs that have not ended, and where each stands."""

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


def open_jobs(kind: JobKind) -> list[Entry]:
    """Return the entries whose jobs are in a queue or came from it and have not ended, the longest queued first.

    Raises:
        PynamoDBException: DynamoDB did not give them all.
    """
    keys = [(each.pk, each.sk) for each in Entry.by_queue.query(kind, limit=limits.JOBS_OPEN_SHOWN)]
    found = batches.get(Entry, keys, batches.REQUEST, consistent=False)
    return sorted((entry for entry in found if entry.state.is_open), key=lambda entry: entry.job_queued_at)
