"""Delivers webhooks from their queue: a failed try rests, longer each time, and the queue's redrive ends the tries.

Where a webhook fails for good, its owner is told in those channels that work.
"""

import hashlib
import random
import time
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any, TypedDict

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions import outgoing, startup
from functions.telling import webhook_client, webhook_targets
from functions.telling.webhook_client import DeliveryError, Reach, WebhookGoneError
from functions.telling.webhook_targets import Target, Webhook
from watchlist import clock, limits
from watchlist.deployment import functions as function_specs
from watchlist.metrics import Metric, publisher
from watchlist.notifications import channels, formats, messages, sending, webhooks
from watchlist.notifications.formats import WebhookFormat
from watchlist.notifications.messages import ChannelFailedMessage
from watchlist.notifications.webhook_delivery import (
    DeliveryOutcome,
    WebhookDelivery,
    outcome_of,
    pause_after,
    turn_after,
)

function = startup.Function(function_specs.WEBHOOK_SENDER)
logger = function.logger
metrics = publisher()
sqs = function.part(lambda _: boto3.client("sqs", config=startup.CLIENT_CONFIG))
outbox = function.part(outgoing.outbox)
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
    """Deliver a message in its turn; False if it is to be tried again.

    Where another delivery to the same user is under way, a copy that comes later takes the place of this one.
    """
    delivery = WebhookDelivery.model_validate_json(record["body"])
    receive_count = int(record["attributes"]["ApproximateReceiveCount"])
    if delivery.tries(receive_count) > limits.WEBHOOK_ATTEMPTS:
        _hide(record, timedelta(0))  # until SQS moves it, which counts the receives of this copy alone
        return False
    target = webhook_targets.target_of(delivery)
    webhook = target.webhook if target else None
    if target is None or webhook is None:
        return True  # nobody wants it any more
    now, sender = clock.now(), f"{record['messageId']}-{receive_count}"
    if not sending.begin(target.user, sender, now + function_specs.WEBHOOK_SENDER.timeout, now):
        copy = delivery.postponed_copy(receive_count)
        outbox().to_webhook(copy, target.user, turn_after(copy.postponed, random.random))
        return True
    try:
        return _call(record, delivery, target, webhook)
    finally:
        sending.end(target.user, sender)


def _call(record: dict[str, Any], delivery: WebhookDelivery, target: Target, webhook: Webhook) -> bool:
    """Call the webhook, and note for its owner how that went; False if it is to be tried again."""
    tries = delivery.tries(int(record["attributes"]["ApproximateReceiveCount"]))
    try:
        _deliver(delivery, webhook)
    except DeliveryError as error:
        logger.warning("webhook failed", delivery_id=delivery.delivery_id, reason=str(error))
        metrics.add(Metric.WEBHOOK_FAILED)
        if isinstance(error, WebhookGoneError) and target.switch_off(str(error)):
            _tell_owner(target, delivery, str(error), switched_off=True)
            return True
        if target.note(outcome_of(tries, str(error)), str(error)):
            _tell_owner(target, delivery, str(error), switched_off=False)
        pause = pause_after(tries, function.settings.webhook_retry_base, error.retry_after)
        _hide(record, pause)
        return False
    target.note(DeliveryOutcome.DELIVERED, None)
    return True


def _hide(record: dict[str, Any], pause: timedelta) -> None:
    """Let the message come again after a pause."""
    sqs().change_message_visibility(
        QueueUrl=function.settings.webhook_queue_url,
        ReceiptHandle=record["receiptHandle"],
        VisibilityTimeout=round(pause.total_seconds()),
    )


def _deliver(delivery: WebhookDelivery, webhook: Webhook) -> None:
    """Post the body to where the user wants it by now.

    Raises:
        DeliveryError: the webhook did not take it.
        WebhookGoneError: and never will.
    """
    body = formats.body_of(webhook.format, messages.read(delivery.body))
    headers: Mapping[str, str] = {}
    if webhook.format is WebhookFormat.STANDARD:
        headers = webhooks.signed_headers(webhook.secret, delivery.delivery_id, int(time.time()), body)
    says_gone = partial(formats.says_gone, webhook.format)
    webhook_client.post(webhooks.parse(webhook.url), headers, body, reach(), says_gone)
    metrics.add(Metric.WEBHOOK_DELIVERED)


def _tell_owner(target: Target, delivery: WebhookDelivery, error: str, *, switched_off: bool) -> None:
    """Tell the owner in the channels that work. What tells of a failed channel is not told of itself."""
    told = hashlib.sha256(f"{delivery.delivery_id}\n{target.name}".encode()).hexdigest()[:32]
    message = ChannelFailedMessage(
        id=f"failed_{told}", created_at=clock.now(), name=target.name, error=error, switched_off=switched_off
    )
    for channel in channels.that_work(channels.of_user(target.user), but={target.channel_id or ""}):
        outbox().to_channel(channel, message)
