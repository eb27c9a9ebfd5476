from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from tests.unit.jobs.job_examples import queued_entry
from watchlist.errors import ErrorCode, JobError
from watchlist.job_kinds import JobKind
from watchlist.jobs import protocol as job_protocol
from watchlist.jobs.queue import JobQueue, MessageGoneError

URLS = {kind: f"https://sqs.eu-central-1.amazonaws.com/1/{kind}" for kind in JobKind}
URL = URLS[JobKind.REPOSITORY_SETUP]
MESSAGE = job_protocol.message_of(queued_entry())

GONE = [
    ("ReceiptHandleIsInvalid", "The input receipt handle is invalid."),
    ("AWS.SimpleQueueService.MessageNotInflight", "The message referred to isn't in flight."),
    (
        "InvalidParameterValue",
        "Value AQEB for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available.",
    ),
]
UNAVAILABLE = [
    ("InternalError", "We encountered an internal error. Please try again."),
    ("ServiceUnavailable", "Service is temporarily unavailable."),
    ("RequestThrottled", "Request is throttled."),
    ("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."),
    ("AccessDenied", "Access to the resource is denied."),
]


@pytest.fixture
def client() -> Any:
    return boto3.client("sqs", region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")


@pytest.fixture
def sqs(client: Any) -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def queue(client: Any, sqs: Stubber) -> JobQueue:
    del sqs
    return JobQueue(client, URLS)


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [(timedelta(0), 0), (timedelta(milliseconds=1), 1), (timedelta(seconds=61.5), 62), (timedelta(hours=2), 900)],
    ids=str,
)
def test_a_job_is_sent_to_its_queue_and_never_received_too_early(
    queue: JobQueue, sqs: Stubber, delay: timedelta, seconds: int
) -> None:
    body = MESSAGE.model_dump_json()
    sqs.add_response(
        "send_message",
        {"MessageId": "id", "MD5OfMessageBody": ""},
        {"QueueUrl": URL, "MessageBody": body, "DelaySeconds": seconds},
    )

    assert queue.send(MESSAGE, delay) == "id"


@pytest.mark.parametrize(("code", "text"), GONE, ids=[code for code, _ in GONE])
@pytest.mark.parametrize("operation", ["change_message_visibility", "delete_message"])
def test_a_refused_receipt_means_that_the_message_is_somebody_elses(
    queue: JobQueue, sqs: Stubber, operation: str, code: str, text: str
) -> None:
    sqs.add_client_error(operation, code, text)

    with pytest.raises(MessageGoneError):
        change(queue, operation)


@pytest.mark.parametrize(("code", "text"), UNAVAILABLE, ids=[code for code, _ in UNAVAILABLE])
@pytest.mark.parametrize("operation", ["change_message_visibility", "delete_message", "send_message"])
def test_any_other_refusal_says_nothing_about_the_message(
    queue: JobQueue, sqs: Stubber, operation: str, code: str, text: str
) -> None:
    sqs.add_client_error(operation, code, text)

    with pytest.raises(JobError) as error:
        change(queue, operation)

    assert error.value.code is ErrorCode.QUEUE_UNAVAILABLE


def change(queue: JobQueue, operation: str) -> None:
    held = queue.held(JobKind.REPOSITORY_SETUP, "receipt")
    match operation:
        case "change_message_visibility":
            queue.hide(held, timedelta(seconds=1))
        case "delete_message":
            queue.delete(held)
        case "send_message":
            queue.send(MESSAGE)
