"""What a function or the task may do with tables and job queues; everything else is refused.

A transaction needs the actions of its parts; DynamoDB has no action of its own for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from watchlist.job_kinds import JobKind
from watchlist.storage import tables

Actions = frozenset[str]

GET = frozenset({"GetItem"})

GET_FOR_A_USER = frozenset({"GetItem", "BatchGetItem"})
"""What finding an entry takes: one read, or for a user with a token one of the entry and of what they watch."""

PROTOCOL = frozenset({"GetItem", "PutItem", "UpdateItem"})
"""What the writes of `watchlist.jobs.protocol` take: the entry, and the record of a job that ended."""

SLOTS = frozenset({"GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"})
"""What `watchlist.jobs.task_slots` and `watchlist.jobs.line` take."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Permissions:
    """DynamoDB and SQS actions, without their prefix.

    Attributes:
        watchlist: on the watchlist table.
        indexes: of either table that may be queried.
        activity: on the activity table.
        queues: on the queue of each kind of job.
        dead_letter_queues: on all dead-letter queues.
    """

    watchlist: Actions = frozenset()
    indexes: tuple[tables.Index, ...] = ()
    activity: Actions = frozenset()
    queues: Mapping[JobKind, Actions] = field(default_factory=dict, hash=False)
    dead_letter_queues: Actions = frozenset()


def on_all_queues(*actions: str) -> Mapping[JobKind, Actions]:
    """Allow these on the queue of every kind of job."""
    return dict.fromkeys(JobKind, frozenset(actions))


MOVE = frozenset({"StartMessageMoveTask", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes"})
"""What moving messages out of a dead-letter queue takes; SQS does it in the caller's name, and sends them on, too."""

SEND_SETUPS = {JobKind.REPOSITORY_SETUP: frozenset({"SendMessage"})}

NOTHING = Permissions()

OF_TASK = Permissions(
    watchlist=PROTOCOL | SLOTS,
    activity=frozenset({"Query", "PutItem", "BatchWriteItem"}),
    indexes=(tables.BY_TURN,),
    queues=on_all_queues("ChangeMessageVisibility", "DeleteMessage", "SendMessage"),
)
