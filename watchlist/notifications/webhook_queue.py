"""Puts deliveries into the webhook queue, each as one of its user's."""

from datetime import timedelta
from typing import TYPE_CHECKING

from watchlist.notifications.webhook_delivery import WebhookDelivery
from watchlist.storage.records import user_hash

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


def send(
    sqs: "SQSClient", queue_url: str, delivery: WebhookDelivery, user: str, delay: timedelta = timedelta(0)
) -> None:
    """Queue a delivery to a webhook of `user`, to be seen after `delay`.

    SQS hands out other groups' messages first while one group, here one user, takes more than its share of the senders.
    Source: the Amazon SQS Developer Guide, "How Amazon SQS fair queues work".
    """
    sqs.send_message(
        QueueUrl=queue_url,
        MessageBody=delivery.model_dump_json(),
        MessageGroupId=user_hash(user),
        DelaySeconds=round(delay.total_seconds()),
    )
