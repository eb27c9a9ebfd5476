"""The queues, each once: what is in AWS by CDK and on one machine by the local service is made of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from watchlist import limits
from watchlist.deployment import functions as function_specs
from watchlist.deployment.function_spec import FunctionSpec
from watchlist.job_kinds import JobKind

VISIBILITY_FACTOR: Final = 6
"""A message stays invisible for at least so many timeouts of its function (Lambda guide, using Lambda with SQS)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueSpec:
    """A queue, its dead-letter queue, and the event source mapping that reads it.

    Attributes:
        name: of the queue, to which an environment may prefix its own.
        consumer: the function that the mapping calls; it answers with partial batch responses.
        batch_size: most messages of one invocation.
        visibility: how long a message that was received is hidden from others.
        max_receives: a message that was received so often goes to the dead-letter queue instead of once more.
        retention: how long a message is kept.
        dead_letter_retention: how long a dead letter is kept. Its clock goes on from when the message was sent, so it
            must exceed `retention`.
    """

    name: str
    consumer: FunctionSpec
    batch_size: int
    visibility: timedelta
    max_receives: int
    retention: timedelta = limits.MESSAGE_RETENTION
    dead_letter_retention: timedelta = limits.DEAD_LETTER_RETENTION

    def __post_init__(self) -> None:
        if self.visibility < VISIBILITY_FACTOR * self.consumer.timeout:
            raise ValueError(f"{self.name}: a message is visible again before its function must have ended")

    @property
    def dead_letter_name(self) -> str:
        """The name of the dead-letter queue."""
        return f"{self.name}-dead-letters"


JOB_QUEUES: Mapping[JobKind, QueueSpec] = {
    kind: QueueSpec(
        name=kind,
        consumer=function_specs.DISPATCHER,
        batch_size=5,  # a launch takes about a second and the function has 30: all fit several times over
        visibility=limits.LEASE,
        max_receives=limits.MAX_RECEIVES,
    )
    for kind in JobKind
}
"""The queue of each kind of job."""

WEBHOOK_QUEUE = QueueSpec(
    name="webhook-delivery",
    consumer=function_specs.WEBHOOK_SENDER,
    batch_size=1,  # a webhook that does not answer holds up no other
    visibility=VISIBILITY_FACTOR * function_specs.WEBHOOK_SENDER.timeout,
    max_receives=limits.WEBHOOK_ATTEMPTS,
)
"""Deliveries of digests to webhooks."""

QUEUES: Final = (*JOB_QUEUES.values(), WEBHOOK_QUEUE)
