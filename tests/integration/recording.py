"""What was asked of AWS, and what it costs."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from typing import Any

import botocore.client
import pytest

Make = Callable[[str, Any], Any]
"""Makes a call, of an operation with its parameters, and returns AWS's answer."""

_READ_UNIT_BYTES = 4096


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
    name = "_make_api_call"  # where both boto3 and PynamoDB pass through
    make = getattr(botocore.client.BaseClient, name)

    def call(client: Any, operation: str, parameters: Any) -> Any:
        return through(lambda *asked: make(client, *asked), operation, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, name, call)
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


def operations(calls: Sequence[Call]) -> list[str]:
    return [call.operation for call in calls]


def read_units(calls: Sequence[Call]) -> float:
    return sum(call.read_units for call in calls)


def _size(item: dict[str, dict[str, Any]]) -> int:
    return sum(len(name) + _length(next(iter(value.values()))) for name, value in item.items())


def _length(value: Any) -> int:
    return len(value if isinstance(value, bytes) else json.dumps(value))
