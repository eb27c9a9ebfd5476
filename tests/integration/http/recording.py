"""What was asked of AWS, and what it costs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

_READ_UNIT_BYTES = 4096


@dataclass(frozen=True)
class Call:
    operation: str
    parameters: Any
    response: Any

    @property
    def read_units(self) -> float:
        """Read units of DynamoDB: sizes are those of the items as JSON, which are somewhat longer than DynamoDB's."""
        if self.operation == "Query":
            read = [sum(map(_size, self.response["Items"]))]
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


def operations(calls: Sequence[Call]) -> list[str]:
    return [call.operation for call in calls]


def read_units(calls: Sequence[Call]) -> float:
    return sum(call.read_units for call in calls)


def _size(item: dict[str, dict[str, Any]]) -> int:
    return sum(len(name) + len(json.dumps(next(iter(value.values())))) for name, value in item.items())
