"""Tells, on a schedule, users of their alerts: hands each digest that is due to the SNS topic and to the webhook queue.

If it breaks off between handing on and noting so, the same digest is handed on again, with the same id.
"""

import contextlib
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions import outgoing, startup
from functions.telling import reports
from watchlist import clock
from watchlist.deployment import functions as function_specs
from watchlist.health.verdict import Thresholds, VerdictState, verdict_of
from watchlist.jobs import protocol as job_protocol
from watchlist.metrics import Metric, publisher
from watchlist.notifications import channels, digest_message, digests, messages
from watchlist.notifications.channels import ChannelNotFoundError, Told
from watchlist.notifications.digest_message import DigestMessage
from watchlist.notifications.message import Message
from watchlist.notifications.messages import ToldRepositoryAlert
from watchlist.notifications.settings import StoredNotifications
from watchlist.notifications.webhook_delivery import DeliveryOutcome, WebhookDelivery
from watchlist.storage.records import AlertRecord, Channel, Digest, Entry
from watchlist.watching import user_alerts, user_entries
from watchlist.watching.user_alerts import WatchedAlert
from watchlist.watching.user_entries import UserEntryNotFoundError

function = startup.Function(function_specs.DIGEST)
logger = function.logger
metrics = publisher()
outbox = function.part(outgoing.outbox)
thresholds = function.part(Thresholds.of)


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
            logger.exception("digest not sent", of=digest.of)
    for channel in channels.due_for_report(clock.now()):
        try:
            _report(channel)
        except Exception:
            logger.exception("report not sent", channel_id=channel.channel_id)
    metrics.add_some(Metric.DIGEST_SENT, sent)
    metrics.add(Metric.DIGEST_RUN)
    return {"sent": sent}


def _report(channel: Channel) -> None:
    """Hand a channel's weekly report on."""
    _hand_to(channel, reports.compose(channel, thresholds(), clock.now()))
    channels.note_report(channel, clock.now())


def _send(digest: Digest) -> bool:
    """Hand a digest on; whether there was anything to tell."""
    alerts = [alert for alert in digests.alerts_of(digest) if alert.told_at is None]
    has_news = _by_channels(digest, digest.user, alerts) if digest.user else _by_entry(digest, alerts)
    if has_news is None:
        digest.delete()
        return False
    digests.mark_told(alerts, clock.now())
    digests.close(digest, function.settings.digest_interval, clock.now())
    return has_news


def _by_entry(digest: Digest, alerts: list[AlertRecord]) -> bool | None:
    """Tell the alerts as the user entry's own settings say; None if the user has left."""
    try:
        user_entry = user_entries.find(digest.of, None)
    except UserEntryNotFoundError:
        return None
    entry = job_protocol.find_entry(user_entry.watchlist_id)
    chosen = StoredNotifications.of(user_entry.notifications)
    if not alerts or entry is None:
        return False
    message = digest_message.compose(
        digest_id=digests.id_of(digest),
        created_at=digest.due_at,
        user_watchlist_id=digest.of,
        watchlist_id=entry.watchlist_id,
        repository_url=entry.repository.url,
        alerts=alerts,
        verdict=_verdict(entry),
        is_full=digests.is_full(digest),
    )
    _hand_on(message, user_entry.user, chosen)
    return chosen.wants_any


def _hand_on(message: DigestMessage, user: str, chosen: StoredNotifications) -> None:
    if chosen.email:
        outbox().to_topic(message, user, about=("user_watchlist_id", message.user_watchlist_id))
    if chosen.webhook_url is not None:
        delivery = WebhookDelivery(
            user_watchlist_id=message.user_watchlist_id, delivery_id=message.id, body=message.model_dump_json()
        )
        outbox().to_webhook(delivery, user)


def _by_channels(digest: Digest, user: str, alerts: list[AlertRecord]) -> bool:
    """Tell each of the user's channels those alerts that its rules take."""
    told = [_told(watched) for watched in user_alerts.of_present_watches(alerts)]
    has_news = False
    for channel in channels.of_user(user):
        settings = channels.settings_of(channel)
        wanted = [alert for alert, seen in told if settings.takes(seen)]
        if wanted:
            _tell(channel, digest, wanted)
            has_news = True
    return has_news


def _tell(channel: Channel, digest: Digest, alerts: list[ToldRepositoryAlert]) -> None:
    message = messages.compose_user_digest(
        digests.id_of(digest), channel.channel_id, digest.due_at, alerts, is_full=digests.is_full(digest)
    )
    _hand_to(channel, message)


def _hand_to(channel: Channel, message: Message) -> None:
    if outbox().to_channel(channel, message):
        now = clock.now()
        noted = {"at": clock.to_json(now), "outcome": str(DeliveryOutcome.DELIVERED), "error": None}
        with contextlib.suppress(ChannelNotFoundError):
            channels.note_delivery(channel, noted, now)


def _told(watched: WatchedAlert) -> tuple[ToldRepositoryAlert, Told]:
    """Return what is told of an alert, and what rules see of it."""
    verdict = _verdict(watched.entry)
    alert = ToldRepositoryAlert.of_repository(watched.record, watched.entry, verdict)
    return alert, Told(alert.level, alert.kind, frozenset(watched.user_entry.labels or ()), verdict)


def _verdict(entry: Entry) -> VerdictState:
    return verdict_of(entry, thresholds(), clock.now()).state
