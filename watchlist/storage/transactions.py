"""Transactions in DynamoDB that others may get in the way of: told apart from failures, and tried again."""

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from pynamodb.exceptions import PynamoDBException, TransactWriteError
from pynamodb.transactions import TransactWrite

from watchlist.errors import ServiceUnavailableError
from watchlist.storage import records
from watchlist.storage.failures import Failure, failure_of

T = TypeVar("T")

TRIES = 6
"""Tries of one change against others who change the same repository; each that fails is somebody else's success."""

_LONGEST_PAUSE = 0.05
"""Seconds that the pause after the first try lasts at most; it doubles with each further one."""

_OTHERS = frozenset({Failure.CONDITION, Failure.CONTENTION, Failure.THROTTLING})
"""Reasons of a cancelled transaction that do not lie in the request itself."""


class ContendedError(Exception):
    """Somebody else has changed, or changes, what the transaction relied on: look again."""


@contextlib.contextmanager
def transaction() -> Iterator[TransactWrite]:
    """Collect writes, and do them all or none at the end.

    Raises:
        ContendedError: a condition did not hold, or another transaction holds one of the items; nothing is written.
    """
    try:
        with records.transaction() as writes:
            yield writes
    except TransactWriteError as error:
        if failure_of(error) in _OTHERS:
            raise ContendedError from error
        raise


def retried(change: Callable[[int], T]) -> T:
    """Return what `change` returns, called with 0, 1, ... until it is not contended.

    Raises:
        ServiceUnavailableError: it was contended each time; nothing was changed.
    """
    for number in range(TRIES):
        with contextlib.suppress(ContendedError):
            return change(number)
        _pause(number)
    raise ServiceUnavailableError("Too many requests change this at the same time.")


def despite_others(write: Callable[[], T]) -> T:
    """Return what `write` returns, tried again while a transaction of somebody else has the item at that instant.

    DynamoDB refuses such writes, whether or not they are in a transaction, and the SDK does not try them again.

    Raises:
        PynamoDBException: what `write` raised for another reason, or once too often for this one.
    """
    for number in range(TRIES - 1):
        try:
            return write()
        except PynamoDBException as error:
            if failure_of(error) is not Failure.CONTENTION:
                raise
        _pause(number)
    return write()


def _pause(number: int) -> None:
    """Wait for a random time, so that those who meet here do not meet again."""
    time.sleep(random.uniform(0, _LONGEST_PAUSE * 2**number))  # noqa: S311 - no secret hangs on it
