"""How many tasks of a share run at once: numbered slots, each lapsing unless its task's heartbeat renews it.

The event source mapping bounds dispatches, not tasks, and counting tasks by ListTasks lags behind RunTask; a
conditional write on a numbered item does neither.
"""

from datetime import datetime

from pynamodb.exceptions import DeleteError, PutError
from pynamodb.expressions.condition import Condition

from watchlist.states import Share
from watchlist.storage.failures import is_refused
from watchlist.storage.records import TaskSlot


def take_slot(share: Share, owner: str, most: int, lapses_at: datetime, now: datetime) -> int | None:
    """Take one of `most` slots for `owner` until `lapses_at`; return its number, or None when all are taken.

    An owner that has a slot already keeps it.
    """
    taken: dict[int, TaskSlot] = {
        int(slot.sk): slot for slot in TaskSlot.query(TaskSlot.pk_of(share), consistent_read=True)
    }
    for number, slot in taken.items():
        if slot.owner == owner and slot.lapses_at > now:
            return number
    for number in range(most):
        if (number not in taken or taken[number].lapses_at <= now) and _take(share, number, owner, lapses_at, now):
            return number
    return None


def taken(share: Share, now: datetime) -> int:
    """Return how many slots of a share are taken: by tasks, or for jobs that were called."""
    return sum(slot.lapses_at > now for slot in TaskSlot.query(TaskSlot.pk_of(share)))


def kept_slot(share: Share, keeper: str, now: datetime) -> int | None:
    """Return the slot that is kept under the name `keeper`; None if there is none (any more)."""
    slots = TaskSlot.query(TaskSlot.pk_of(share), consistent_read=True)
    return next((int(slot.sk) for slot in slots if slot.owner == keeper and slot.lapses_at > now), None)


def hand_over(share: Share, number: int, owner: str, successor: str, lapses_at: datetime) -> bool:
    """Let `successor` have the owner's slot until `lapses_at`; False when it is somebody else's now."""
    slot = TaskSlot(TaskSlot.pk_of(share), TaskSlot.sk_of(number), owner=successor, lapses_at=lapses_at)
    return _save(slot, TaskSlot.owner == owner)


def renew_slot(share: Share, number: int, owner: str, lapses_at: datetime, now: datetime) -> bool:
    """Keep the owner's slot, or take it back if it lapsed; False when it is somebody else's now."""
    return _take(share, number, owner, lapses_at, now)


def free_slot(share: Share, number: int, owner: str) -> None:
    """Give the owner's slot back; harmless when it has lapsed."""
    try:
        TaskSlot(TaskSlot.pk_of(share), TaskSlot.sk_of(number)).delete(condition=TaskSlot.owner == owner)
    except DeleteError as error:
        _refused(error)


def _take(share: Share, number: int, owner: str, lapses_at: datetime, now: datetime) -> bool:
    slot = TaskSlot(TaskSlot.pk_of(share), TaskSlot.sk_of(number), owner=owner, lapses_at=lapses_at)
    return _save(slot, TaskSlot.owner.does_not_exist() | (TaskSlot.owner == owner) | (TaskSlot.lapses_at <= now))


def _save(slot: TaskSlot, condition: Condition) -> bool:
    try:
        slot.save(condition=condition)
    except PutError as error:
        return _refused(error)
    return True


def _refused(error: PutError | DeleteError) -> bool:
    """Return False if only the condition failed; any other refusal is raised."""
    if not is_refused(error):
        raise error
    return False
