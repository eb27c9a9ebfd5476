"""Creates in the embedded AWS what the templates create in AWS, from the same definitions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3

from local_service.aws import embedded as embedded_aws
from local_service.functions.queue_poller import Queue
from watchlist import settings
from watchlist.deployment import functions as function_specs
from watchlist.deployment import stream_consumers
from watchlist.deployment.function_spec import FunctionSpec
from watchlist.deployment.queue_specs import JOB_QUEUES, WEBHOOK_QUEUE, QueueSpec
from watchlist.job_kinds import JobKind
from watchlist.storage import tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_sqs import SQSClient

TASK_MEMORY_MB = 1024
_CLUSTER = "watchlist"
_EVENT_BUS = "watchlist"
_TOPIC = "watchlist"
_FAMILY = "job"
_NETWORK = {"SUBNET_IDS": "subnet-local-a,subnet-local-b", "SECURITY_GROUP_IDS": "sg-local"}
"""There is none: tasks are processes of this machine."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What exists in the embedded AWS, and the variables that tell each program of it.

    Attributes:
        url: the endpoint of every AWS service.
        cluster: ARN.
        task_definition: ARN; the container's environment is in it.
        queues: the job queues.
        dead_letter_queues: where their messages end that need an operator.
        streams: the ARN of each table's stream, by the table's name.
        webhook_queue: the queue of webhook deliveries.
        webhook_dead_letter_queue: where deliveries end that no try could make.
        variables: values of settings variables, for every model that has them.
    """

    url: str
    cluster: str
    task_definition: str
    queues: Mapping[JobKind, Queue]
    dead_letter_queues: Mapping[JobKind, Queue]
    streams: Mapping[str, str]
    webhook_queue: Queue
    webhook_dead_letter_queue: Queue
    variables: Mapping[str, str] = field(repr=False)

    def of(self, spec: FunctionSpec) -> dict[str, str]:
        """Return the function's variables: those of its settings, and how to reach AWS.

        Raises:
            SettingsError: one of them is malformed.
        """
        return _environment(spec.settings, self.variables, self.url, caller="functions")


def provision(url: str, variables: Mapping[str, str]) -> Environment:
    """Create everything at the endpoint `url`.

    Args:
        url: of the embedded AWS.
        variables: settings that infrastructure does not decide, by their variables' names.

    Raises:
        SettingsError: one of the variables is malformed.
    """
    arguments: Any = embedded_aws.client_arguments(url)
    streams = _create_tables(boto3.client("dynamodb", **arguments))
    sqs = boto3.client("sqs", **arguments)
    lease = settings.load(settings.LeaseSettings, variables).lease
    pairs = {kind: _create_queues(sqs, spec, visibility=lease) for kind, spec in JOB_QUEUES.items()}
    queues = {kind: queue for kind, (queue, _) in pairs.items()}
    dead_letter_queues = {kind: dead_letter_queue for kind, (_, dead_letter_queue) in pairs.items()}
    webhook_queue, webhook_dead_letter_queue = _create_queues(sqs, WEBHOOK_QUEUE, visibility=WEBHOOK_QUEUE.visibility)
    provisioned = {
        **variables,
        "WATCHLIST_TABLE": tables.WATCHLIST.name,
        "ACTIVITY_TABLE": tables.ACTIVITY.name,
        **{kind.queue_url_variable: queue.url for kind, queue in queues.items()},
        **{kind.dead_letter_queue_url_variable: queue.url for kind, queue in dead_letter_queues.items()},
        **_NETWORK,
    }
    events = boto3.client("events", **arguments)
    events.create_event_bus(Name=_EVENT_BUS)
    topic = boto3.client("sns", **arguments).create_topic(Name=_TOPIC)["TopicArn"]
    provisioned |= {
        "EVENT_BUS_NAME": _EVENT_BUS,
        "WEBHOOK_QUEUE_URL": webhook_queue.url,
        "NOTIFICATION_TOPIC_ARN": topic,
    }
    ecs = boto3.client("ecs", **arguments)
    cluster = ecs.create_cluster(clusterName=_CLUSTER)["cluster"]["clusterArn"]
    task_definition = _register_task(ecs, _environment(settings.TaskSettings, provisioned, url, caller="task"))
    return Environment(
        url=url,
        cluster=cluster,
        task_definition=task_definition,
        queues=queues,
        dead_letter_queues=dead_letter_queues,
        streams=streams,
        webhook_queue=webhook_queue,
        webhook_dead_letter_queue=webhook_dead_letter_queue,
        variables={**provisioned, "CLUSTER": cluster, "TASK_DEFINITION": task_definition},
    )


def _environment(
    model: type[settings.Settings], variables: Mapping[str, str], url: str, *, caller: str
) -> dict[str, str]:
    chosen = {name: variables[name] for name in model.variables() if variables.get(name)}
    loaded = settings.load(model, chosen)
    if isinstance(loaded, settings.TokenSettings):
        loaded.git_tokens()
    # Metrics are lines of the log, which only CloudWatch makes numbers of: people would see them between their own.
    silent = {"POWERTOOLS_METRICS_DISABLED": "true"}
    return {**chosen, **silent, **embedded_aws.credentials(caller), "AWS_ENDPOINT_URL": url}


def _create_tables(dynamodb: "DynamoDBClient") -> dict[str, str]:
    streams: dict[str, str] = {}
    for table in (tables.WATCHLIST, tables.ACTIVITY):
        attributes = {tables.HASH_KEY, tables.RANGE_KEY}
        attributes |= {key for index in table.indexes for key in (index.hash_key, index.range_key)}
        indexes: dict[str, Any] = (
            {"GlobalSecondaryIndexes": [_index(index) for index in table.indexes]} if table.indexes else {}
        )
        created = dynamodb.create_table(
            TableName=table.name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in sorted(attributes)],
            KeySchema=[
                {"AttributeName": tables.HASH_KEY, "KeyType": "HASH"},
                {"AttributeName": tables.RANGE_KEY, "KeyType": "RANGE"},
            ],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": stream_consumers.STREAM_VIEW_TYPE},
            **indexes,
        )
        streams[table.name] = created["TableDescription"]["LatestStreamArn"]
        dynamodb.update_time_to_live(
            TableName=table.name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": tables.TIME_TO_LIVE},
        )
    return streams


def _index(index: tables.Index) -> dict[str, Any]:
    projection = (
        {"ProjectionType": "ALL"}
        if index.included is None
        else {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(index.included)}
    )
    return {
        "IndexName": index.name,
        "KeySchema": [
            {"AttributeName": index.hash_key, "KeyType": "HASH"},
            {"AttributeName": index.range_key, "KeyType": "RANGE"},
        ],
        "Projection": projection,
    }


def _create_queues(sqs: "SQSClient", spec: QueueSpec, *, visibility: timedelta) -> tuple[Queue, Queue]:
    """Create a queue and its dead-letter queue."""
    retention = {"MessageRetentionPeriod": _seconds(spec.dead_letter_retention)}
    dead_letter_queue = _create_queue(sqs, spec, spec.dead_letter_name, retention)
    redrive = {"deadLetterTargetArn": dead_letter_queue.arn, "maxReceiveCount": spec.max_receives}
    attributes = {
        "VisibilityTimeout": _seconds(visibility),
        "MessageRetentionPeriod": _seconds(spec.retention),
        "RedrivePolicy": json.dumps(redrive),
    }
    return _create_queue(sqs, spec, spec.name, attributes), dead_letter_queue


def _create_queue(sqs: "SQSClient", spec: QueueSpec, name: str, attributes: Mapping[Any, str]) -> Queue:
    url = sqs.create_queue(QueueName=name, Attributes=dict(attributes))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return Queue(url, arn, spec.batch_size)


def _register_task(ecs: "ECSClient", environment: Mapping[str, str]) -> str:
    response = ecs.register_task_definition(
        family=_FAMILY,
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="512",
        memory=str(TASK_MEMORY_MB),
        containerDefinitions=[
            {
                "name": function_specs.TASK_CONTAINER,
                "image": "local",
                "essential": True,
                "environment": [{"name": name, "value": value} for name, value in environment.items()],
            }
        ],
    )
    return response["taskDefinition"]["taskDefinitionArn"]


def _seconds(duration: timedelta) -> str:
    return str(max(1, round(duration.total_seconds())))
