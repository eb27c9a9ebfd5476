"""Delivers webhooks from their queue: a failed try rests, longer each time, and the queue's redrive ends the tries."""

import contextlib
import random
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypedDict

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions import startup
from functions.telling import webhook_client
from functions.telling.webhook_client import DeliveryError, Reach, WebhookGoneError
from watchlist import clock, limits
from watchlist.alerts import telling as alerting
from watchlist.alerts.occasions import WebhookGone
from watchlist.deployment import functions as function_specs
from watchlist.metrics import Metric, publisher
from watchlist.notifications import sending, webhook_queue, webhooks
from watchlist.notifications.digest_message import DigestMessage
from watchlist.notifications.formats import WebhookFormat, body_of, format_of
from watchlist.notifications.settings import StoredNotifications
from watchlist.notifications.webhook_delivery import (
    DeliveryOutcome,
    WebhookDelivery,
    outcome_of,
    pause_after,
    turn_after,
)
from watchlist.storage.records import UserEntry
from watchlist.text import shorten
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
    """Deliver a message in its turn; False if it is to be tried again.

    Where another delivery to the same user is under way, a copy that comes later takes the place of this one.
    """
    delivery = WebhookDelivery.model_validate_json(record["body"])
    receive_count = int(record["attributes"]["ApproximateReceiveCount"])
    if delivery.tries(receive_count) > limits.WEBHOOK_ATTEMPTS:
        _hide(record, timedelta(0))  # until SQS moves it, which counts the receives of this copy alone
        return False
    try:
        user_entry = user_entries.find(delivery.user_watchlist_id, None)
    except UserEntryNotFoundError:
        return True
    now, sender = clock.now(), f"{record['messageId']}-{receive_count}"
    if not sending.begin(user_entry.user, sender, now + function_specs.WEBHOOK_SENDER.timeout, now):
        copy = delivery.postponed_copy(receive_count)
        pause = turn_after(copy.postponed, random.random)
        webhook_queue.send(sqs(), function.settings.webhook_queue_url, copy, user_entry.user, pause)
        return True
    try:
        return _call(record, delivery, user_entry, delivery.tries(receive_count))
    finally:
        sending.end(user_entry.user, sender)


def _call(record: dict[str, Any], delivery: WebhookDelivery, user_entry: UserEntry, tries: int) -> bool:
    """Call the webhook, and note on the user's entry how that went; False if it is to be tried again."""
    chosen = StoredNotifications.of(user_entry.notifications)
    try:
        was_called = _deliver(delivery, chosen)
    except DeliveryError as error:
        logger.warning("webhook failed", user_watchlist_id=delivery.user_watchlist_id, reason=str(error))
        metrics.add(Metric.WEBHOOK_FAILED)
        if isinstance(error, WebhookGoneError) and _switch_off(user_entry, chosen, str(error)):
            return True
        _note(user_entry, outcome_of(tries, str(error)), str(error))
        pause = pause_after(tries, function.settings.webhook_retry_base, error.retry_after)
        _hide(record, pause)
        return False
    if was_called:
        _note(user_entry, outcome_of(tries, None), None)
    return True


def _hide(record: dict[str, Any], pause: timedelta) -> None:
    """Let the message come again after a pause."""
    sqs().change_message_visibility(
        QueueUrl=function.settings.webhook_queue_url,
        ReceiptHandle=record["receiptHandle"],
        VisibilityTimeout=round(pause.total_seconds()),
    )


def _deliver(delivery: WebhookDelivery, chosen: StoredNotifications) -> bool:
    """Post the body to where the user wants it by now; False if the user wants no webhook any more.

    Raises:
        DeliveryError: the webhook did not take it.
        WebhookGoneError: and never will.
    """
    if chosen.webhook_url is None or chosen.webhook_secret is None:
        return False
    webhook_format = format_of(chosen.webhook_url, chosen.webhook_format)
    body = body_of(webhook_format, DigestMessage.model_validate_json(delivery.body))
    headers: Mapping[str, str] = {}
    if webhook_format is WebhookFormat.STANDARD:
        headers = webhooks.signed_headers(chosen.webhook_secret, delivery.delivery_id, int(time.time()), body)
    webhook_client.post(webhooks.parse(chosen.webhook_url), headers, body, reach())
    metrics.add(Metric.WEBHOOK_DELIVERED)
    return True


def _switch_off(user_entry: UserEntry, chosen: StoredNotifications, error: str) -> bool:
    """Call the webhook no more, and let its owner know; False if the owner has changed the settings or left."""
    noted = _state(DeliveryOutcome.SWITCHED_OFF, error)
    if not user_entries.switch_webhook_off(user_entry, chosen.without_webhook().model_dump(mode="json"), noted):
        return False
    now = clock.now()
    host = webhooks.parse(chosen.webhook_url).host if chosen.webhook_url else ""
    alerting.tell_watcher(user_entry, WebhookGone(host=host, reason=error, at=now), now)
    return True


def _note(user_entry: UserEntry, outcome: DeliveryOutcome, error: str | None) -> None:
    """Note how a call went, for its owner; a user who has left meanwhile has no use for it."""
    with contextlib.suppress(UserEntryNotFoundError):
        user_entries.note_delivery(user_entry, _state(outcome, error))


def _state(outcome: DeliveryOutcome, error: str | None) -> dict[str, str | None]:
    return {"at": clock.to_json(clock.now()), "outcome": str(outcome), "error": error and shorten(error)}
