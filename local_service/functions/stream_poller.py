"""What Lambda's event source mapping is to a DynamoDB stream: it reads on, filters and calls the function.

Semantics: Lambda guide, "Using AWS Lambda with Amazon DynamoDB", for a mapping with `ReportBatchItemFailures`,
`BisectBatchOnFunctionError`, `TRIM_HORIZON` and a limit of retries (none of age). Records stay in order: what fails
holds up what follows until it is served or given up. moto's streams have one shard for ever, so no shard is followed to
its children.
"""

import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from local_service.aws.embedded import REGION
from local_service.background_loop import BackgroundLoop
from local_service.functions.processes import FunctionError
from local_service.functions.queue_poller import InvalidBatchResponseError, failed_ids
from watchlist.deployment.stream_consumers import StreamConsumer

if TYPE_CHECKING:
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient
    from mypy_boto3_dynamodbstreams.type_defs import GetRecordsOutputTypeDef, RecordTypeDef

_PAUSE_SECONDS = 0.1
"""Lambda polls a shard four times a second."""

_GATHER_SECONDS = 0.2
"""How long records that are told of wait for others: each read, and each call, costs as much for one as for many."""

KeepPosition = Callable[[str | None], str | None]
"""Remembers the sequence number of the last record that is done with, if any, and returns what is remembered."""

_LOGGER = logging.getLogger(__name__)


def event_of(records: "Sequence[RecordTypeDef]", stream_arn: str) -> dict[str, Any]:
    """Return the event that Lambda makes of stream records: as they are, but for the time, which is in seconds."""
    return {"Records": [_record_of(record, stream_arn) for record in records]}


def _record_of(record: "RecordTypeDef", stream_arn: str) -> dict[str, Any]:
    change: dict[str, Any] = dict(record["dynamodb"])
    change["ApproximateCreationDateTime"] = int(change["ApproximateCreationDateTime"].timestamp())
    return {
        "eventID": record["eventID"],
        "eventName": record["eventName"],
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": change,
        "eventSourceARN": stream_arn,
    }


class StreamPoller(BackgroundLoop):
    """Reads one stream for one consumer on a thread of its own; a context manager.

    `pause` and `resume` stop and restart the reading, `wake` says that there are records.
    """

    def __init__(  # noqa: PLR0913 - all of them are what the poller is made of
        self,
        streams: "DynamoDBStreamsClient",
        stream_arn: str,
        consumer: StreamConsumer,
        invoke: Callable[[dict[str, Any]], Any],
        *,
        keep_position: KeepPosition | None = None,
        idle_seconds: float = _PAUSE_SECONDS,
    ) -> None:
        """Prepare a poller.

        Args:
            streams: the client.
            stream_arn: what it reads.
            consumer: for whom.
            invoke: calls the consumer's function with an event.
            keep_position: remembers how far it has read; without one it begins at the oldest record.
            idle_seconds: how long it lets a stream without records rest; short unless somebody wakes it.
        """
        self._streams = streams
        self._stream_arn = stream_arn
        self._consumer = consumer
        self._invoke = invoke
        self._shard = streams.describe_stream(StreamArn=stream_arn)["StreamDescription"]["Shards"][0]["ShardId"]
        self._keep_position = keep_position
        self._checkpoint = None if keep_position is None else keep_position(None)
        self._iterator: str | None = None
        self._batch_size = consumer.batch_size
        self._retried = 0
        super().__init__(
            f"stream of {consumer.function.name}",
            self.poll,
            seconds=idle_seconds,
            retry_seconds=_PAUSE_SECONDS,
            gather_seconds=_GATHER_SECONDS,
        )

    def from_the_beginning(self) -> "StreamPoller":
        """Return a poller of the same stream, not started, that has read nothing yet."""
        return StreamPoller(self._streams, self._stream_arn, self._consumer, self._invoke)

    def poll(self) -> bool:
        """Read one batch and have it served; return whether there may be more to do at once."""
        asked = self._batch_size
        records = self._read()
        wanted = [record for record in records if self._consumer.wants(record)]
        served = self._serve(wanted) if wanted else 0
        if wanted and not served:
            self._iterator = None
            self._fail(wanted)
            self.wake(_PAUSE_SECONDS * 2**self._retried)  # the retries of a record outlast a full disk
            return False
        if served < len(wanted):
            self._advance(wanted[served - 1])
            self._iterator = None
            return True
        if records:
            self._advance(records[-1])
        return len(records) == asked

    def _read(self) -> "list[RecordTypeDef]":
        """Read on; an iterator is kept until what it returned has to be read again, or it is of no use any more."""
        kept, self._iterator = self._iterator, None
        errors = self._streams.exceptions
        try:
            answer = self._records_from(kept or self._new_iterator())
        except (errors.ExpiredIteratorException, errors.TrimmedDataAccessException):
            answer = self._records_from(self._new_iterator())
        self._iterator = answer.get("NextShardIterator")
        return answer["Records"]

    def _records_from(self, iterator: str) -> "GetRecordsOutputTypeDef":
        return self._streams.get_records(ShardIterator=iterator, Limit=self._batch_size)

    def _new_iterator(self) -> str:
        """Return one behind the last record that is done with, or where that is trimmed, before the oldest there is."""
        if self._checkpoint is not None:
            with contextlib.suppress(self._streams.exceptions.TrimmedDataAccessException):
                return self._iterator_at(
                    {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": self._checkpoint}
                )
        return self._iterator_at({"ShardIteratorType": "TRIM_HORIZON"})

    def _iterator_at(self, position: Mapping[str, Any]) -> str:
        answer = self._streams.get_shard_iterator(StreamArn=self._stream_arn, ShardId=self._shard, **position)
        return answer["ShardIterator"]

    def _serve(self, records: "Sequence[RecordTypeDef]") -> int:
        """Call the function; return how many records, from the first on, are served."""
        positions = [_position(record) for record in records]
        try:
            failed = failed_ids(self._invoke(event_of(records, self._stream_arn)), positions)
        except (FunctionError, InvalidBatchResponseError):
            _LOGGER.exception("%s: the whole batch failed", self._consumer.function.name)
            return 0
        return min((positions.index(each) for each in failed), default=len(records))

    def _advance(self, record: "RecordTypeDef") -> None:
        self._checkpoint = _position(record)
        if self._keep_position is not None:
            self._keep_position(self._checkpoint)
        self._batch_size = self._consumer.batch_size
        self._retried = 0

    def _fail(self, records: "Sequence[RecordTypeDef]") -> None:
        """Try half of the batch next; give up a single record that has been retried enough."""
        if len(records) > 1:
            self._batch_size = max(1, self._batch_size // 2)
        elif self._retried < self._consumer.retries:
            self._retried += 1
        else:
            _LOGGER.error("%s: gave up record %s", self._consumer.function.name, _position(records[0]))
            self._advance(records[0])


def _position(record: "RecordTypeDef") -> str:
    return record["dynamodb"]["SequenceNumber"]
