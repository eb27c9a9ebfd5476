"""What reads the tables' streams, as `watchlist.stream_consumers` describes it."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from infra.functions import Function
from infra.monitoring import AlarmTitle, Monitoring
from infra.storage import Storage
from watchlist import tables
from watchlist.stream_consumers import StreamConsumer

_BEHIND = Duration.minutes(5)


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


def watch(function: Function, monitoring: Monitoring) -> None:
    """Register the alarm of a function that reads streams."""
    monitoring.alarm(
        AlarmTitle.STREAM_CONSUMER_BEHIND,
        subject=function.spec.name,
        happened=f"The function is more than {_BEHIND.to_minutes():.0f} minutes behind the stream that it reads.",
        console=f"lambda/home?region={monitoring.region}#/functions/{function.function.function_name}?tab=monitoring",
        metric=function.function.metric("IteratorAge", statistic=cloudwatch.Stats.MAXIMUM, period=Duration.minutes(5)),
        threshold=_BEHIND.to_milliseconds(),
        periods=2,
        # Without changes there are no invocations, and nothing to be behind of.
        missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
