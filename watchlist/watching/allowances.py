"""How much one user may have and ask for: one conditional write counts it, and refuses what goes beyond.

Operators have no such limits. What they put on a user's watchlist counts there, as the user can take it off again.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from watchlist import limits
from watchlist.errors import RequestRefusedError
from watchlist.storage.records import Holdings, Usage, UserEntry
from watchlist.storage.updates import update

_HOUR = timedelta(hours=1)


class Allowance(StrEnum):
    """What is counted by the hour."""

    ADDS = "adds"
    RETRIES = "retries"


class LimitReachedError(RequestRefusedError):
    """The user has used this hour's allowance up; `wait` is the time until the next one."""

    wait: timedelta

    def __init__(self, allowance: Allowance, most: int, wait: timedelta) -> None:
        super().__init__(f"{most} {allowance} an hour")
        self.allowance = allowance
        self.most = most
        self.wait = wait


class WatchlistFullError(RequestRefusedError):
    """The user watches as many repositories as one user may, or would then watch more."""

    def __init__(self, most: int) -> None:
        super().__init__(str(most))
        self.most = most


def spend(user: str | None, allowance: Allowance, number: int, most: int, at: datetime) -> None:
    """Count `number` of what `user` asks for against the `most` of this hour; nothing is counted if it is too much.

    Args:
        user: who asks; None for an operator, who has no limit.
        allowance: what is asked for.
        number: how many at once.
        most: how many within an hour of the clock.
        at: now.

    Raises:
        LimitReachedError: it would be more than `most`.
    """
    if user is None or number == 0:
        return
    hour = _hour_of(at)
    counter = getattr(Usage, allowance)
    actions = [counter.add(number), Usage.expires_at.set(hour + 2 * _HOUR), Usage.type.set(Usage)]
    has_room = counter.does_not_exist() | (counter <= most - number)
    if number > most or not update(Usage(Usage.pk_of(user), Usage.sk_of(hour)), actions, has_room):
        raise LimitReachedError(allowance, most, hour + _HOUR - at)


def give_back(user: str | None, allowance: Allowance, number: int, at: datetime) -> None:
    """Uncount what `user` spent at `at` and got nothing for."""
    if user is None or number == 0:
        return
    counter = getattr(Usage, allowance)
    update(Usage(Usage.pk_of(user), Usage.sk_of(_hour_of(at))), [counter.add(-number)], counter >= number)


def hold(user: str, number: int, most: int | None, at: datetime) -> None:
    """Count `number` more repositories as watched by `user`; whoever does not add them releases them.

    What is counted can only be too high, by what was not released when a request broke off. So it is counted anew
    before anybody is refused, if that was not done a moment ago.

    Args:
        user: whose watchlist.
        number: how many at once.
        most: how many a user may watch; None if an operator adds them.
        at: now.

    Raises:
        WatchlistFullError: they would be more than `most`; nothing is counted.
    """
    if number == 0:
        return
    if not _held(user, number, most) and not (_counted_anew(user, at) and _held(user, number, most)):
        raise WatchlistFullError(most or 0)


def release(user: str, number: int) -> None:
    """Count `number` repositories less as watched by `user`."""
    if number > 0:
        update(_holdings(user), [Holdings.entries.add(-number)], Holdings.entries >= number)


def _held(user: str, number: int, most: int | None) -> bool:
    has_room = Holdings.entries.does_not_exist()
    if most is None:
        has_room |= Holdings.entries.exists()
    elif number > most:
        return False
    else:
        has_room |= Holdings.entries <= most - number
    return update(_holdings(user), [Holdings.entries.add(number), Holdings.type.set(Holdings)], has_room)


def _counted_anew(user: str, at: datetime) -> bool:
    """Count what the user watches; False if that was done a moment ago, or the count has changed meanwhile."""
    try:
        before = Holdings.get(Usage.pk_of(user), Holdings.SK, consistent_read=True)
    except Holdings.DoesNotExist:
        return False
    if before.counted_at is not None and at - before.counted_at < limits.HOLDINGS_COUNTED_AGAIN:
        return False
    watched = UserEntry.by_user.count(user)
    return update(
        _holdings(user),
        [Holdings.entries.set(watched), Holdings.counted_at.set(at)],
        Holdings.entries == before.entries,
    )


def _holdings(user: str) -> Holdings:
    return Holdings(Usage.pk_of(user), Holdings.SK)


def _hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
