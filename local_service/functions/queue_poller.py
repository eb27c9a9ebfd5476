"""What Lambda's event source mapping is to a queue: it receives, calls the function, deletes what was not reported.

Semantics: Lambda guide, "Using Lambda with Amazon SQS", "Reporting batch item failures".
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_service.aws.embedded import REGION
from local_service.background_loop import BackgroundLoop
from local_service.functions.processes import FunctionError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import DeleteMessageBatchRequestEntryTypeDef, MessageTypeDef

_PAUSE_SECONDS = 0.2

_LOGGER = logging.getLogger(__name__)


class InvalidBatchResponseError(Exception):
    """The function's answer is no partial batch response; Lambda takes the whole batch as failed."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue.

    Attributes:
        batch_size: most messages that are received at once where it is polled.
    """

    url: str
    arn: str
    batch_size: int

    @property
    def name(self) -> str:
        """The last part of the ARN."""
        return self.arn.rpartition(":")[2]


def event_of(messages: "Iterable[MessageTypeDef]", queue_arn: str) -> dict[str, Any]:
    """Return the event that Lambda makes of received messages."""
    return {"Records": [_record_of(message, queue_arn) for message in messages]}


def _record_of(message: "MessageTypeDef", queue_arn: str) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes", {})),
        "messageAttributes": {
            name: {
                "stringValue": attribute.get("StringValue"),
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": attribute["DataType"],
            }
            for name, attribute in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": REGION,
    }


def failed_ids(response: Any, message_ids: Iterable[str]) -> frozenset[str]:  # noqa: ANN401 - a function can answer any JSON
    """Return which messages the function reports as failed; an empty answer reports none.

    Raises:
        InvalidBatchResponseError: the answer has another shape, or names no message or one that was not sent.
    """
    if not response:
        return frozenset()
    if not isinstance(response, Mapping):
        raise InvalidBatchResponseError("it is no object")
    failures = response.get("batchItemFailures") or []
    if not isinstance(failures, list):
        raise InvalidBatchResponseError("batchItemFailures is no list")
    identifiers = [failure.get("itemIdentifier") if isinstance(failure, Mapping) else None for failure in failures]
    unknown = set(identifiers) - set(message_ids)
    if unknown:
        raise InvalidBatchResponseError(f"no such message: {unknown}")
    return frozenset(str(identifier) for identifier in identifiers)


class QueuePoller(BackgroundLoop):
    """Polls one queue on a thread of its own; a context manager.

    `pause` and `resume` stop and restart the polling, `wake` says that there are, or soon will be, messages.
    """

    def __init__(
        self,
        sqs: "SQSClient",
        queue: Queue,
        invoke: Callable[[dict[str, Any]], Any],
        *,
        idle_seconds: float = _PAUSE_SECONDS,
    ) -> None:
        """Prepare a poller.

        Args:
            sqs: the client.
            queue: what it polls.
            invoke: calls the function with an event.
            idle_seconds: how long it lets an empty queue rest; short unless somebody wakes it.
        """
        self._sqs = sqs
        self._queue = queue
        self._invoke = invoke
        super().__init__(f"poller of {queue.name}", self.poll, seconds=idle_seconds, retry_seconds=_PAUSE_SECONDS)

    def poll(self) -> bool:
        """Receive one batch and have it served; return whether there was one."""
        messages = self._sqs.receive_message(
            QueueUrl=self._queue.url,
            MaxNumberOfMessages=self._queue.batch_size,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
            WaitTimeSeconds=0,
        ).get("Messages", [])
        if messages:
            self._serve(messages)
        return bool(messages)

    def _serve(self, messages: "list[MessageTypeDef]") -> None:
        receipts = {message["MessageId"]: message["ReceiptHandle"] for message in messages}
        try:
            failed = failed_ids(self._invoke(event_of(messages, self._queue.arn)), receipts)
        except (FunctionError, InvalidBatchResponseError):
            _LOGGER.exception("%s: the whole batch failed", self._queue.name)
            return
        served: list[DeleteMessageBatchRequestEntryTypeDef] = [
            {"Id": str(number), "ReceiptHandle": receipt}
            for number, (message_id, receipt) in enumerate(receipts.items())
            if message_id not in failed
        ]
        if served:
            deleted = self._sqs.delete_message_batch(QueueUrl=self._queue.url, Entries=served)
            for failed_one in deleted.get("Failed", []):
                reason = failed_one.get("Message", failed_one["Code"])
                _LOGGER.error("%s: a message that was served will be served again: %s", self._queue.name, reason)
