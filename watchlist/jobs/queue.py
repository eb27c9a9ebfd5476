"""The job queues in SQS: send a job, put a copy in its place, hand a message back, take it out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from watchlist import limits
from watchlist.errors import ErrorCode, JobError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

    from watchlist.job_kinds import JobKind
    from watchlist.jobs.message import JobMessage

BATCH = 10
"""Messages of one SendMessageBatch call: the most that SQS takes."""

_NOT_ACCEPTED = "The queue did not accept the job."

_GONE = frozenset(
    {
        "AWS.SimpleQueueService.MessageNotInflight",
        "InvalidParameterValue",
        "MessageNotInflight",
        "ReceiptHandleIsInvalid",
    }
)
"""What SQS answers when a message is no longer held by the receipt handle."""


class MessageGoneError(Exception):
    """SQS refuses the receipt handle: the message is deleted, moved, or somebody else's now."""


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """A received message, by the queue that it is in and the handle of its last receive."""

    queue_url: str
    receipt_handle: str


class JobQueue:
    """The queues of all kinds of jobs."""

    def __init__(self, sqs: "SQSClient", queue_urls: "Mapping[JobKind, str]") -> None:
        self._sqs = sqs
        self._queue_urls = queue_urls

    def url_of(self, kind: "JobKind") -> str:
        """Return the URL of the kind's queue."""
        return self._queue_urls[kind]

    def held(self, kind: "JobKind", receipt_handle: str) -> HeldMessage:
        """Return a received message of `kind`."""
        return HeldMessage(self._queue_urls[kind], receipt_handle)

    def send(self, message: "JobMessage", delay: timedelta = timedelta(0)) -> str:
        """Send `message`, to be received after `delay`, and return SQS's id of it.

        Raises:
            JobError: `queue_unavailable`.
        """
        try:
            response = self._sqs.send_message(
                QueueUrl=self._queue_urls[message.kind],
                MessageBody=message.model_dump_json(),
                DelaySeconds=ceil(min(delay, limits.MAX_DELAY).total_seconds()),
            )
        except (BotoCoreError, ClientError) as error:
            raise JobError(ErrorCode.QUEUE_UNAVAILABLE, _NOT_ACCEPTED) from error
        return response["MessageId"]

    def send_batch(self, messages: "Mapping[int, JobMessage]") -> dict[int, JobError]:
        """Send messages in as few calls as SQS allows; return the errors of those not accepted, by their key."""
        failed: dict[int, JobError] = {}
        for kind, queue_url in self._queue_urls.items():
            keys = [key for key, message in messages.items() if message.kind is kind]
            for start in range(0, len(keys), BATCH):
                some = keys[start : start + BATCH]
                refused = self._send_some(queue_url, {key: messages[key] for key in some})
                failed |= {key: JobError(ErrorCode.QUEUE_UNAVAILABLE, _NOT_ACCEPTED) for key in refused}
        return failed

    def _send_some(self, queue_url: str, messages: "Mapping[int, JobMessage]") -> list[int]:
        """Send at most ten messages in one call; return the keys of those that were not accepted."""
        try:
            response = self._sqs.send_message_batch(
                QueueUrl=queue_url,
                Entries=[
                    {"Id": str(key), "MessageBody": message.model_dump_json()} for key, message in messages.items()
                ],
            )
        except (BotoCoreError, ClientError):
            return list(messages)
        return [int(failure["Id"]) for failure in response.get("Failed", [])]

    def hide(self, held: HeldMessage, duration: timedelta) -> None:
        """Let nobody receive the message for `duration` from now; zero hands it back at once.

        Raises:
            MessageGoneError: the handle is no longer good.
            JobError: `queue_unavailable`.
        """
        try:
            self._sqs.change_message_visibility(
                QueueUrl=held.queue_url,
                ReceiptHandle=held.receipt_handle,
                VisibilityTimeout=ceil(duration.total_seconds()),
            )
        except (BotoCoreError, ClientError) as error:
            raise _explain(error) from error

    def delete(self, held: HeldMessage) -> None:
        """Take the message out of its queue.

        Raises:
            MessageGoneError: the handle is no longer good.
            JobError: `queue_unavailable`.
        """
        try:
            self._sqs.delete_message(QueueUrl=held.queue_url, ReceiptHandle=held.receipt_handle)
        except (BotoCoreError, ClientError) as error:
            raise _explain(error) from error


def _explain(error: BotoCoreError | ClientError) -> MessageGoneError | JobError:
    if isinstance(error, ClientError) and error.response["Error"]["Code"] in _GONE:
        return MessageGoneError(str(error))
    return JobError(ErrorCode.QUEUE_UNAVAILABLE, "The queue did not answer.")
