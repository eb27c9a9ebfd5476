from typing import TYPE_CHECKING, Any

import pytest

from local_service.functions.queue_poller import InvalidBatchResponseError, event_of, failed_ids

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

ARN = "arn:aws:sqs:us-east-1:123456789012:repository-setup"


def test_an_event_has_the_shape_that_lambda_gives_it() -> None:
    message: MessageTypeDef = {
        "MessageId": "id-1",
        "ReceiptHandle": "handle-1",
        "MD5OfBody": "5d41",
        "Body": "hello",
        "Attributes": {"ApproximateReceiveCount": "2", "SentTimestamp": "1523232000000"},
        "MessageAttributes": {"kind": {"DataType": "String", "StringValue": "x"}},
    }

    assert event_of([message], ARN) == {
        "Records": [
            {
                "messageId": "id-1",
                "receiptHandle": "handle-1",
                "body": "hello",
                "attributes": {"ApproximateReceiveCount": "2", "SentTimestamp": "1523232000000"},
                "messageAttributes": {
                    "kind": {"stringValue": "x", "stringListValues": [], "binaryListValues": [], "dataType": "String"}
                },
                "md5OfBody": "5d41",
                "eventSource": "aws:sqs",
                "eventSourceARN": ARN,
                "awsRegion": "us-east-1",
            }
        ]
    }


@pytest.mark.parametrize("response", [None, {}, {"batchItemFailures": None}, {"batchItemFailures": []}])
def test_an_empty_answer_reports_no_failure(response: Any) -> None:
    assert failed_ids(response, ["a", "b"]) == frozenset()


def test_named_messages_are_reported() -> None:
    assert failed_ids({"batchItemFailures": [{"itemIdentifier": "b"}]}, ["a", "b"]) == {"b"}


@pytest.mark.parametrize(
    "response",
    [
        "text",
        ["a"],
        {"batchItemFailures": "a"},
        {"batchItemFailures": ["a"]},
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"identifier": "a"}]},
        {"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "not sent"}]},
    ],
)
def test_any_other_answer_is_refused(response: Any) -> None:
    with pytest.raises(InvalidBatchResponseError):
        failed_ids(response, ["a", "b"])
