"""Reads the watchlist table's stream and posts what it sees of entries to the WebSocket connections that watch them.

Each visible change goes to all connections of its entry and to those of its watchers that show all of a user's; the
current state goes to a connection of an entry that is new.
No writer knows of it. Delivery is at least once: a state can be posted twice, and for a moment an older one after a
newer; the last one is right.
"""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions import startup, stream_batches
from functions.live import delivery as live_delivery
from functions.live import gateway as live_gateway
from functions.live.delivery import Delivery
from functions.live.posting import Outcome, Posting
from functions.live.user_delivery import UserDelivery
from functions.stream_batches import Step
from watchlist import clock
from watchlist.deployment import functions as function_specs
from watchlist.health.verdict import Thresholds
from watchlist.jobs import protocol as job_protocol
from watchlist.live import changes as live_changes
from watchlist.live import connections as live_connections
from watchlist.metrics import Metric, publisher
from watchlist.storage import stream_records
from watchlist.storage.records import Entry, Subscription, UserSubscription

function = startup.Function(function_specs.LIVE_PUBLISHER)
logger = function.logger
metrics = publisher()
posting = function.part(lambda settings: Posting(live_gateway.connect(settings), function.logger))
delivery = function.part(lambda settings: Delivery(posting(), Thresholds.of(settings)))
user_delivery = function.part(lambda settings: UserDelivery(posting(), Thresholds.of(settings)))


@function.handler
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> stream_batches.Response:
    """Serve one batch of stream records: first the changes, in order, then those who are new, all together."""
    del context
    outcomes: Counter[Outcome] = Counter()
    changes = live_changes.worth_showing(stream_records.changes_of(event, Entry), delivery().shows_change)
    looking = live_connections.of_users(clock.now()) if changes else []
    steps = [Step(change.position, partial(_publish, change.after, looking, outcomes)) for change in changes]
    subscribed = [change for change in stream_records.changes_of(event, Subscription) if change.before is None]
    if subscribed:
        new = [change.after for change in subscribed]
        steps.append(Step(subscribed[0].position, lambda: outcomes.update(delivery().greet(new))))
    users = [change for change in stream_records.changes_of(event, UserSubscription) if change.before is None]
    if users:
        opened = [change.after for change in users]
        steps.append(Step(users[0].position, lambda: outcomes.update(user_delivery().greet(opened))))
    response = stream_batches.serve(steps, logger)
    _measure(outcomes, complete=not response["batchItemFailures"])
    return response


def _publish(entry: Entry, looking: Sequence[UserSubscription], outcomes: Counter[Outcome]) -> None:
    # A connection must not be closed for the end of a job that was started anew since.
    current = job_protocol.find_entry(entry.watchlist_id) if live_delivery.is_final(entry) else entry
    outcomes.update(delivery().publish(current or entry))
    outcomes.update(user_delivery().publish(current or entry, looking))


def _measure(outcomes: Counter[Outcome], *, complete: bool) -> None:
    metrics.add_some(Metric.LIVE_MESSAGES, outcomes[Outcome.POSTED])
    dropped = Metric.LIVE_CONNECTIONS_DROPPED
    metrics.add_some(dropped, outcomes[Outcome.DROPPED])
    metrics.add(Metric.LIVE_PUBLISHER_RUN, int(complete))
