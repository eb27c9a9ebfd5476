"""Where a poller reads on when its place in a stream is gone; the embedded AWS keeps each place for ever."""

import itertools
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from local_service.functions.processes import FunctionError
from local_service.functions.stream_poller import StreamPoller
from watchlist.deployment import stream_consumers

ARN = "arn:aws:dynamodb:eu-west-1:000000000000:table/watchlist/stream/2026-01-01T00:00:00.000"
SHARD = "shardId-00000001795788895104-855246af"
PLACE = {"StreamArn": ARN, "ShardId": SHARD}
DONE, NEXT, NEWER = (f"{number:021}" for number in (20, 21, 300))
TRIMMED, EXPIRED = "TrimmedDataAccessException", "ExpiredIteratorException"


class Stream:
    """A stream that answers what a test says, a poller of it, and the records that reached the poller's function."""

    def __init__(self, position: str | None) -> None:
        self.client = boto3.client(
            "dynamodbstreams", region_name="eu-west-1", aws_access_key_id="key", aws_secret_access_key="secret"
        )
        self.answers = Stubber(self.client)
        self.answers.add_response("describe_stream", {"StreamDescription": {"Shards": [{"ShardId": SHARD}]}})
        self.answers.activate()
        self.read: list[str] = []
        self.fails = False
        self.position = position
        self.poller = StreamPoller(
            self.client, ARN, stream_consumers.LIVE_PUBLISHER, self._invoke, keep_position=self._keep_position
        )

    def gives_iterator(self, name: str, **at: str) -> None:
        self.answers.add_response("get_shard_iterator", {"ShardIterator": name}, {**PLACE, **at})

    def gives_records(self, iterator: str, *numbers: str) -> None:
        answer = {"Records": [_record(number) for number in numbers], "NextShardIterator": f"{iterator}+"}
        self.answers.add_response("get_records", answer)

    def poll(self) -> None:
        self.poller.poll()
        self.answers.assert_no_pending_responses()

    def _invoke(self, event: dict[str, Any]) -> None:
        if self.fails:
            raise FunctionError("its disk is full")
        self.read += [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]

    def _keep_position(self, position: str | None) -> str | None:
        self.position = position or self.position
        return self.position


def test_the_retries_of_a_record_are_further_and_further_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(position=None)
    pauses: list[float] = []
    monkeypatch.setattr(stream.poller, "wake", pauses.append)
    stream.fails = True
    for _ in range(stream_consumers.LIVE_PUBLISHER.retries):
        stream.gives_iterator("retried", ShardIteratorType="TRIM_HORIZON")
        stream.gives_records("retried", NEXT)
        stream.poll()

    assert [later / sooner for sooner, later in itertools.pairwise(pauses)] == [2, 2]


def _record(number: str) -> dict[str, Any]:
    image = {"type": {"S": "entry"}}
    change = {"SequenceNumber": number, "ApproximateCreationDateTime": datetime.now(UTC), "NewImage": image}
    return {"eventID": number, "eventName": "MODIFY", "dynamodb": {**change, "OldImage": image}}


@pytest.mark.parametrize("gone", [TRIMMED, EXPIRED])
def test_an_iterator_that_is_no_longer_taken_is_replaced_where_it_was(gone: str) -> None:
    stream = Stream(DONE)
    stream.gives_iterator("kept", ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=DONE)
    stream.gives_records("kept")
    stream.poll()
    stream.answers.add_client_error("get_records", gone)
    stream.gives_iterator("new", ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=DONE)
    stream.gives_records("new", NEXT, NEWER)

    stream.poll()

    assert (stream.read, stream.position) == ([NEXT, NEWER], NEWER)


def test_who_comes_back_after_its_place_was_trimmed_reads_from_the_oldest_record_there_is() -> None:
    stream = Stream(DONE)
    stream.answers.add_client_error("get_shard_iterator", TRIMMED)
    stream.gives_iterator("oldest", ShardIteratorType="TRIM_HORIZON")
    stream.gives_records("oldest", NEWER)

    stream.poll()

    assert (stream.read, stream.position) == ([NEWER], NEWER)
