"""What DynamoDB and SQS bill for what is asked of them (DynamoDB guide, "Read and write operations")."""

import contextlib
import io
import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.integration.recording import Call, Make, passing
from watchlist.storage import batches, tables
from watchlist.storage.records import ENTRY_KEY

_INDEXES = (*tables.WATCHLIST.indexes, *tables.ACTIVITY.indexes)


_OF_DYNAMODB = {
    *("GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"),
    "TransactWriteItems",
}


class Units(Counter[str]):
    """Counts while it is entered by `counted`.

    `entry` and `others`: writes of entries and of other items, one in a transaction twice; whatever their size.
    `indexes`: writes of global indexes. `reads`: read units. `queue`: calls to SQS.
    `calls`: of DynamoDB. `beside`: of all else. `read` and `written`: units, by the sizes of whole items.
    """

    def note(self, operation: str, parameters: Mapping[str, Any]) -> None:
        """Count a call that writes, or is one of SQS."""
        if operation in {"SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"}:
            self["queue"] += 1
        for key, units in _writes(operation, parameters):
            self["entry" if key["sk"]["S"] == ENTRY_KEY else "others"] += units


@contextmanager
def counted() -> Iterator[Units]:
    """Count what is asked of AWS meanwhile."""
    units = Units()

    def note(make: Make, operation: str, parameters: Any) -> Any:
        def written() -> list[Any]:
            return [
                make("GetItem", {"TableName": table, "Key": key, "ConsistentRead": True}).get("Item", {})
                for table, key in _keys(operation, parameters)
            ]

        before = written()
        units["calls" if operation in _OF_DYNAMODB else "beside"] += 1
        try:
            response = make(operation, parameters)
        finally:  # a write whose condition does not hold is billed as well
            after = written()
            units["indexes"] += sum(map(_index_writes, before, after))
            units["written"] += _written(operation, parameters, before, after)
            units.note(operation, parameters)
        units["read"] += _read(make, operation, parameters)  # type: ignore[assignment] # halves are exact
        units["reads"] += Call(operation, parameters, response).read_units  # type: ignore[assignment] # halves are exact
        return response

    with passing(note):
        yield units


@contextmanager
def heard() -> Iterator[io.StringIO]:
    """Collect what goes to the log meanwhile: lines of the loggers that there are, and metrics, which are printed."""
    text = io.StringIO()
    loggers = [logger for logger in logging.root.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
    handlers = {
        handler: handler.stream
        for logger in loggers
        for handler in logger.handlers
        if type(handler) is logging.StreamHandler
    }
    try:
        for handler in handlers:
            handler.setStream(text)
        with contextlib.redirect_stdout(text):
            yield text
    finally:
        for handler, stream in handlers.items():
            handler.setStream(stream)


def _writes(operation: str, parameters: Mapping[str, Any]) -> list[tuple[Any, int]]:
    """Return the key of each item that is written, and for how many it counts."""
    match operation:
        case "UpdateItem" | "DeleteItem":
            return [(parameters["Key"], 1)]
        case "PutItem":
            return [(parameters["Item"], 1)]
        case "TransactWriteItems":
            kinds = [next(iter(item.items())) for item in parameters["TransactItems"]]
            return [(write["Item" if kind == "Put" else "Key"], 2) for kind, write in kinds]
        case "BatchWriteItem":
            requests = [request for some in parameters["RequestItems"].values() for request in some]
            return [
                (request.get("PutRequest", {}).get("Item") or request["DeleteRequest"]["Key"], 1)
                for request in requests
            ]
        case _:
            return []


def _keys(operation: str, parameters: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return table and key of each item that is written."""
    if operation == "TransactWriteItems":
        names = [write["TableName"] for item in parameters["TransactItems"] for write in item.values()]
    elif operation == "BatchWriteItem":
        names = [name for name, some in parameters["RequestItems"].items() for _ in some]
    else:
        names = [parameters.get("TableName", "")]
    keys = [
        {name: item[name] for name in (tables.HASH_KEY, tables.RANGE_KEY)} for item, _ in _writes(operation, parameters)
    ]
    return list(zip(names, keys, strict=False))


def _index_writes(before: Mapping[str, Any], after: Mapping[str, Any]) -> int:
    return sum(_writes_of(_projected(index, before), _projected(index, after)) for index in _INDEXES)


def _writes_of(before: Any, after: Any) -> int:
    """An index writes what appears, goes or changes; where the key changes, it does the first two."""
    if before == after:
        return 0
    return 2 if before and after and before[0] != after[0] else 1


def _projected(index: tables.Index, item: Mapping[str, Any]) -> Any:
    """Return the item's key in the index and what else the index holds of it; None if it is not there."""
    if not {index.hash_key, index.range_key} <= item.keys():
        return None
    included = item if index.included is None else {name: item.get(name) for name in index.included}
    return (item[index.hash_key], item[index.range_key]), included


def _written(operation: str, parameters: Any, before: list[Any], after: list[Any]) -> int:
    """Return the units of a call's writes: the larger of the item before and after, and what indexes hold."""
    of_items = sum(
        times * max(batches.units(was), batches.units(now))
        for (_, times), was, now in zip(_writes(operation, parameters), before, after, strict=False)
    )
    of_indexes = sum(
        _writes_of(_projected(index, was), _projected(index, now))
        * max(batches.units(_held(index, was)), batches.units(_held(index, now)))
        for index in _INDEXES
        for was, now in zip(before, after, strict=True)
    )
    return of_items + of_indexes


def _held(index: tables.Index, item: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what an index holds of an item."""
    if index.included is None:
        return item
    names = {*(tables.HASH_KEY, tables.RANGE_KEY, index.hash_key, index.range_key), *index.included}
    return {name: value for name, value in item.items() if name in names}


def _read(make: Make, operation: str, parameters: Any) -> float:
    """Return the read units of a call: whole items are read, whatever is wanted of them; what is not there counts."""
    if operation == "BatchGetItem":
        ((table, asked),) = parameters["RequestItems"].items()
        asked = {name: value for name, value in asked.items() if name in {"Keys", "ConsistentRead"}}
        whole: dict[str, Any] = {"RequestItems": {table: asked}}
        response = make(operation, whole)
        missing = len(asked["Keys"]) - len(response["Responses"][table])
        return Call(operation, whole, response).read_units + missing * (1 if asked.get("ConsistentRead") else 0.5)
    if operation not in {"GetItem", "Query"}:
        return 0
    whole = {
        name: value
        for name, value in parameters.items()
        if name not in {"ProjectionExpression", "AttributesToGet", "Select", "FilterExpression"}
    }
    for part in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
        condition = parameters.get("KeyConditionExpression", "")
        used = {name: value for name, value in whole.pop(part, {}).items() if re.search(rf"{name}\b", condition)}
        whole |= {part: used} if used else {}
    return Call(operation, whole, make(operation, whole)).read_units
