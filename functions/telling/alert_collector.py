"""Reads the activity table's stream: a new alert waits for its user's next digest, if the user wants to be told."""

from functools import partial
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions import startup, stream_batches
from functions.stream_batches import Step
from watchlist import clock
from watchlist.alerts import store as alert_store
from watchlist.alerts.store import AlertNotFoundError
from watchlist.deployment import functions as function_specs
from watchlist.metrics import Metric, publisher
from watchlist.notifications import digests
from watchlist.notifications.settings import StoredNotifications
from watchlist.storage import stream_records
from watchlist.storage.records import AlertRecord
from watchlist.watching import user_entries
from watchlist.watching.user_entries import UserEntryNotFoundError

function = startup.Function(function_specs.ALERT_COLLECTOR)
logger = function.logger
metrics = publisher()


@function.handler
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> stream_batches.Response:
    """Serve one batch of stream records."""
    del context
    new = [change for change in stream_records.changes_of(event, AlertRecord) if change.before is None]
    steps = [Step(change.position, partial(_collect, change.after)) for change in new]
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
    if not told and StoredNotifications.of(user_entry.notifications).wants_any:
        digests.collect(alert.user_watchlist_id, alert.pk, function.settings.digest_interval, clock.now())
