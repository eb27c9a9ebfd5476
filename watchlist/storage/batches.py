"""Batches of items, written and read at a pace that DynamoDB takes, and tried again where it took only some.

One partition takes 1 000 write units a second, whatever the table's capacity (DynamoDB developer guide, "Best practices
for designing and using partition keys"). The items of a batch usually have one hash key, in the table or in an index;
so a batch never asks for more than `_UNITS_A_SECOND`.

PynamoDB's own batches send unprocessed items again at once, twice, and read without a pause.
"""

import functools
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from pynamodb.exceptions import GetError, PutError, PynamoDBException
from pynamodb.models import Model

from watchlist.storage.failures import Failure, failure_of

M = TypeVar("M", bound=Model)

_WRITTEN_AT_ONCE = 25
_READ_AT_ONCE = 100
"""Items of one BatchWriteItem and of one BatchGetItem call: the most that DynamoDB takes."""

_UNITS_A_SECOND = 600
_UNITS_AT_ONCE = 300
"""Write units of one second on average, and of one call; a single item can have up to 400.

In no second are more than the average and one call written, which is less than a partition takes."""

_UNIT = 1024

_SHORTEST_PAUSE = 0.05
_LONGEST_PAUSE = 5.0
"""Seconds, at most, after the first call that was not taken whole, and after any; between them it doubles."""

Serialised = Mapping[str, Any]
"""An item as DynamoDB takes it: each attribute with its type."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on while DynamoDB asks for fewer requests.

    Attributes:
        time: from the first call that was not taken whole on; a call that is under way then is still waited for.
        check: called before each call; raises when there is no point in going on.
    """

    time: timedelta
    check: Callable[[], None] = lambda: None


REQUEST = Patience(timedelta(seconds=2))
"""Of a function that somebody waits for."""

FUNCTION = Patience(timedelta(seconds=10))
"""Of a function that nobody waits for."""


def of_job(check: Callable[[], None]) -> Patience:
    """Return the patience of a job: pauses far longer than a throttled partition needs, while its lease lasts."""
    return Patience(timedelta(minutes=2), check)


def put(items: Sequence[Model], patience: Patience) -> None:
    """Write items of one table.

    Raises:
        PynamoDBException: DynamoDB did not take them all; some may be written.
    """
    if items:
        _write(type(items[0]), "PutRequest", [item.serialize() for item in items], patience)


def delete(items: Sequence[Model], patience: Patience) -> None:
    """Delete items of one table, whose keys alone are looked at; those that are not there count as deleted.

    Raises:
        PynamoDBException: DynamoDB did not take them all; some may be deleted.
    """
    if items:
        keys = [{"pk": {"S": item.pk}, "sk": {"S": item.sk}} for item in items]  # type: ignore[attr-defined] # as all of ours
        _write(type(items[0]), "DeleteRequest", keys, patience)


def get(
    model: type[M],
    keys: Sequence[tuple[str, str]],
    patience: Patience,
    *,
    consistent: bool = True,
    only: Sequence[str] | None = None,
) -> Iterator[M]:
    """Yield the items that there are, in no order.

    Args:
        model: of the items.
        keys: `pk` and `sk` of each, all different.
        patience: how long to go on.
        consistent: whether what was written just now must be seen; it takes twice the units.
        only: the attributes that are wanted, None for all.

    Raises:
        PynamoDBException: DynamoDB did not give them all.
    """
    table = model.Meta.table_name
    read = functools.partial(_connection(model).batch_get_item, consistent_read=consistent, attributes_to_get=only)
    for start in range(0, len(keys), _READ_AT_ONCE):
        left: list[Any] = [{"pk": pk, "sk": sk} for pk, sk in keys[start : start + _READ_AT_ONCE]]
        calls = _Calls(patience)
        while left:
            answer = calls.make(functools.partial(read, left))
            if answer is not None:
                yield from map(model.from_raw_data, answer.get("Responses", {}).get(table, []))
                left = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
                calls.settle(left, GetError("DynamoDB left items unread."))


def units(item: Serialised) -> int:
    """Return the write units of an item as PynamoDB serialises it (developer guide, "DynamoDB item sizes")."""
    return max(1, -(-size_of(item) // _UNIT))


def size_of(item: Serialised) -> int:
    """Return the bytes of an item, by the same rules."""
    return sum(_bytes(name) + _size(value) for name, value in item.items())


def _write(model: type[Model], kind: str, items: Sequence[Serialised], patience: Patience) -> None:
    table = model.Meta.table_name
    pace = _Pace()
    for batch, cost in _batches(items):
        left, calls = batch, _Calls(patience)
        while left:
            pace.wait(cost)
            puts, deletes = (left, []) if kind == "PutRequest" else ([], left)
            answer = calls.make(functools.partial(_connection(model).batch_write_item, puts, deletes))
            if answer is not None:
                requests = answer.get("UnprocessedItems", {}).get(table, [])
                left = [content for request in requests for content in request[kind].values()]
                calls.settle(left, PutError("DynamoDB left items unwritten."))


def _batches(items: Sequence[Serialised]) -> Iterator[tuple[list[Serialised], int]]:
    """Yield what is written at once, and how many units that takes, as far as one can tell: of a deletion it is one."""
    batch: list[Serialised] = []
    cost = 0
    for item in items:
        more = units(item)
        if batch and (len(batch) == _WRITTEN_AT_ONCE or cost + more > _UNITS_AT_ONCE):
            yield batch, cost
            batch, cost = [], 0
        batch.append(item)
        cost += more
    if batch:
        yield batch, cost


class _Pace:
    """Keeps calls so far apart that they take no more than `_UNITS_A_SECOND`."""

    def __init__(self) -> None:
        self._free_at = 0.0

    def wait(self, cost: int) -> None:
        """Wait until a call of that cost may be made."""
        now = time.monotonic()
        if now < self._free_at:
            time.sleep(self._free_at - now)
        self._free_at = max(now, self._free_at) + cost / _UNITS_A_SECOND


class _Calls:
    """Calls for one batch: what DynamoDB did not take, or answered with trouble that passes, is tried again later."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._ends: float | None = None
        self._pause = _SHORTEST_PAUSE

    def make(self, call: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
        """Return what `call` returns; None after a pause when it has to be made again.

        Raises:
            PynamoDBException: it failed for another reason than its time, or for too long.
        """
        self._patience.check()
        try:
            return call()
        except PynamoDBException as error:
            if failure_of(error) not in {Failure.THROTTLING, Failure.OUTAGE, Failure.CONTENTION}:
                raise
            self._wait(error)
            return None

    def settle(self, left: Sequence[object], error: PynamoDBException) -> None:
        """Wait before what is left is sent again.

        Raises:
            PynamoDBException: `error`, after too long.
        """
        if left:
            self._wait(error)

    def _wait(self, error: PynamoDBException) -> None:
        now = time.monotonic()
        self._ends = self._ends or now + self._patience.time.total_seconds()
        if now >= self._ends:
            raise error
        pause = random.uniform(self._pause / 2, self._pause)  # noqa: S311 - no secret hangs on it
        self._pause = min(_LONGEST_PAUSE, 2 * self._pause)
        time.sleep(min(pause, self._ends - now))


def _connection(model: type[Model]) -> Any:  # noqa: ANN401 - PynamoDB's connection of one table
    return model._get_connection()  # noqa: SLF001 - its batches as they are are not reachable otherwise


def _size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S" | "B":
            return _bytes(content)
        case "N":
            return len(content) // 2 + 2
        case "M":
            return 3 + sum(_bytes(name) + _size(each) + 1 for name, each in content.items())
        case "L":
            return 3 + sum(_size(each) + 1 for each in content)
        case "SS":
            return sum(map(_bytes, content))
        case _:
            return 1


def _bytes(content: str | bytes) -> int:
    return len(content.encode() if isinstance(content, str) else content)
