"""Where ElasticMQ is known to differ from SQS: a test that fails here says that a correction can go."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest

from local_service.aws.embedded import REGION
from tests.second_opinion.implementations import elasticmq

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@pytest.fixture(scope="module")
def sqs(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[SQSClient]":
    with elasticmq(tmp_path_factory.mktemp("elasticmq") / "log") as url:
        yield boto3.client(
            "sqs", endpoint_url=url, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="local"
        )


def test_it_refuses_to_delete_a_message_twice(sqs: "SQSClient") -> None:
    queue = sqs.create_queue(QueueName="twice")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="once")
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])

    with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def test_it_loses_dead_letters_when_their_queue_was_made_anew(sqs: "SQSClient") -> None:
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    queue = sqs.create_queue(QueueName="alive", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    sqs.delete_queue(QueueUrl=dead)
    sqs.create_queue(QueueName="dead")
    sqs.send_message(QueueUrl=queue, MessageBody="lost")
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)

    assert not sqs.receive_message(QueueUrl=queue).get("Messages")
    assert not sqs.receive_message(QueueUrl=dead).get("Messages")
