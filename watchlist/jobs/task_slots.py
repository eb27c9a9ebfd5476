"""How many tasks of a share run at once: numbered slots, each lapsing unless its task's heartbeat renews it.

The event source mapping bounds dispatches, not tasks, and counting tasks by ListTasks lags behind RunTask; a
conditional write on a numbered item does neither.
"""

from datetime import datetime

from pynamodb.exceptions import PutError

from watchlist.states import Share
from watchlist.storage import rights
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
        is_free = number not in taken or taken[number].lapses_at <= now
        if is_free and rights.take(_slot(share, number, owner, lapses_at), now):
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
    slot = _slot(share, number, successor, lapses_at)
    try:
        slot.save(condition=TaskSlot.owner.is_in(owner, successor))
    except PutError as error:
        if is_refused(error):
            return False
        raise
    return True


def renew_slot(share: Share, number: int, owner: str, lapses_at: datetime, now: datetime) -> bool:
    """Keep the owner's slot, or take it back if it lapsed; False when it is somebody else's now."""
    return rights.take(_slot(share, number, owner, lapses_at), now)


def free_slot(share: Share, number: int, owner: str) -> None:
    """Give the owner's slot back; harmless when it has lapsed."""
    rights.give_back(_slot(share, number, owner))


def free_older(share: Share, lapsing_until: datetime) -> None:
    """Give back the slots that would lapse by then, whoever has them."""
    for slot in TaskSlot.query(TaskSlot.pk_of(share), consistent_read=True):
        if slot.lapses_at <= lapsing_until:
            rights.give_back(slot)


def _slot(share: Share, number: int, owner: str, lapses_at: datetime | None = None) -> TaskSlot:
    return TaskSlot(TaskSlot.pk_of(share), TaskSlot.sk_of(number), owner=owner, lapses_at=lapses_at)
