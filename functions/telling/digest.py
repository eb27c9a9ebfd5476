"""Tells, on a schedule, users of their alerts: hands each digest that is due to the SNS topic and to the webhook queue.

If it breaks off between handing on and noting so, the same digest is handed on again, with the same id.
"""

from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions import startup
from watchlist import clock
from watchlist.deployment import functions as function_specs
from watchlist.jobs import protocol as job_protocol
from watchlist.metrics import Metric, publisher
from watchlist.notifications import digest_message, digests, webhook_queue
from watchlist.notifications.digest_message import DigestMessage
from watchlist.notifications.settings import StoredNotifications
from watchlist.notifications.webhook_delivery import WebhookDelivery
from watchlist.storage.records import Digest
from watchlist.watching import user_entries
from watchlist.watching.user_entries import UserEntryNotFoundError

function = startup.Function(function_specs.DIGEST)
logger = function.logger
metrics = publisher()
sns = function.part(lambda _: boto3.client("sns", config=startup.CLIENT_CONFIG))
sqs = function.part(lambda _: boto3.client("sqs", config=startup.CLIENT_CONFIG))


@function.handler
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Send the digests that are due; one that fails is due again in the next run and holds up no other."""
    del event, context
    sent = 0
    for digest in digests.due(clock.now()):
        try:
            sent += _send(digest)
        except Exception:
            logger.exception("digest not sent", user_watchlist_id=digest.user_watchlist_id)
    metrics.add_some(Metric.DIGEST_SENT, sent)
    metrics.add(Metric.DIGEST_RUN)
    return {"sent": sent}


def _send(digest: Digest) -> bool:
    """Hand a digest on; whether there was anything to tell."""
    try:
        user_entry = user_entries.find(digest.user_watchlist_id, None)
    except UserEntryNotFoundError:
        digest.delete()
        return False
    entry = job_protocol.find_entry(user_entry.watchlist_id)
    alerts = [alert for alert in digests.alerts_of(digest) if alert.told_at is None]
    chosen = StoredNotifications.of(user_entry.notifications)
    has_news = bool(alerts) and entry is not None and chosen.wants_any
    if alerts and entry is not None:
        message = digest_message.compose(
            digest_id=digests.id_of(digest),
            created_at=digest.due_at,
            user_watchlist_id=digest.user_watchlist_id,
            watchlist_id=entry.watchlist_id,
            repository_url=entry.repository.url,
            alerts=alerts,
        )
        _hand_on(message, user_entry.user, chosen)
    digests.mark_told(alerts, clock.now())
    digests.close(digest, function.settings.digest_interval, clock.now())
    return has_news


def _hand_on(message: DigestMessage, user: str, chosen: StoredNotifications) -> None:
    if chosen.email:
        attributes = {"user": user, "user_watchlist_id": message.user_watchlist_id}
        sns().publish(
            TopicArn=function.settings.notification_topic_arn,
            Subject=message.subject,
            Message=message.text,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        )
    if chosen.webhook_url is not None:
        delivery = WebhookDelivery(
            user_watchlist_id=message.user_watchlist_id, delivery_id=message.id, body=message.model_dump_json()
        )
        webhook_queue.send(sqs(), function.settings.webhook_queue_url, delivery, user)
