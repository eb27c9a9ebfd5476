"""Rights that one owner has at a time, until they give it back or it lapses: one conditional write takes one."""

from datetime import datetime

from pynamodb.exceptions import DeleteError, PutError

from watchlist.storage.failures import is_refused
from watchlist.storage.records import SchedulerRun, Sending, TaskSlot

Right = TaskSlot | SchedulerRun | Sending


def take(right: Right, now: datetime) -> bool:
    """Take the right for its `owner` until its `lapses_at`, or keep it; False while somebody else has it."""
    model = type(right)
    is_free = model.owner.does_not_exist() | (model.owner == right.owner) | (model.lapses_at <= now)
    try:
        right.save(condition=is_free)
    except PutError as error:
        if is_refused(error):
            return False
        raise
    return True


def give_back(right: Right) -> None:
    """Let others have the right; harmless when its `owner` has it no more."""
    try:
        right.delete(condition=type(right).owner == right.owner)
    except DeleteError as error:
        if not is_refused(error):
            raise
