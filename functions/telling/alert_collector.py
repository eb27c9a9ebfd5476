"""Reads the activity table's stream: a new alert waits for its user's next digest, if the user wants to be told.

The settings of a repository, where they were ever chosen, decide instead of the user's channels. Alerts that are new,
acknowledged or resolved are shown to the user's WebSocket connections.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions import startup, stream_batches
from functions.live import gateway as live_gateway
from functions.live.posting import Posting
from functions.live.user_delivery import UserDelivery, of_user
from functions.stream_batches import Step
from watchlist import clock
from watchlist.alerts import store as alert_store
from watchlist.alerts.store import AlertNotFoundError
from watchlist.deployment import functions as function_specs
from watchlist.health.verdict import Thresholds
from watchlist.jobs import protocol as job_protocol
from watchlist.live import connections as live_connections
from watchlist.metrics import Metric, publisher
from watchlist.notifications import channels, digests
from watchlist.notifications.settings import StoredNotifications
from watchlist.storage import stream_records
from watchlist.storage.records import AlertRecord, Digest, UserSubscription
from watchlist.storage.stream_records import ItemChange
from watchlist.watching import user_entries
from watchlist.watching.user_entries import UserEntryNotFoundError

function = startup.Function(function_specs.ALERT_COLLECTOR)
logger = function.logger
metrics = publisher()
delivery = function.part(
    lambda settings: UserDelivery(Posting(live_gateway.connect(settings), function.logger), Thresholds.of(settings))
)


@function.handler
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> stream_batches.Response:
    """Serve one batch of stream records."""
    del context
    changes = stream_records.changes_of(event, AlertRecord)
    steps = [Step(change.position, partial(_collect, change.after)) for change in changes if change.before is None]
    shown = [change for change in changes if _shows(change)]
    looking = live_connections.of_users(clock.now()) if shown else []
    steps += [Step(change.position, partial(_show, change.after, looking)) for change in shown]
    response = stream_batches.serve(steps, logger)
    complete = not response["batchItemFailures"]
    metrics.add(Metric.ALERT_COLLECTOR_RUN, int(complete))
    return response


def _collect(alert: AlertRecord) -> None:
    try:
        user_entry = user_entries.find(alert.user_watchlist_id, None)
        told = alert_store.find(alert.pk).told_at is not None
    except (UserEntryNotFoundError, AlertNotFoundError):
        return  # removed since
    if told:
        return
    interval, now = function.settings.digest_interval, clock.now()
    if user_entry.notifications is not None:
        if StoredNotifications.of(user_entry.notifications).wants_any:
            digests.collect(alert.user_watchlist_id, alert.pk, interval, now)
    elif any(channels.settings_of(channel).enabled for channel in channels.of_user(user_entry.user)):
        digests.collect(Digest.of_user(user_entry.user), alert.pk, interval, now, user=user_entry.user)


def _shows(change: ItemChange[AlertRecord]) -> bool:
    """Whether a person could tell the two apart: that an alert was told is not shown."""
    before, after = change.before, change.after
    return before is None or (before.acknowledged_at, before.resolved_at) != (after.acknowledged_at, after.resolved_at)


def _show(alert: AlertRecord, looking: Sequence[UserSubscription]) -> None:
    """Show an alert to its user's connections; whoever is not looking finds it in the list."""
    if of_user(alert.user_hash, looking):
        entry = job_protocol.find_entry(alert.watchlist_id)
        if entry is not None and not entry.is_removed:
            delivery().publish_alert(alert, entry, looking)
