import socket
import threading
from typing import Any

import boto3
import pytest
from botocore import handlers
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ParamValidationError,
    ReadTimeoutError,
)
from botocore.httpsession import URLLib3Session

from local_service.aws import embedded as embedded_aws
from local_service.aws.embedded import EmbeddedAws
from local_service.aws.faults import Fault
from local_service.functions import short_calls
from local_service.provisioning import Environment
from tests.integration.local_service.conftest import client
from tests.integration.recording import METHOD
from watchlist.job_kinds import JobKind
from watchlist.storage import whole_answers
from watchlist.storage.whole_answers import BrokenAnswerError

TABLE = "watchlist"
ITEM: dict[str, Any] = {
    "pk": {"S": "repository"},
    "sk": {"S": "key"},
    "Bytes": {"B": b"\x00\xff"},
    "parts": {"M": {"B": {"B": b"B"}, "many": {"BS": [b"1", b"2"]}, "L": {"L": [{"NULL": True}, {"N": "1.5"}]}}},
    "name": {"S": "Zoë \U0001f426"},
}
KEY = {name: ITEM[name] for name in ("pk", "sk")}
NEW = {"ConditionExpression": "attribute_not_exists(pk)"}


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers, "BUILTIN_HANDLERS", [*handlers.BUILTIN_HANDLERS])
    monkeypatch.setattr(BaseClient, METHOD, getattr(BaseClient, METHOD))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # or what is demanded would go on being so
    short_calls.shorten_all()
    whole_answers.demand()


@pytest.fixture
def dynamodb(short: None, environment: object, aws: EmbeddedAws) -> Any:
    del short, environment
    return quick_client(aws.url)


def quick_client(url: str, tries: int = 1, read_timeout: float = 20) -> Any:
    """Return a client as PynamoDB makes it, of a session that knows the short way."""
    retries = Config(retries={"total_max_attempts": tries}, read_timeout=read_timeout, parameter_validation=False)
    arguments: Any = {**embedded_aws.client_arguments(url), "aws_access_key_id": "functions"}
    return boto3.Session().client("dynamodb", **arguments | {"config": retries})


def without_metadata(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def test_answers_are_those_that_botocore_gives(aws: EmbeddedAws, dynamodb: Any) -> None:
    ordinary = client(aws, "dynamodb")
    dynamodb.put_item(TableName=TABLE, Item=ITEM)

    calls: dict[str, dict[str, Any]] = {
        "get_item": {"TableName": TABLE, "Key": KEY, "ReturnConsumedCapacity": "TOTAL"},
        "query": {
            "TableName": TABLE,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": KEY["pk"]},
        },
        "batch_get_item": {"RequestItems": {TABLE: {"Keys": [KEY]}}},
    }
    for name, asked in calls.items():
        assert without_metadata(getattr(dynamodb, name)(**asked)) == without_metadata(getattr(ordinary, name)(**asked))
    assert dynamodb.get_item(TableName=TABLE, Key=KEY)["Item"] == ITEM


def test_what_succeeds_was_not_sent_by_botocore(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(URLLib3Session, "send", lambda *_: pytest.fail("botocore sent it"))

    assert dynamodb.put_item(TableName=TABLE, Item=ITEM)["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_client_that_checks_what_it_says_goes_on_checking(aws: EmbeddedAws, short: None) -> None:
    del short
    with pytest.raises(ParamValidationError):
        client(aws, "dynamodb").get_item(TableName=TABLE, Key=1)


def test_messages_are_sent_as_botocore_sends_them(
    aws: EmbeddedAws, short: None, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    del short
    sqs, url = client(aws, "sqs"), environment.queues[JobKind.REPOSITORY_SETUP].url
    monkeypatch.setattr(URLLib3Session, "send", lambda *_: pytest.fail("botocore sent it"))

    sent = sqs.send_message(QueueUrl=url, MessageBody="{}")

    (received,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert (received["MessageId"], received["Body"]) == (sent["MessageId"], "{}")


def test_a_refusal_of_a_queue_is_that_which_botocore_raises(aws: EmbeddedAws, short: None) -> None:
    del short
    sqs = client(aws, "sqs")
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.send_message(QueueUrl=f"{aws.url}/1/none", MessageBody="{}")


@pytest.mark.parametrize(
    ("operation", "asked"),
    [
        ("put_item", {"TableName": TABLE, "Item": ITEM, **NEW}),
        ("transact_write_items", {"TransactItems": [{"Put": {"TableName": TABLE, "Item": ITEM, **NEW}}]}),
        ("get_item", {"TableName": "none", "Key": KEY}),
        ("query", {"TableName": TABLE, "KeyConditionExpression": "pk"}),
    ],
)
def test_refusals_are_those_that_botocore_raises(
    aws: EmbeddedAws, dynamodb: Any, operation: str, asked: dict[str, Any]
) -> None:
    dynamodb.put_item(TableName=TABLE, Item=ITEM)
    raised = []
    for each in (dynamodb, client(aws, "dynamodb")):
        with pytest.raises(ClientError) as caught:
            getattr(each, operation)(**asked)
        raised.append((type(caught.value).__name__, caught.value.response["Error"], str(caught.value)))

    assert raised[0] == raised[1]
    assert dynamodb.get_item(TableName=TABLE, Key=KEY)["Item"] == ITEM


@pytest.mark.parametrize("harm", ["refuse", "close"])
def test_what_fails_once_is_tried_again_by_botocore(
    aws: EmbeddedAws, short: None, environment: object, harm: Any
) -> None:
    del short, environment
    aws.inject(Fault(operation="PutItem", harm=harm, times=1))

    answer = quick_client(aws.url, tries=2).put_item(TableName=TABLE, Item=ITEM)

    assert answer["ResponseMetadata"]["RetryAttempts"] == 1
    assert aws.faults_used() == (1,)


def test_a_try_counts_once(aws: EmbeddedAws, dynamodb: Any) -> None:
    aws.inject(Fault(operation="PutItem", harm="refuse"))

    with pytest.raises(dynamodb.exceptions.InternalServerError):
        dynamodb.put_item(TableName=TABLE, Item=ITEM)

    assert aws.faults_used() == (1,)


@pytest.mark.parametrize(
    ("harm", "error"), [("close", ConnectionClosedError), ("hang", ReadTimeoutError), ("cut", BrokenAnswerError)]
)
def test_a_connection_that_fails_is_botocores_error_and_the_next_call_has_another_one(
    aws: EmbeddedAws, short: None, environment: object, harm: Any, error: type[Exception]
) -> None:
    del short, environment
    dynamodb = quick_client(aws.url, read_timeout=1)
    aws.inject(Fault(operation="PutItem", harm=harm, seconds=30))
    with pytest.raises(error):
        dynamodb.put_item(TableName=TABLE, Item=ITEM)
    aws.inject()

    assert dynamodb.put_item(TableName=TABLE, Item=ITEM)["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}",
        b"HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 fine\r\nContent-Length: 2\r\n\r\n{}",
        b"\r\n\r\n",
    ],
)
def test_what_is_no_answer_is_botocores_error_and_the_next_call_has_another_connection(
    short: None, answer: bytes
) -> None:
    del short
    good = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for each in (answer, good):
                connection, _ = listening.accept()
                with connection:
                    connection.recv(65_536)
                    connection.sendall(each)
                    connection.recv(65_536)  # until it hangs up

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        dynamodb = quick_client(f"http://127.0.0.1:{listening.getsockname()[1]}", read_timeout=5)
        with pytest.raises(ConnectionClosedError):
            dynamodb.get_item(TableName=TABLE, Key=KEY)
        assert without_metadata(dynamodb.get_item(TableName=TABLE, Key=KEY)) == {}


def test_an_endpoint_where_nobody_listens_is_botocores_error(short: None) -> None:
    del short
    with pytest.raises(EndpointConnectionError):
        quick_client("http://127.0.0.1:9").get_item(TableName=TABLE, Key=KEY)
