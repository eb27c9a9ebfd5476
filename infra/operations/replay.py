"""Serves again what stream consumers gave up: `python -m infra.operations.replay <environment>`.

A message in the environment's queue of stream failures says where in a stream the records are, so SQS cannot send them
back. This reads the records from there, calls the function with them as Lambda would, and deletes the message once all
were served. What the stream has no longer (it keeps a day) stays in the queue and is reported: it cannot be served.
"""

import json
import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.environments import Environment, InvalidEnvironmentError, environments_named
from watchlist.deployment.stream_consumers import CONSUMERS, FAILURES, StreamConsumer

if TYPE_CHECKING:
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient
    from mypy_boto3_sqs import SQSClient

_HELD_SECONDS = 120
"""How long a message is kept from others meanwhile: longer than any of the functions runs."""

_PAGES = 100
"""Reads of a shard after which it is taken to have the records no longer."""

_GONE = frozenset({"TrimmedDataAccessException", "ResourceNotFoundException"})


class NotReplayedError(Exception):
    """The records of a message were not served; the text says why."""


@dataclass(frozen=True, slots=True)
class GivenUp:
    """What a consumer gave up (Lambda guide, "Capturing discarded batches": the message to an SQS destination)."""

    function: str
    stream_arn: str
    shard: str
    first: str
    last: str

    @classmethod
    def of(cls, body: str) -> "GivenUp":
        """Read the body of a message.

        Raises:
            NotReplayedError: it is no such message.
        """
        try:
            message = json.loads(body)
            batch = message["DDBStreamBatchInfo"]
            return cls(
                function=message["requestContext"]["functionArn"],
                stream_arn=batch["streamArn"],
                shard=batch["shardId"],
                first=batch["startSequenceNumber"],
                last=batch["endSequenceNumber"],
            )
        except (ValueError, TypeError, KeyError) as error:
            raise NotReplayedError(f"this is no message about a stream: {body[:200]}") from error


class Replay:
    """Replays the messages of one queue."""

    def __init__(
        self,
        sqs: "SQSClient",
        streams: "DynamoDBStreamsClient",
        functions: Any,  # noqa: ANN401 - Lambda's types are not installed for these two calls
    ) -> None:
        self._sqs = sqs
        self._streams = streams
        self._functions = functions

    def run(self, queue_name: str) -> Iterator[tuple[str, NotReplayedError | None]]:
        """Replay all that can be received; yield the id of each message, with the reason if it was not served."""
        url = self._sqs.get_queue_url(QueueName=queue_name)["QueueUrl"]
        while messages := self._sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=1, VisibilityTimeout=_HELD_SECONDS
        ).get("Messages", []):
            for message in messages:
                try:
                    self._serve(GivenUp.of(message["Body"]))
                except NotReplayedError as error:
                    yield message["MessageId"], error
                else:
                    self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                    yield message["MessageId"], None

    def _serve(self, given_up: GivenUp) -> None:
        region = given_up.stream_arn.split(":")[3]
        consumer = self._consumer(given_up)
        records = [
            _as_lambda_shows(record, given_up.stream_arn, region)
            for record in self._records(given_up)
            if consumer.wants(record)
        ]
        if not records:
            return
        answer = self._functions.invoke(
            FunctionName=given_up.function, Payload=json.dumps({"Records": records}, default=_base64).encode()
        )
        response = answer["Payload"].read().decode()
        if "FunctionError" in answer:
            raise NotReplayedError(f"{given_up.function} raised: {response[:500]}")
        if json.loads(response).get("batchItemFailures"):
            raise NotReplayedError(f"{given_up.function} did not serve all records; its log says why")

    def _consumer(self, given_up: GivenUp) -> StreamConsumer:
        """Return the consumer, by the filter with which the function reads the stream."""
        mappings = self._functions.list_event_source_mappings(
            FunctionName=given_up.function, EventSourceArn=given_up.stream_arn
        )["EventSourceMappings"]
        patterns = [json.loads(each["Pattern"]) for found in mappings for each in found["FilterCriteria"]["Filters"]]
        for consumer in CONSUMERS:
            if consumer.filter_pattern in patterns:
                return consumer
        raise NotReplayedError(f"{given_up.function} does not read {given_up.stream_arn}, or not as it should: deploy")

    def _records(self, given_up: GivenUp) -> Iterator[Mapping[str, Any]]:
        """Yield the records from the first to the last."""
        try:
            iterator: str | None = self._streams.get_shard_iterator(
                StreamArn=given_up.stream_arn,
                ShardId=given_up.shard,
                ShardIteratorType="AT_SEQUENCE_NUMBER",
                SequenceNumber=given_up.first,
            )["ShardIterator"]
            for _ in range(_PAGES):
                if iterator is None:
                    return
                page = self._streams.get_records(ShardIterator=iterator)
                for record in page["Records"]:
                    position = int(record["dynamodb"]["SequenceNumber"])
                    if position <= int(given_up.last):
                        yield record
                    if position >= int(given_up.last):
                        return
                iterator = page.get("NextShardIterator")
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                raise NotReplayedError(f"the stream has the records of {given_up.function} no longer") from error
            raise


def _as_lambda_shows(record: Mapping[str, Any], stream_arn: str, region: str) -> dict[str, Any]:
    change = dict(record["dynamodb"])
    change["ApproximateCreationDateTime"] = int(change["ApproximateCreationDateTime"].timestamp())
    return {
        "eventID": record["eventID"],
        "eventName": record["eventName"],
        "eventVersion": record["eventVersion"],
        "eventSource": "aws:dynamodb",
        "awsRegion": region,
        "dynamodb": change,
        "eventSourceARN": stream_arn,
    }


def _base64(value: object) -> str:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    raise TypeError(f"{type(value)} stands in no stream record")


def main(arguments: list[str]) -> int:
    """Run the command; return the exit code: 1 if something was not served."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m infra.operations.replay <environment>\n")
        return 2
    try:
        (environment,) = environments_named(arguments[0])
        return 1 if _replay(environment) else 0
    except (BotoCoreError, ClientError, InvalidEnvironmentError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _replay(environment: Environment) -> int:
    """Replay and tell of it; return how many messages were not served."""
    replay = Replay(boto3.client("sqs"), boto3.client("dynamodbstreams"), boto3.client("lambda"))
    served = failed = 0
    for message_id, reason in replay.run(f"{environment.service}-{FAILURES}"):
        if reason is None:
            served += 1
        else:
            failed += 1
            sys.stdout.write(f"{message_id}: {reason}\n")
    sys.stdout.write(f"{served} served, {failed} left in the queue\n")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
