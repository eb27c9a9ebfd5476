"""What reads the tables' streams, as `watchlist.stream_consumers` describes it."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from infra.environments import Environment
from infra.functions import Function
from infra.monitoring import AlarmTitle, Monitoring
from infra.own_metrics import own_metric
from infra.storage import Storage
from watchlist import limits, tables
from watchlist.stream_consumers import StreamConsumer

_BEHIND = Duration.minutes(5)

_HEARTBEAT = Duration.seconds(limits.RECONCILE_INTERVAL.total_seconds())
"""The reconciler changes the tables as often as it runs."""

_MISSED_HEARTBEATS = 3


def consume(consumer: StreamConsumer, function: Function, storage: Storage) -> None:
    """Let `function` read the stream of the consumer's table."""
    table = storage.watchlist if consumer.table is tables.WATCHLIST else storage.activity
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
    function.function.add_event_source_mapping(
        f"{consumer.table.name}Stream",
        event_source_arn=stream_arn,
        starting_position=lambda_.StartingPosition.LATEST,
        batch_size=consumer.batch_size,
        retry_attempts=consumer.retries,
        report_batch_item_failures=True,
        filters=[lambda_.FilterCriteria.filter(dict(consumer.filter_pattern))],
    )


def watch_consumer(
    consumer: StreamConsumer, function: Function, environment: Environment, monitoring: Monitoring
) -> None:
    """Register the alarm of a consumer that has stopped: the heartbeats of the tables call it, and it says so."""
    monitoring.alarm(
        AlarmTitle.STREAM_CONSUMER_NOT_RUNNING,
        subject=f"{function.spec.name} of {consumer.table.name}",
        happened=f"The function has read nothing of the {consumer.table.name} table's stream, not even its heartbeat.",
        console=_console(function, monitoring),
        metric=own_metric(environment, consumer.run, period=_HEARTBEAT),
        threshold=1,
        periods=_MISSED_HEARTBEATS,
        comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
        missing_data=cloudwatch.TreatMissingData.BREACHING,
    )


def watch(function: Function, monitoring: Monitoring) -> None:
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
