"""How a stream consumer serves a batch: step by step, and Lambda goes on from what was not served.

Semantics: Lambda guide, "Configuring partial batch response with DynamoDB and Lambda".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypedDict

from aws_lambda_powertools import Logger


class Failure(TypedDict):
    """One record that was not served."""

    itemIdentifier: str


class Response(TypedDict):
    """The answer to a batch: empty if all was served, else the record to go on from."""

    batchItemFailures: list[Failure]


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do for one or more records.

    Attributes:
        position: the sequence number of the first of them.
    """

    position: str
    run: Callable[[], None]


def serve(steps: Sequence[Step], logger: Logger) -> Response:
    """Run the steps until one fails; what is reported is the earliest record of those that are left."""
    for number, step in enumerate(steps):
        try:
            step.run()
        except Exception:
            logger.exception("stream record not served", position=step.position)
            left = min((each.position for each in steps[number:]), key=int)
            return {"batchItemFailures": [{"itemIdentifier": left}]}
    return {"batchItemFailures": []}
