"""How much one user may ask for in an hour: one conditional write counts it, and refuses what goes beyond.

Operators have no such limits. A write whose answer was lost may count twice: a limit errs against whoever is near it.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from pynamodb.exceptions import UpdateError

from watchlist.errors import RequestRefusedError
from watchlist.storage.failures import is_refused
from watchlist.storage.records import Usage
from watchlist.storage.transactions import despite_others

_HOUR = timedelta(hours=1)


class Allowance(StrEnum):
    """What is counted."""

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
    hour = at.replace(minute=0, second=0, microsecond=0)
    refused = LimitReachedError(allowance, most, hour + _HOUR - at)
    if number > most:
        raise refused
    counter = getattr(Usage, allowance)
    usage = Usage(Usage.pk_of(user), Usage.sk_of(hour))
    actions = [counter.add(number), Usage.expires_at.set(hour + 2 * _HOUR), Usage.type.set(Usage)]
    condition = counter.does_not_exist() | (counter <= most - number)
    try:
        despite_others(lambda: usage.update(actions=actions, condition=condition))
    except UpdateError as error:
        if is_refused(error):
            raise refused from None
        raise
