"""Delivers webhooks from their queue: a failed try rests, longer each time, and the queue's redrive ends the tries."""

import time
from typing import Any, TypedDict

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions import startup
from functions.telling import webhook_client
from functions.telling.webhook_client import DeliveryError, Reach
from watchlist.deployment import functions as function_specs
from watchlist.metrics import Metric, publisher
from watchlist.notifications import webhooks
from watchlist.notifications.settings import StoredNotifications
from watchlist.notifications.webhook_delivery import WebhookDelivery, pause_after
from watchlist.watching import user_entries
from watchlist.watching.user_entries import UserEntryNotFoundError

function = startup.Function(function_specs.WEBHOOK_SENDER)
logger = function.logger
metrics = publisher()
sqs = function.part(lambda _: boto3.client("sqs", config=startup.CLIENT_CONFIG))
reach = function.part(Reach.of)


class Response(TypedDict):
    """The partial batch response: the messages that stay in the queue."""

    batchItemFailures: list[dict[str, str]]


@function.handler
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> Response:
    """Deliver each message of the batch."""
    del context
    failed = [record["messageId"] for record in event["Records"] if not _serve(record)]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _serve(record: dict[str, Any]) -> bool:
    delivery = WebhookDelivery.model_validate_json(record["body"])
    try:
        _deliver(delivery)
    except DeliveryError as error:
        logger.warning("webhook failed", user_watchlist_id=delivery.user_watchlist_id, reason=str(error))
        metrics.add_metric(Metric.WEBHOOK_FAILED, Metric.WEBHOOK_FAILED.unit, 1)
        pause = pause_after(int(record["attributes"]["ApproximateReceiveCount"]), function.settings.webhook_retry_base)
        sqs().change_message_visibility(
            QueueUrl=function.settings.webhook_queue_url,
            ReceiptHandle=record["receiptHandle"],
            VisibilityTimeout=round(pause.total_seconds()),
        )
        return False
    return True


def _deliver(delivery: WebhookDelivery) -> None:
    """Post the body to where the user wants it by now; nothing if the user wants no webhook any more.

    Raises:
        DeliveryError: the webhook did not take it.
    """
    try:
        chosen = StoredNotifications.of(user_entries.find(delivery.user_watchlist_id, None).notifications)
    except UserEntryNotFoundError:
        return
    if chosen.webhook_url is None or chosen.webhook_secret is None:
        return
    body = delivery.body.encode()
    headers = webhooks.signed_headers(chosen.webhook_secret, delivery.delivery_id, int(time.time()), body)
    url = webhooks.parse(chosen.webhook_url)
    webhook_client.post(url, headers, body, reach())
    metrics.add_metric(Metric.WEBHOOK_DELIVERED, Metric.WEBHOOK_DELIVERED.unit, 1)
