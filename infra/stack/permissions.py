"""What each function and the task may do, as one table. Everything else is refused.

A transaction needs the actions of its parts; DynamoDB has no action of its own for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aws_cdk import aws_iam as iam

from infra.stack.job_queues import JobQueues
from infra.stack.storage import Storage
from watchlist.deployment import functions as function_specs
from watchlist.job_kinds import JobKind
from watchlist.storage import tables

Actions = frozenset[str]

_GET = frozenset({"GetItem"})
_GET_FOR_A_USER = frozenset({"GetItem", "BatchGetItem"})
"""What finding an entry takes: one read, or for a user with a token one of the entry and of what they watch."""

_PROTOCOL = frozenset({"GetItem", "PutItem", "UpdateItem"})
"""What the writes of `watchlist.jobs.protocol` take: the entry, and the record of a job that ended."""

_SLOTS = frozenset({"Query", "PutItem", "UpdateItem", "DeleteItem"})
"""What `watchlist.jobs.task_slots` takes."""


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
    queues: Mapping[JobKind, Actions] = field(default_factory=dict)
    dead_letter_queues: Actions = frozenset()


def _on_all_queues(*actions: str) -> Mapping[JobKind, Actions]:
    return dict.fromkeys(JobKind, frozenset(actions))


_SEND_SETUPS = {JobKind.REPOSITORY_SETUP: frozenset({"SendMessage"})}

OF_FUNCTIONS: Mapping[str, Permissions] = {
    function_specs.ADD_REPOSITORY.name: Permissions(watchlist=_PROTOCOL | {"DeleteItem"}, queues=_SEND_SETUPS),
    function_specs.STATUS.name: Permissions(watchlist=frozenset({"Query", "BatchGetItem"})),
    function_specs.RETRY.name: Permissions(
        watchlist=_GET_FOR_A_USER | {"UpdateItem"}, indexes=(tables.BY_USER,), queues=_SEND_SETUPS
    ),
    function_specs.COMMITS.name: Permissions(watchlist=_GET_FOR_A_USER, activity=_GET),
    function_specs.HEALTH.name: Permissions(watchlist=_GET_FOR_A_USER, activity=frozenset({"Query"})),
    function_specs.USER_WATCHLIST.name: Permissions(
        watchlist=_GET_FOR_A_USER | {"UpdateItem", "DeleteItem"},
        activity=frozenset({"Query", "BatchWriteItem"}),
        indexes=(tables.BY_USER, tables.BY_USER_ENTRY, tables.BY_USER_ALERTS),
    ),
    function_specs.ALERTS.name: Permissions(
        watchlist=_GET_FOR_A_USER,
        activity=_GET | {"BatchGetItem", "UpdateItem"},
        indexes=(tables.BY_USER_ENTRY, tables.BY_USER_ALERTS),
    ),
    function_specs.JOBS.name: Permissions(
        watchlist=frozenset({"Query"}),
        indexes=(tables.BY_QUEUE,),
        queues=_on_all_queues("GetQueueAttributes"),
        dead_letter_queues=frozenset({"GetQueueAttributes"}),
    ),
    function_specs.DOCUMENTATION.name: Permissions(),
    function_specs.PAGE.name: Permissions(),
    function_specs.DISPATCHER.name: Permissions(
        watchlist=_PROTOCOL | _SLOTS,
        queues=_on_all_queues(
            "ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "ChangeMessageVisibility", "SendMessage"
        ),
    ),
    function_specs.TASK_STOPPED.name: Permissions(
        watchlist=_PROTOCOL | {"DeleteItem"}, queues=_on_all_queues("ChangeMessageVisibility")
    ),
    function_specs.RECONCILER.name: Permissions(
        watchlist=_PROTOCOL | {"DeleteItem"},
        activity=frozenset({"Query", "BatchWriteItem", "PutItem"}),
        indexes=(tables.BY_DUE, tables.BY_QUEUE),
        queues=_on_all_queues("SendMessage"),
    ),
    function_specs.SCHEDULER.name: Permissions(
        watchlist=frozenset({"BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"}),
        activity=frozenset({"PutItem"}),
        indexes=(tables.BY_DUE, tables.BY_QUEUE),
        queues={kind: frozenset({"SendMessage"}) for kind in JobKind if kind.is_refresh},
    ),
    function_specs.EVENT_PUBLISHER.name: Permissions(),
    function_specs.NOTIFICATIONS.name: Permissions(watchlist=_GET | {"UpdateItem"}),
    function_specs.ALERT_COLLECTOR.name: Permissions(watchlist=_GET | {"PutItem", "UpdateItem"}, activity=_GET),
    function_specs.DIGEST.name: Permissions(
        watchlist=_GET | {"UpdateItem", "DeleteItem"},
        activity=frozenset({"BatchGetItem", "UpdateItem"}),
        indexes=(tables.BY_DUE,),
    ),
    function_specs.WEBHOOK_SENDER.name: Permissions(watchlist=_GET),
    function_specs.LIVE_AUTHORIZER.name: Permissions(),
    function_specs.LIVE_CONNECT.name: Permissions(watchlist=_GET_FOR_A_USER | {"PutItem"}),
    function_specs.LIVE_DISCONNECT.name: Permissions(watchlist=_GET | {"DeleteItem"}),
    function_specs.LIVE_REQUEST.name: Permissions(watchlist=_GET_FOR_A_USER | {"Query", "DeleteItem"}),
    function_specs.LIVE_PUBLISHER.name: Permissions(watchlist=_GET_FOR_A_USER | {"Query", "DeleteItem"}),
}

OF_TASK = Permissions(
    watchlist=_PROTOCOL | _SLOTS,
    activity=frozenset({"Query", "PutItem", "BatchWriteItem"}),
    queues=_on_all_queues("ChangeMessageVisibility", "DeleteMessage"),
)


def grant(role: iam.IRole, permissions: Permissions, storage: Storage, queues: JobQueues) -> None:
    """Allow `role` what `permissions` say, and nothing more."""
    _allow(role, "dynamodb", permissions.watchlist, [storage.watchlist.table_arn])
    _allow(role, "dynamodb", permissions.activity, [storage.activity.table_arn])
    for index in permissions.indexes:
        table = storage.watchlist if index in tables.WATCHLIST.indexes else storage.activity
        _allow(role, "dynamodb", frozenset({"Query"}), [f"{table.table_arn}/index/{index.name}"])
    by_actions: dict[Actions, list[str]] = {}
    for kind, actions in permissions.queues.items():
        by_actions.setdefault(actions, []).append(queues.of_kind[kind].queue.queue_arn)
    for actions, arns in by_actions.items():
        _allow(role, "sqs", actions, arns)
    dead_letter_arns = [queue.dead_letter_queue.queue_arn for queue in queues.of_kind.values()]
    _allow(role, "sqs", permissions.dead_letter_queues, dead_letter_arns)


def _allow(role: iam.IRole, service: str, actions: Actions, arns: list[str]) -> None:
    if actions:
        role.add_to_principal_policy(
            iam.PolicyStatement(actions=sorted(f"{service}:{action}" for action in actions), resources=arns)
        )
