"""What was asked of AWS, what it costs, and what is killed while it asks."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from math import ceil
from typing import Any

import botocore.client
import pytest

Make = Callable[[str, Any], Any]
"""Makes a call, of an operation with its parameters, and returns AWS's answer."""

METHOD = "_make_api_call"
"""Of botocore's clients: all calls of boto3 and PynamoDB pass through it."""

_READ_UNIT_BYTES = 4096


class Killed(BaseException):
    """Ends a function as if its process had been killed: nothing in it runs after this."""


@dataclass(frozen=True)
class Call:
    operation: str
    parameters: Any
    response: Any

    @property
    def key(self) -> dict[str, Any]:
        """The key of DynamoDB's one item, or the item itself where it is written whole; empty for other calls."""
        found: dict[str, Any] = self.parameters.get("Key") or self.parameters.get("Item") or {}
        return found

    @property
    def read_units(self) -> float:
        """Read units of DynamoDB: sizes are those of the items as JSON, which are somewhat longer than DynamoDB's."""
        if self.operation == "Query":
            read = [sum(map(_size, self.response.get("Items", [])))]
            consistent = self.parameters.get("ConsistentRead", False)
        elif self.operation == "GetItem":
            read = [_size(self.response.get("Item", {}))]
            consistent = self.parameters.get("ConsistentRead", False)
        elif self.operation == "BatchGetItem":
            (name,) = self.response["Responses"]
            read = [_size(item) for item in self.response["Responses"][name]]
            consistent = self.parameters["RequestItems"][name].get("ConsistentRead", False)
        else:
            return 0
        units = sum(max(1, ceil(size / _READ_UNIT_BYTES)) for size in read)
        return units if consistent else units / 2


@contextmanager
def passing(through: Callable[[Make, str, Any], Any]) -> Iterator[None]:
    """Let every call of AWS pass through a function meanwhile, which is told how to make it."""
    make = getattr(botocore.client.BaseClient, METHOD)

    def call(client: Any, operation: str, parameters: Any) -> Any:
        return through(lambda *asked: make(client, *asked), operation, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, METHOD, call)
        yield


@contextmanager
def recorded() -> Iterator[list[Call]]:
    """Collect the calls of AWS that are answered meanwhile."""
    made: list[Call] = []

    def record(make: Make, operation: str, parameters: Any) -> Any:
        response = make(operation, parameters)
        made.append(Call(operation, parameters, response))
        return response

    with passing(record):
        yield made


@contextmanager
def killed_at(transaction: int, *, after: bool) -> Iterator[None]:
    """Kill what runs meanwhile at one of its transactions of DynamoDB, before or after that is made.

    Args:
        transaction: the first is 1.
        after: whether it is made; then only its answer is not heard.

    Raises:
        Killed: as many transactions came.
    """
    numbers = count(1)

    def kill(make: Make, operation: str, parameters: Any) -> Any:
        is_last = operation == "TransactWriteItems" and next(numbers) == transaction
        if is_last and not after:
            raise Killed
        response = make(operation, parameters)
        if is_last:
            raise Killed
        return response

    with passing(kill):
        yield


def operations(calls: Sequence[Call]) -> list[str]:
    return [call.operation for call in calls]


def read_units(calls: Sequence[Call]) -> float:
    return sum(call.read_units for call in calls)


def _size(item: dict[str, dict[str, Any]]) -> int:
    return sum(len(name) + _length(next(iter(value.values()))) for name, value in item.items())


def _length(value: Any) -> int:
    return len(value if isinstance(value, bytes) else json.dumps(value))
