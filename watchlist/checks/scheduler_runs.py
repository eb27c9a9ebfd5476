"""One run of the scheduler at a time: schedules can fire twice, and a run can outlast the interval."""

from datetime import datetime

from watchlist import limits
from watchlist.storage import rights
from watchlist.storage.records import SchedulerRun


def begin(owner: str, now: datetime) -> bool:
    """Take the right to run; False while another run has it. It lapses when that run must have ended."""
    return rights.take(_run(owner, now + limits.SCHEDULER_TIMEOUT), now)


def end(owner: str) -> None:
    """Give the right back; harmless when it has lapsed."""
    rights.give_back(_run(owner))


def _run(owner: str, lapses_at: datetime | None = None) -> SchedulerRun:
    return SchedulerRun(SchedulerRun.PK, SchedulerRun.SK, owner=owner, lapses_at=lapses_at)
