"""Faults on demand: which calls of the embedded AWS are harmed, and how.

What moto never does by itself, and AWS does: it refuses, hangs, hangs up, answers late, and takes a part of a batch.
"""

import functools
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

PLATFORM = "platform"
"""The access key of the local service itself; faults spare it unless they name it."""

_CREDENTIAL = re.compile(r"Credential=(?P<caller>[^/]+)/\d+/[^/]+/(?P<service>[^/]+)/")
_SERVER_ERROR_CODES = {500: "InternalServerError", 503: "ServiceUnavailable"}

Harm = Literal["refuse", "hang", "close", "cut", "delay", "throttle", "slow_disk", "full_disk"]


class Fault(BaseModel):
    """Calls that go wrong.

    Attributes:
        service: as in the request's signature (`dynamodb`, `sqs`, `ecs`), or None for all.
        operation: the API's name (`PutItem`), or None for all.
        caller: the access key (`functions`, `task`, `platform`), or None for all but the platform's own.
        probability: of each matching call.
        harm: `refuse`: an error is the answer. `hang`: no byte comes for `seconds`, then the connection is closed.
            `close`: the connection is closed without an answer. `cut`: the call is performed, and the connection is
            closed after half of its answer. `delay`: the call is performed after `seconds`. `throttle`: what AWS
            answers beyond a table's or queue's rate; of a batch it takes the first half and returns the others as
            unprocessed. `slow_disk`: keeping what the call changed takes `seconds`, in which no other call gets on.
            `full_disk`: it cannot be kept, so the call fails and has changed nothing.
        moment: `before`: the call does nothing. `after`: it is performed and its answer is lost.
        status: of the answer that refuses.
        answer: its body, for what is refused in a particular way; a server error unless told otherwise.
        seconds: how long it hangs or is delayed.
        times: how many calls are harmed at most, or None for no limit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: str | None = None
    operation: str | None = None
    caller: str | None = None
    probability: float = Field(default=1.0, ge=0, le=1)
    harm: Harm = "refuse"
    moment: Literal["before", "after"] = "before"
    status: Literal[200, 400, 500, 503] = 500
    answer: dict[str, Any] | None = None
    seconds: float = Field(default=60, gt=0, le=3600)
    times: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _has_an_answer(self) -> Self:
        if self.answer is None and self.status not in _SERVER_ERROR_CODES:
            raise ValueError("only a server error has an answer of its own")
        if self.harm == "throttle" and self.moment == "after":
            raise ValueError("what is throttled is not performed")
        return self

    def matches(self, call: "Call") -> bool:
        """Return whether the fault is for this call."""
        return (
            self.service in {None, call.service}
            and self.operation in {None, call.operation}
            and (call.caller == self.caller if self.caller else call.caller != PLATFORM)
        )

    @property
    def is_performed(self) -> bool:
        """Whether the call does what it says, whatever its caller hears."""
        return self.moment == "after" or self.harm in {"cut", "delay", "slow_disk", "full_disk"}

    @property
    def refusal(self) -> "Refusal":
        """The answer that refuses."""
        default = {"__type": _SERVER_ERROR_CODES.get(self.status, ""), "message": "injected fault"}
        return Refusal(self.status, self.answer or default)


class FaultPlan(BaseModel):
    """Faults, tried in order, and the seed of their dice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    faults: tuple[Fault, ...] = ()
    seed: int = 0


class Call(BaseModel):
    """Who calls what, as the request's headers say."""

    model_config = ConfigDict(frozen=True)

    caller: str
    service: str
    operation: str

    @classmethod
    @functools.lru_cache(maxsize=1000)  # few say many things, and each says the same of itself
    def of(cls, authorization: str, target: str) -> Self:
        """Read the `Authorization` and `X-Amz-Target` headers; what they do not say is empty."""
        credential = _CREDENTIAL.search(authorization)
        return cls(
            caller=credential["caller"] if credential else "",
            service=credential["service"] if credential else "",
            operation=target.rpartition(".")[2],
        )


class FaultDice:
    """Decides which calls fail under a plan: with one seed and one sequence of calls, always the same ones."""

    def __init__(self, plan: FaultPlan) -> None:
        self._random = random.Random(plan.seed)  # noqa: S311 - dice, not secrets
        self._plan = plan
        self._used = [0] * len(plan.faults)

    @property
    def used(self) -> tuple[int, ...]:
        """How many calls each fault has hit."""
        return tuple(self._used)

    def roll(self, call: Call) -> Fault | None:
        """Return the fault that hits `call`, if any."""
        for number, fault in enumerate(self._plan.faults):
            exhausted = fault.times is not None and self._used[number] >= fault.times
            if not exhausted and fault.matches(call) and self._random.random() < fault.probability:
                self._used[number] += 1
                return fault
        return None


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer in place of the call's own."""

    status: int
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Throttled:
    """What becomes of a throttled batch.

    Attributes:
        taken: the request with what is still performed.
        left: what the answer says beside it: the unprocessed items, keys or entries.
    """

    taken: Mapping[str, Any]
    left: Mapping[str, Any]

    def answer(self, performed: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to the whole batch, given that to the part that was performed."""
        failed = [*performed.get("Failed", ()), *self.left.get("Failed", ())]
        return {**performed, **self.left, **({"Failed": failed} if failed else {})}


def throttle(call: Call, request: Mapping[str, Any]) -> Throttled | Refusal:
    """Return what AWS makes of a call beyond its rate.

    A batch of one, and whatever is no batch, is refused (DynamoDB API reference, BatchWriteItem: if none of the items
    can be processed, it returns a ProvisionedThroughputExceededException).
    """
    match call.operation:
        case "BatchWriteItem":
            halves = _halves(_flat(request["RequestItems"]))
            return _throttled(request, "RequestItems", "UnprocessedItems", halves) or _refusal(call, request)
        case "BatchGetItem":
            tables = request["RequestItems"]
            halves = _halves([(table, key) for table, asked in tables.items() for key in asked["Keys"]])
            return _throttled_keys(request, halves) or _refusal(call, request)
        case "SendMessageBatch" | "DeleteMessageBatch" | "ChangeMessageVisibilityBatch":
            taken, left = _halves(request["Entries"])
            failed = [
                {"Id": entry["Id"], "SenderFault": False, "Code": "RequestThrottled", "Message": "injected fault"}
                for entry in left
            ]
            return Throttled({**request, "Entries": taken}, {"Failed": failed}) if taken else _refusal(call, request)
        case _:
            return _refusal(call, request)


def _refusal(call: Call, request: Mapping[str, Any]) -> Refusal:
    """Return the error that says it, under the service's own name for it."""
    if call.operation == "TransactWriteItems":
        codes = ["ThrottlingError", *["None"] * (len(request["TransactItems"]) - 1)]
        reasons = [{"Code": code, **({"Message": "injected fault"} if code != "None" else {})} for code in codes]
        message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{', '.join(codes)}]"
        return Refusal(
            400, {"__type": "TransactionCanceledException", "Message": message, "CancellationReasons": reasons}
        )
    code = {"dynamodb": "ProvisionedThroughputExceededException", "sqs": "RequestThrottled"}
    return Refusal(400, {"__type": code.get(call.service, "ThrottlingException"), "message": "injected fault"})


def _flat(tables: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(table, item) for table, items in tables.items() for item in items]


def _by_table(pairs: list[tuple[str, Any]]) -> dict[str, list[Any]]:
    tables: dict[str, list[Any]] = {}
    for table, item in pairs:
        tables.setdefault(table, []).append(item)
    return tables


def _halves(of: list[Any]) -> tuple[list[Any], list[Any]]:
    return of[: len(of) // 2], of[len(of) // 2 :]


def _throttled(
    request: Mapping[str, Any], asked: str, unprocessed: str, halves: tuple[list[Any], list[Any]]
) -> Throttled | None:
    taken, left = halves
    return Throttled({**request, asked: _by_table(taken)}, {unprocessed: _by_table(left)}) if taken else None


def _throttled_keys(request: Mapping[str, Any], halves: tuple[list[Any], list[Any]]) -> Throttled | None:
    taken, left = (
        {table: {**request["RequestItems"][table], "Keys": keys} for table, keys in _by_table(half).items()}
        for half in halves
    )
    return Throttled({**request, "RequestItems": taken}, {"UnprocessedKeys": left}) if taken else None
