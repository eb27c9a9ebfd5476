"""What to do with an entry whose job gave no sign of life in time: a pure decision."""

from dataclasses import dataclass
from datetime import datetime

from watchlist import limits
from watchlist.errors import ErrorCode, JobError
from watchlist.storage.records import Entry


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is overdue: the index lags behind the entry."""


@dataclass(frozen=True, slots=True)
class TimeOut:
    """The job is past its bound: fail it."""

    error: JobError


@dataclass(frozen=True, slots=True)
class DeclareLost:
    """The attempt fell silent: count it as failed, and queue the job again if an attempt is left."""

    error: JobError


@dataclass(frozen=True, slots=True)
class Requeue:
    """The job seems to have no message: send a new copy."""


Remedy = Wait | TimeOut | DeclareLost | Requeue


def decide(entry: Entry, now: datetime) -> Remedy:
    """Return the remedy for `entry`, found in an index of open jobs."""
    if not entry.state.is_open or entry.waits:
        return Wait()
    if now - entry.could_start_at >= limits.PROCESSING_BOUND:
        hours = limits.PROCESSING_BOUND.total_seconds() / 3600
        return TimeOut(JobError(ErrorCode.PROCESSING_TIMED_OUT, f"The job was not done within {hours:g} hours."))
    if entry.due_at > now or entry.has_live_lease(now):
        return Wait()
    lost = why_lost(entry)
    return Requeue() if lost is None else DeclareLost(lost)


def why_lost(entry: Entry) -> JobError | None:
    """Return why the last attempt is lost, given that its sign of life is overdue; None if it has reported."""
    if entry.lease_owner:
        return JobError(ErrorCode.WORKER_LOST, "The worker fell silent without a report.")
    if entry.awaits_claim:
        return JobError(ErrorCode.WORKER_NOT_STARTED, "The worker was launched but never started.")
    return None
