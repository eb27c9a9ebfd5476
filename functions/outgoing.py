"""The way of a function to the topic and the webhook queue."""

import boto3

from functions import startup
from watchlist.notifications.outbox import Outbox
from watchlist.settings import DeliverySettings


def outbox(settings: DeliverySettings) -> Outbox:
    """Return the ways out that the settings name."""
    return Outbox(
        boto3.client("sns", config=startup.CLIENT_CONFIG),
        settings.notification_topic_arn,
        boto3.client("sqs", config=startup.CLIENT_CONFIG),
        settings.webhook_queue_url,
    )
