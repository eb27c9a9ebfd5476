"""What DynamoDB and SQS bill for what is asked of them (DynamoDB guide, "Read and write operations")."""

import contextlib
import io
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.integration.recording import Call, Make, passing
from watchlist.storage import tables
from watchlist.storage.records import ENTRY_KEY

_INDEXES = (*tables.WATCHLIST.indexes, *tables.ACTIVITY.indexes)


class Units(Counter[str]):
    """Counts while it is entered by `counted`.

    `entry` and `others`: writes of entries and of other items, one in a transaction twice; whatever their size.
    `indexes`: writes of global indexes. `reads`: read units. `queue`: calls to SQS.
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
        try:
            response = make(operation, parameters)
        finally:  # a write whose condition does not hold is billed as well
            units["indexes"] += sum(map(_index_writes, before, written()))
            units.note(operation, parameters)
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
