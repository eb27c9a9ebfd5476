"""What became of recent jobs, and which open job is the oldest."""

from datetime import datetime

from watchlist import limits
from watchlist.job_kinds import JobKind
from watchlist.storage.records import Entry, JobRecord


def completed(kind: JobKind) -> list[JobRecord]:
    """Return the last completed jobs of a queue, newest first."""
    return _latest(JobRecord.pk_of(kind, failed=False), limits.JOBS_COMPLETED_SHOWN)


def failed(kind: JobKind) -> list[JobRecord]:
    """Return the last failed jobs of a queue, newest first."""
    return _latest(JobRecord.pk_of(kind, failed=True), limits.JOBS_FAILED_SHOWN)


def oldest_open(kind: JobKind) -> datetime | None:
    """Return when the oldest job of a queue that has not ended was queued; None if there is none."""
    for entry in Entry.by_queue.query(kind, limit=1):
        return entry.job_queued_at
    return None


def _latest(pk: str, limit: int) -> list[JobRecord]:
    return list(JobRecord.query(pk, scan_index_forward=False, limit=limit))
