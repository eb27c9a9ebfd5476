"""What reads the tables' streams, as `watchlist.deployment.stream_consumers` describes it."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.environments import Environment
from infra.stack.acknowledgments import acknowledge
from infra.stack.customer_key import customer_key
from infra.stack.durations import cdk_duration
from infra.stack.functions import Function
from infra.stack.monitoring import AlarmTitle, Monitoring
from infra.stack.own_metrics import own_metric
from infra.stack.queue_with_dead_letters import watch_depth
from infra.stack.storage import Storage
from watchlist import limits
from watchlist.deployment import functions as function_specs
from watchlist.deployment import stream_consumers
from watchlist.deployment.stream_consumers import CONSUMERS, StreamConsumer
from watchlist.storage import tables

_BEHIND = Duration.minutes(5)

_MISSED_HEARTBEATS = 3
"""The reconciler changes the tables as often as it runs."""


class Streams(Construct):
    """The event source mappings of all stream consumers, and the queue for what they gave up.

    Such a message says where the records are in the stream, not what is in them. No queue may use this one for its
    dead letters: a message moved back by a redrive would have nowhere to go.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        functions: Mapping[str, Function],
        storage: Storage,
        monitoring: Monitoring,
    ) -> None:
        super().__init__(scope, construct_id)
        self._storage = storage
        key = customer_key(self, environment)
        self._failures = sqs.Queue(
            self,
            "Failures",
            queue_name=f"{environment.service}-{stream_consumers.FAILURES}",
            retention_period=cdk_duration(limits.DEAD_LETTER_RETENTION),
            encryption=sqs.QueueEncryption.SQS_MANAGED if key is None else sqs.QueueEncryption.KMS,
            encryption_master_key=key,
            enforce_ssl=True,
            redrive_allow_policy=sqs.RedriveAllowPolicy(redrive_permission=sqs.RedrivePermission.DENY_ALL),
        )
        acknowledge(self._failures, "SQS3", "it is one: Lambda puts into it what its consumers gave up")
        watch_depth(
            self._failures,
            stream_consumers.FAILURES,
            monitoring,
            AlarmTitle.STREAM_RECORDS_GIVEN_UP,
            happened="Records of a table's stream could not be served; the stream keeps them for a day at most.",
        )
        for consumer in CONSUMERS:
            function = functions[consumer.function.name]
            self._consume(consumer, function)
            _watch_heartbeat(consumer, function, environment, monitoring)
        for spec in function_specs.STREAM_FUNCTIONS:
            _watch_age(functions[spec.name], monitoring)

    @property
    def failures(self) -> sqs.IQueue:
        """Where it is told which records were given up."""
        return self._failures

    def _consume(self, consumer: StreamConsumer, function: Function) -> None:
        table = self._storage.watchlist if consumer.table is tables.WATCHLIST else self._storage.activity
        stream_arn = table.table_stream_arn
        if stream_arn is None:
            raise ValueError(f"the table {consumer.table.name} has no stream")
        function.role.add_to_policy(
            iam.PolicyStatement(
                actions=["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
                resources=[stream_arn],
            )
        )
        function.role.add_to_policy(iam.PolicyStatement(actions=["dynamodb:ListStreams"], resources=["*"]))
        function.role.add_to_policy(
            iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[self._failures.queue_arn])
        )
        mapping = function.function.add_event_source_mapping(
            f"{consumer.table.name}Stream",
            event_source_arn=stream_arn,
            starting_position=lambda_.StartingPosition[stream_consumers.STARTING_POSITION],
            batch_size=consumer.batch_size,
            retry_attempts=consumer.retries,
            max_record_age=cdk_duration(consumer.max_age),
            bisect_batch_on_error=True,
            report_batch_item_failures=True,
            filters=[lambda_.FilterCriteria.filter(dict(consumer.filter_pattern))],
        )
        # The L2 destination would also allow GetQueueAttributes and GetQueueUrl, which nobody calls.
        resource = mapping.node.default_child
        if not isinstance(resource, lambda_.CfnEventSourceMapping):
            raise TypeError("the mapping has no CloudFormation resource")
        resource.destination_config = lambda_.CfnEventSourceMapping.DestinationConfigProperty(
            on_failure=lambda_.CfnEventSourceMapping.OnFailureProperty(destination=self._failures.queue_arn)
        )


def _watch_heartbeat(
    consumer: StreamConsumer, function: Function, environment: Environment, monitoring: Monitoring
) -> None:
    """Register the alarm of a consumer that has stopped: the heartbeats of the tables call it, and it says so."""
    monitoring.silence(
        AlarmTitle.STREAM_CONSUMER_NOT_RUNNING,
        subject=f"{function.spec.name} of {consumer.table.name}",
        happened=f"The function has read nothing of the {consumer.table.name} table's stream, not even its heartbeat.",
        console=_console(function, monitoring),
        metric=own_metric(environment, consumer.run, period=cdk_duration(limits.RECONCILE_INTERVAL)),
        periods=_MISSED_HEARTBEATS,
    )


def _watch_age(function: Function, monitoring: Monitoring) -> None:
    """Register the alarm of a function that falls behind the streams that it reads."""
    monitoring.alarm(
        AlarmTitle.STREAM_CONSUMER_BEHIND,
        subject=function.spec.name,
        happened=f"The function is more than {_BEHIND.to_minutes():.0f} minutes behind the stream that it reads.",
        console=_console(function, monitoring),
        metric=function.function.metric("IteratorAge", statistic=cloudwatch.Stats.MAXIMUM, period=Duration.minutes(5)),
        threshold=_BEHIND.to_milliseconds(),
        periods=2,
        # Without changes there are no invocations, and nothing to be behind of.
        missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )


def _console(function: Function, monitoring: Monitoring) -> str:
    return f"lambda/home?region={monitoring.region}#/functions/{function.function.function_name}?tab=monitoring"
