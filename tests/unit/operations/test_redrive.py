import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from infra.operations import redrive

QUEUE = "repository-watchlist-prod-repository-setup"
URL = f"https://sqs.eu-central-1.amazonaws.com/123456789012/{QUEUE}"
DEAD_LETTERS = f"arn:aws:sqs:eu-central-1:123456789012:{QUEUE}-dead-letters"
ASKED = {"QueueUrl": URL, "AttributeNames": ["RedrivePolicy"]}


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    client: Any = boto3.client("sqs", region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
    monkeypatch.setattr(boto3, "client", lambda _: client)
    with Stubber(client) as stubber:
        stubber.add_response("get_queue_url", {"QueueUrl": URL}, {"QueueName": QUEUE})
        yield stubber
        stubber.assert_no_pending_responses()


def has_dead_letter_queue(sqs: Stubber) -> None:
    policy = json.dumps({"deadLetterTargetArn": DEAD_LETTERS, "maxReceiveCount": 3})
    sqs.add_response("get_queue_attributes", {"Attributes": {"RedrivePolicy": policy}}, ASKED)


def test_the_whole_dead_letter_queue_is_sent_back(sqs: Stubber, capsys: pytest.CaptureFixture[str]) -> None:
    has_dead_letter_queue(sqs)
    sqs.add_response("start_message_move_task", {"TaskHandle": "handle"}, {"SourceArn": DEAD_LETTERS})

    assert redrive.main([QUEUE]) == 0

    assert DEAD_LETTERS in capsys.readouterr().out


def test_a_queue_without_a_dead_letter_queue_is_named(sqs: Stubber, capsys: pytest.CaptureFixture[str]) -> None:
    sqs.add_response("get_queue_attributes", {}, ASKED)

    assert redrive.main([QUEUE]) == 1

    assert f"{QUEUE} has no dead-letter queue" in capsys.readouterr().err


def test_a_move_that_is_under_way_already_is_told(sqs: Stubber, capsys: pytest.CaptureFixture[str]) -> None:
    has_dead_letter_queue(sqs)
    sqs.add_client_error(
        "start_message_move_task",
        "AWS.SimpleQueueService.UnsupportedOperation",
        "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
    )

    assert redrive.main([QUEUE]) == 1

    assert "already a task running" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["one", "two"]])
def test_the_command_takes_one_queue(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert redrive.main(arguments) == 2

    assert "usage" in capsys.readouterr().err
