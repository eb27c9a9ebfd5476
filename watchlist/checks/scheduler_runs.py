"""One run of the scheduler at a time: schedules can fire twice, and a run can outlast the interval."""

from datetime import datetime

from pynamodb.exceptions import DeleteError, PutError

from watchlist import limits
from watchlist.storage.failures import is_refused
from watchlist.storage.records import SchedulerRun


def begin(owner: str, now: datetime) -> bool:
    """Take the right to run; False while another run has it. It lapses when that run must have ended."""
    run = SchedulerRun(SchedulerRun.PK, SchedulerRun.SK, owner=owner, lapses_at=now + limits.SCHEDULER_TIMEOUT)
    try:
        run.save(condition=SchedulerRun.owner.does_not_exist() | (SchedulerRun.lapses_at <= now))
    except PutError as error:
        if is_refused(error):
            return False
        raise
    return True


def end(owner: str) -> None:
    """Give the right back; harmless when it has lapsed."""
    try:
        SchedulerRun(SchedulerRun.PK, SchedulerRun.SK).delete(condition=SchedulerRun.owner == owner)
    except DeleteError as error:
        if not is_refused(error):
            raise
