"""The reconciler's heartbeat reaches every stream consumer, each of which says that it ran."""

import json
import time
from typing import Any

import boto3
import pytest

from infra.operations import assumptions
from local_service.aws import embedded as embedded_aws
from local_service.functions.host import Context
from local_service.functions.stream_poller import event_of
from local_service.provisioning import Environment
from tests.integration.aws import Aws
from tests.integration.units import heard
from watchlist.deployment import functions as function_specs
from watchlist.deployment import stream_consumers
from watchlist.deployment.function_spec import FunctionSpec
from watchlist.deployment.stream_consumers import CONSUMERS, StreamConsumer
from watchlist.storage.records import ActivityItem, WatchlistItem


def context(spec: FunctionSpec) -> Context:
    return Context(spec.name, "$LATEST", "arn:x:x:x:x:x:x", "512", "request", "log", "stream", time.time() + 60)


@pytest.mark.parametrize("consumer", CONSUMERS, ids=lambda consumer: consumer.run)
def test_a_consumer_is_called_for_the_heartbeat_and_says_that_it_ran(
    aws: Aws, environment: Environment, consumer: StreamConsumer
) -> None:
    arguments: Any = embedded_aws.client_arguments(environment.url)
    streams = boto3.client("dynamodbstreams", **arguments)
    stream = environment.streams[consumer.table.name]
    (shard,) = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
    now = streams.get_shard_iterator(StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType="LATEST")

    reconciler = function_specs.RECONCILER
    aws.functions[reconciler.name].handler({}, context(reconciler))
    records = streams.get_records(ShardIterator=now["ShardIterator"])["Records"]
    wanted = [record for record in records if consumer.wants(record)]
    with heard() as log:
        answer = aws.functions[consumer.function.name].handler(event_of(wanted, stream), context(consumer.function))
    said = log.getvalue()

    assert len(wanted) == 1
    assert answer == {"batchItemFailures": []}
    emitted = [json.loads(line) for line in said.splitlines() if '"_aws"' in line]
    assert [line[consumer.run] for line in emitted] == [[1.0]]
    assert len(said) / 1024 <= assumptions.LOG_KILOBYTES_OF_HEARTBEAT <= 2 * len(said) / 1024


def test_consumers_read_items_that_their_tables_have() -> None:
    models: dict[str, type[WatchlistItem | ActivityItem]] = {"watchlist": WatchlistItem, "activity": ActivityItem}
    for consumer in CONSUMERS:
        model = models[consumer.table.name]
        known = {model.type.get_discriminator(kind) for kind in model.__subclasses__()}
        assert set(consumer.item_types) <= known


def test_what_a_function_is_called_for_tells_by_which_of_its_consumers() -> None:
    for consumer in CONSUMERS:
        for item_type in consumer.item_types:
            event = {"Records": [{"dynamodb": {"NewImage": {"type": {"S": item_type}}}}]}
            assert stream_consumers.reading(consumer.function, event) == consumer
