import io
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from infra.operations import replay
from watchlist.deployment import stream_consumers

NAME = "repository-watchlist-dev-stream-failures"
URL = f"https://sqs.eu-central-1.amazonaws.com/123456789012/{NAME}"
STREAM = "arn:aws:dynamodb:eu-central-1:123456789012:table/watchlist/stream/2026-01-01T00:00:00.000"
FUNCTION = "arn:aws:lambda:eu-central-1:123456789012:function:event-publisher"
SHARD = "shardId-00000001767225600000-00000001"
FIRST, LAST = "100".zfill(21), "300".zfill(21)
BODY = json.dumps(
    {
        "requestContext": {"functionArn": FUNCTION, "condition": "RetryAttemptsExhausted"},
        "DDBStreamBatchInfo": {
            "shardId": SHARD,
            "startSequenceNumber": FIRST,
            "endSequenceNumber": LAST,
            "batchSize": 2,
            "streamArn": STREAM,
        },
    }
)


@dataclass
class Aws:
    sqs: Stubber
    dynamodbstreams: Stubber
    functions: Stubber

    def receives(self, *bodies: str) -> None:
        for body in bodies:
            messages = [{"MessageId": "m", "ReceiptHandle": "r", "Body": body}]
            self.sqs.add_response("receive_message", {"Messages": messages}, ANY_MESSAGE)

    def has_no_more(self) -> None:
        self.sqs.add_response("receive_message", {}, ANY_MESSAGE)

    def deletes(self) -> None:
        self.sqs.add_response("delete_message", {}, {"QueueUrl": URL, "ReceiptHandle": "r"})

    def reads(self, pattern: Mapping[str, Any] = stream_consumers.ENTRY_EVENTS.filter_pattern) -> None:
        mapping = {"FilterCriteria": {"Filters": [{"Pattern": json.dumps(pattern)}]}}
        self.functions.add_response(
            "list_event_source_mappings",
            {"EventSourceMappings": [mapping]},
            {"FunctionName": FUNCTION, "EventSourceArn": STREAM},
        )

    def streams(self, *pages: list[dict[str, Any]]) -> None:
        self.reads()
        where = {
            "StreamArn": STREAM,
            "ShardId": SHARD,
            "ShardIteratorType": "AT_SEQUENCE_NUMBER",
            "SequenceNumber": FIRST,
        }
        self.dynamodbstreams.add_response("get_shard_iterator", {"ShardIterator": "i"}, where)
        for page in pages:
            self.dynamodbstreams.add_response(
                "get_records", {"Records": page, "NextShardIterator": "i"}, {"ShardIterator": "i"}
            )

    def answers(self, response: Any, **more: Any) -> None:
        text = json.dumps(response).encode()
        answer = {"StatusCode": 200, "Payload": StreamingBody(io.BytesIO(text), len(text)), **more}
        self.functions.add_response("invoke", answer, {"FunctionName": FUNCTION, "Payload": ANY})


ANY_MESSAGE = {"QueueUrl": URL, "MaxNumberOfMessages": 1, "VisibilityTimeout": 120}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    keys: Any = {"region_name": "eu-central-1", "aws_access_key_id": "a", "aws_secret_access_key": "b"}
    clients: dict[str, Any] = {
        "sqs": boto3.client("sqs", **keys),
        "dynamodbstreams": boto3.client("dynamodbstreams", **keys),
        "lambda": boto3.client("lambda", **keys),
    }
    monkeypatch.setattr(boto3, "client", clients.__getitem__)
    with ExitStack() as stubbed:
        stubbers = [stubbed.enter_context(Stubber(client)) for client in clients.values()]
        stubbers[0].add_response("get_queue_url", {"QueueUrl": URL}, {"QueueName": NAME})
        yield Aws(*stubbers)
        for stubber in stubbers:
            stubber.assert_no_pending_responses()


def record(position: int, item_type: str = "entry", **attributes: Any) -> dict[str, Any]:
    return {
        "eventID": str(position),
        "eventName": "MODIFY",
        "eventVersion": "1.1",
        "dynamodb": {
            "ApproximateCreationDateTime": datetime(2026, 1, 1, tzinfo=UTC),
            "SequenceNumber": str(position).zfill(21),
            "NewImage": {"type": {"S": item_type}, **attributes},
        },
    }


def test_the_records_are_served_from_the_first_to_the_last_and_the_message_is_deleted(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.receives(BODY)
    aws.streams([record(100), record(150, "subscription")], [], [record(300, picture={"B": b"\0"}), record(400)])
    events: list[dict[str, Any]] = []
    monkeypatch.setattr(replay, "json", _Spy(events))
    aws.answers({"batchItemFailures": []})
    aws.deletes()
    aws.has_no_more()

    assert replay.main(["dev"]) == 0

    (event,) = events
    assert [int(each["dynamodb"]["SequenceNumber"]) for each in event["Records"]] == [100, 300]
    assert event["Records"][0]["eventSourceARN"] == STREAM
    assert event["Records"][0]["awsRegion"] == "eu-central-1"
    assert event["Records"][0]["dynamodb"]["ApproximateCreationDateTime"] == 1767225600
    assert event["Records"][1]["dynamodb"]["NewImage"]["picture"] == {"B": "AA=="}
    assert "1 served, 0 left" in capsys.readouterr().out


class _Spy:
    """Stands in for the module json, and keeps what is written."""

    loads = staticmethod(json.loads)

    def __init__(self, written: list[dict[str, Any]]) -> None:
        self._written = written

    def dumps(self, value: Any, **arguments: Any) -> str:
        text = json.dumps(value, **arguments)
        self._written.append(json.loads(text))
        return text


@pytest.mark.parametrize(
    ("response", "more", "reason"),
    [
        ({"batchItemFailures": [{"itemIdentifier": "100"}]}, {}, "did not serve all"),
        ({"errorMessage": "boom"}, {"FunctionError": "Unhandled"}, "boom"),
    ],
)
def test_a_message_whose_records_fail_again_stays(
    aws: Aws, response: Any, more: dict[str, Any], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.receives(BODY)
    aws.streams([record(100), record(300)])
    aws.answers(response, **more)
    aws.has_no_more()

    assert replay.main(["dev"]) == 1

    assert reason in capsys.readouterr().out


def test_records_that_the_stream_has_no_longer_are_told_of(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.receives(BODY)
    aws.reads()
    aws.dynamodbstreams.add_client_error("get_shard_iterator", "TrimmedDataAccessException")
    aws.has_no_more()

    assert replay.main(["dev"]) == 1

    assert "no longer" in capsys.readouterr().out


def test_what_is_no_message_of_lambda_stays_and_holds_up_no_other(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.receives("hello", BODY)
    aws.streams([record(100, "subscription"), record(300, "subscription")])
    aws.deletes()
    aws.has_no_more()

    assert replay.main(["dev"]) == 1

    output = capsys.readouterr().out
    assert "hello" in output
    assert "1 served, 1 left" in output


def test_records_of_a_stream_that_the_function_does_not_read_are_told_of(
    aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.receives(BODY)
    aws.reads({"eventName": ["REMOVE"]})
    aws.has_no_more()

    assert replay.main(["dev"]) == 1

    assert "does not read" in capsys.readouterr().out


def test_an_unknown_environment_is_refused_with_those_that_are_allowed(capsys: pytest.CaptureFixture[str]) -> None:
    assert replay.main(["production"]) == 1
    assert "allowed are dev, staging, prod" in capsys.readouterr().err


def test_the_command_wants_an_environment(capsys: pytest.CaptureFixture[str]) -> None:
    assert replay.main([]) == 2
    assert "usage" in capsys.readouterr().err
