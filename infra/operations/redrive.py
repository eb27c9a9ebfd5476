"""Sends a whole dead-letter queue back to its queue: `python -m infra.operations.redrive <queue name>`.

A job that is still its entry's current one then starts anew with all its attempts; the others are dropped. SQS moves
the messages by itself; one such task runs at a time for each queue.
"""

import json
import sys
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class NoDeadLetterQueueError(Exception):
    """The queue has no dead-letter queue; perhaps it is one itself."""


def redrive(sqs: "SQSClient", queue_name: str) -> str:
    """Start moving every message of the queue's dead-letter queue back, and return that queue's ARN.

    Raises:
        NoDeadLetterQueueError: the queue has none.
        ClientError: there is no such queue, a move is under way already, or SQS refuses.
    """
    url = sqs.get_queue_url(QueueName=queue_name)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"]).get("Attributes", {})
    if "RedrivePolicy" not in attributes:
        raise NoDeadLetterQueueError(queue_name)
    source: str = json.loads(attributes["RedrivePolicy"])["deadLetterTargetArn"]
    sqs.start_message_move_task(SourceArn=source)
    return source


def main(arguments: list[str]) -> int:
    """Run the command; return the exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m infra.operations.redrive <queue name>\n")
        return 2
    try:
        source = redrive(boto3.client("sqs"), arguments[0])
    except NoDeadLetterQueueError:
        sys.stderr.write(f"{arguments[0]} has no dead-letter queue: name the job queue itself\n")
        return 1
    except (BotoCoreError, ClientError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(
        f"SQS moves the messages of {source} back; `aws sqs list-message-move-tasks` shows how far it is.\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
