"""Looks, on a schedule, at the entries whose check is due: what changed is refreshed, and watchers are told.

The entries come from the index of due checks, the longest overdue first, page by page. What is written for an entry
takes it out of reach of this run, and is conditional, so that an entry is dealt with once however many runs there are;
what a run does not get to is the next run's. An entry whose repository has not moved costs one request and one write.
"""

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions import startup
from watchlist import clock, limits
from watchlist.checks import scheduler_runs
from watchlist.checks.decisions import Policy
from watchlist.checks.run import Checks, Tally
from watchlist.deployment import functions as function_specs
from watchlist.git.remote import HeadReader
from watchlist.health.verdict import Thresholds
from watchlist.jobs.host_back_off import Hosts
from watchlist.metrics import Metric, publisher
from watchlist.states import DueKind
from watchlist.storage import batches
from watchlist.storage.records import ENTRY_KEY, Entry

function = startup.Function(function_specs.SCHEDULER)
logger = function.logger
metrics = publisher()
queue = function.part(startup.job_queue)
policy = function.part(Policy.of)
thresholds = function.part(Thresholds.of)


@function.handler
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Check the entries that are due, until none is left or the time is up; nothing while another run is at it."""
    del event
    began = clock.now()
    if not scheduler_runs.begin(context.aws_request_id, began):
        logger.info("another run is under way")
        return {}
    ends = began + timedelta(milliseconds=context.get_remaining_time_in_millis()) - limits.SCHEDULER_STOPS_BEFORE
    try:
        tally = _check_due(began, ends)
    finally:
        scheduler_runs.end(context.aws_request_id)
    counts = tally.counts | {Metric.SCHEDULER_RUN: 1, Metric.CHECK_LAG: _lag()}
    for metric, value in counts.items():
        metrics.add(metric, value)
    return {str(metric): value for metric, value in counts.items()}


def _check_due(began: datetime, ends: datetime) -> Tally:
    hosts = Hosts(random.random)
    with ExitStack() as running:
        reader = running.enter_context(HeadReader(function.settings.allowed_origins))
        threads = running.enter_context(ThreadPoolExecutor(function.settings.checks_at_once))
        checks = Checks(policy(), thresholds(), queue(), reader, hosts, function.settings.max_open_refreshes, logger)
        due = iter(
            Entry.by_due.query(
                DueKind.CHECK,
                Entry.due_at <= began,
                page_size=limits.DUE_PAGE,
                limit=limits.CHECKS_OF_ONE_RUN,
            )
        )

        def check_in_time(entry: Entry) -> None:
            if clock.now() < ends:
                checks.check(entry)

        while clock.now() < ends and (keys := list(islice(due, limits.CHECKS_PAGE))):
            # The index lags behind; what is read here is what the conditions of the writes are about.
            entries = batches.get(Entry, [(key.pk, ENTRY_KEY) for key in keys], batches.FUNCTION)
            list(threads.map(check_in_time, list(entries)))
        logger.info("checked", requests=reader.traffic.requests, bytes_received=reader.traffic.bytes_received)
    return checks.tally


def _lag() -> int:
    """Return how many seconds ago the longest overdue check should have been done."""
    now = clock.now()
    for key in Entry.by_due.query(DueKind.CHECK, Entry.due_at <= now, limit=1):
        return max(0, int((now - key.due_at).total_seconds()))
    return 0
