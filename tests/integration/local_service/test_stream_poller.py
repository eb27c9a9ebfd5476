import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from local_service.aws.embedded import EmbeddedAws
from local_service.functions.processes import FunctionError
from local_service.functions.stream_poller import StreamPoller
from local_service.provisioning import Environment
from tests.integration.local_service.conftest import client
from watchlist.deployment import stream_consumers

Invoke = Callable[[dict[str, Any]], Any]
CONSUMER = dataclasses.replace(stream_consumers.LIVE_PUBLISHER, item_types=("entry",), batch_size=4, retries=1)


class Setup:
    """The watchlist table, a poller of its stream, and what the poller's function saw and answers."""

    def __init__(self, aws: EmbeddedAws, environment: Environment) -> None:
        self.dynamodb = client(aws, "dynamodb")
        self.events: list[dict[str, Any]] = []
        self.answer: Invoke = lambda _event: None
        streams = client(aws, "dynamodbstreams", caller="platform")
        self.poller = StreamPoller(streams, environment.streams["watchlist"], CONSUMER, self._invoke)

    def put(self, *keys: str, item_type: str = "entry") -> None:
        for key in keys:
            self.dynamodb.put_item(TableName="watchlist", Item=item(key, item_type))

    @property
    def batches(self) -> list[list[str]]:
        return [[key_of(record) for record in event["Records"]] for event in self.events]

    def poll_until_idle(self) -> None:
        for _ in range(30):
            self.poller.poll()

    def _invoke(self, event: dict[str, Any]) -> Any:
        self.events.append(event)
        return self.answer(event)


def item(key: str, item_type: str = "entry") -> dict[str, Any]:
    return {"pk": {"S": key}, "sk": {"S": "ENTRY"}, "type": {"S": item_type}}


def key_of(record: dict[str, Any]) -> str:
    return str(record["dynamodb"]["Keys"]["pk"]["S"])


def failing_at(*keys: str) -> Invoke:
    def answer(event: dict[str, Any]) -> dict[str, Any]:
        positions = [record["dynamodb"]["SequenceNumber"] for record in event["Records"] if key_of(record) in keys]
        return {"batchItemFailures": [{"itemIdentifier": position} for position in positions]}

    return answer


@pytest.fixture
def setup(aws: EmbeddedAws, environment: Environment) -> Setup:
    return Setup(aws, environment)


def test_records_come_in_order_each_once_in_batches(setup: Setup) -> None:
    setup.put("a", "b", "c", "d", "e")

    setup.poll_until_idle()

    assert setup.batches == [["a", "b", "c", "d"], ["e"]]


def test_a_record_looks_as_lambda_shows_it(setup: Setup) -> None:
    setup.put("a")
    setup.dynamodb.update_item(
        TableName="watchlist",
        Key={"pk": {"S": "a"}, "sk": {"S": "ENTRY"}},
        UpdateExpression="SET n = :n",
        ExpressionAttributeValues={":n": {"N": "1"}},
    )

    setup.poll_until_idle()

    created, changed = setup.events[0]["Records"]
    assert (created["eventName"], changed["eventName"]) == ("INSERT", "MODIFY")
    assert "OldImage" not in created["dynamodb"]
    assert changed["dynamodb"]["OldImage"] == item("a")
    assert changed["dynamodb"]["NewImage"] == item("a") | {"n": {"N": "1"}}
    assert isinstance(changed["dynamodb"]["ApproximateCreationDateTime"], int)
    assert changed["eventSource"] == "aws:dynamodb"
    assert "stream" in changed["eventSourceARN"]


def test_other_items_and_removals_are_filtered_out(setup: Setup) -> None:
    setup.put("a", item_type="slot")
    setup.put("b")
    setup.dynamodb.delete_item(TableName="watchlist", Key={"pk": {"S": "b"}, "sk": {"S": "ENTRY"}})

    setup.poll_until_idle()

    assert setup.batches == [["b"]]


def test_it_goes_on_from_the_earliest_record_that_is_reported(setup: Setup) -> None:
    setup.put("a", "b", "c")
    setup.answer = failing_at("c", "b")

    setup.poller.poll()
    setup.answer = lambda _event: {"batchItemFailures": []}
    setup.poll_until_idle()

    assert setup.batches == [["a", "b", "c"], ["b", "c"]]


def test_a_batch_that_fails_is_halved_and_a_record_that_keeps_failing_is_given_up(setup: Setup) -> None:
    def answer(event: dict[str, Any]) -> None:
        if any(key_of(record) == "bad" for record in event["Records"]):
            raise FunctionError("boom")

    setup.put("a", "bad", "c", "d")
    setup.answer = answer

    setup.poll_until_idle()

    halved = [["a", "bad", "c", "d"], ["a", "bad"], ["a"], ["bad", "c", "d"], ["bad", "c"]]
    assert setup.batches == [*halved, ["bad"], ["bad"], ["c", "d"]]


def test_an_answer_that_names_an_unknown_record_fails_the_batch(setup: Setup) -> None:
    setup.put("a")
    setup.answer = lambda _event: {"batchItemFailures": [{"itemIdentifier": "7"}]}

    setup.poll_until_idle()

    assert setup.batches == [["a"], ["a"]]


def test_records_go_on_after_a_transaction_was_rolled_back(setup: Setup) -> None:
    setup.put("a")
    setup.poller.poll()
    put = {"TableName": "watchlist", "Item": item("b")}
    refused = {"TableName": "watchlist", "Item": item("a"), "ConditionExpression": "attribute_not_exists(pk)"}
    with pytest.raises(setup.dynamodb.exceptions.TransactionCanceledException):
        setup.dynamodb.transact_write_items(TransactItems=[{"Put": put}, {"Put": refused}])
    setup.put("c")

    setup.poll_until_idle()

    assert setup.batches == [["a"], ["c"]]
