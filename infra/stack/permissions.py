"""Turns what a function or the task may do into statements of its role, as it stands."""

from aws_cdk import aws_iam as iam

from infra.stack.job_queues import JobQueues
from infra.stack.storage import Storage
from watchlist.deployment.permissions import Actions, Permissions
from watchlist.storage import tables


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
