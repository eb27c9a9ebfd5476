"""Looks, on a schedule, at the entries whose check is due: what changed is refreshed, and watchers are told.

The entries come from the index of due checks, the longest overdue first, page by page. What is written for an entry
takes it out of reach of this run, and is conditional, so that an entry is dealt with once however many runs there are;
what a run does not get to is the next run's. An entry whose repository has not moved costs one request and one write.
"""

import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import BotoCoreError, ClientError

from functions import startup
from watchlist import clock, limits
from watchlist.checks import scheduler_runs
from watchlist.checks.decisions import Policy
from watchlist.checks.published_health import PublishedHealth
from watchlist.checks.run import Checks, Tally
from watchlist.deployment import functions as function_specs
from watchlist.git.pace import Pace
from watchlist.git.remote import HeadReader
from watchlist.git.tokens import Tokens
from watchlist.git_hosts import GITHUB_COM
from watchlist.health.verdict import Thresholds
from watchlist.jobs.host_back_off import Hosts
from watchlist.metrics import Metric, publisher
from watchlist.own_hosts import InvalidHostError, read_tokens
from watchlist.settings import SettingsError
from watchlist.states import DueKind
from watchlist.storage import batches
from watchlist.storage.records import ENTRY_KEY, Entry
from watchlist.text import separated

function = startup.Function(function_specs.SCHEDULER)
logger = function.logger
metrics = publisher()
queue = function.part(startup.job_queue)
secrets = function.part(lambda _: boto3.client("secretsmanager", config=startup.CLIENT_CONFIG))
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
        metrics.add_some(metric, value)
    return {str(metric): value for metric, value in counts.items()}


def _check_due(began: datetime, ends: datetime) -> Tally:
    hosts, settings = Hosts(random.random), function.settings
    with ExitStack() as running:
        slower = {host.origin: host.checks_a_second for host in settings.git_hosts if host.checks_a_second}
        pace = Pace(settings.checks_a_second, of_origins=slower)
        reader = running.enter_context(HeadReader(settings.allowed_origins, pace=pace, tokens=_tokens()))
        threads = running.enter_context(ThreadPoolExecutor(settings.checks_at_once))
        published = PublishedHealth(settings.scorecard_api_base_url, hosts, logger)
        most_open = settings.max_open_refreshes
        checks = Checks(policy(), thresholds(), queue(), reader, hosts, published, most_open, logger)

        def check_in_time(entry: Entry) -> None:
            if clock.now() < ends:
                checks.check(entry)

        def check_those_due(kind: DueKind, room: Callable[[], int]) -> None:
            due = iter(_due(kind, began, limits.CHECKS_OF_ONE_RUN))
            while clock.now() < ends and (keys := list(islice(due, min(room(), limits.CHECKS_PAGE)))):
                # The index lags behind; what is read here is what the conditions of the writes are about.
                entries = batches.get(Entry, [(key.pk, ENTRY_KEY) for key in keys], batches.FUNCTION)
                list(threads.map(check_in_time, list(entries)))

        # Refreshes that were put off, the oldest first, have the room before those that are found due now.
        check_those_due(DueKind.REFRESH, lambda: checks.room)
        check_those_due(DueKind.CHECK, lambda: limits.CHECKS_PAGE)
        logger.info("checked", requests=reader.traffic.requests, bytes_received=reader.traffic.bytes_received)
    return checks.tally


def _tokens() -> Tokens:
    """Return the tokens, as the secrets have them now: one run later than they were changed is soon enough."""
    settings = function.settings
    text = settings.github_token or ""
    if settings.github_token_secret is not None:
        try:
            text = json.loads(_secret(settings.github_token_secret))["token"]
        except (ClientError, BotoCoreError, ValueError, KeyError, TypeError):
            logger.exception("the token for GitHub cannot be read: its hosts are asked without one")
    return Tokens({GITHUB_COM.origin: separated(text), **_tokens_of_own_hosts()})


def _tokens_of_own_hosts() -> Mapping[str, Sequence[str]]:
    settings = function.settings
    try:
        if settings.git_tokens_secret is None:
            return settings.git_tokens()
        return read_tokens(_secret(settings.git_tokens_secret), settings.git_hosts)
    except (ClientError, BotoCoreError, KeyError, SettingsError, InvalidHostError):
        logger.exception("the tokens for hosts of one's own cannot be read: these are asked without")
        return {}


def _secret(arn: str) -> str:
    text: str = secrets().get_secret_value(SecretId=arn)["SecretString"]
    return text


def _due(kind: DueKind, at: datetime, most: int) -> Iterable[Entry]:
    """Return the keys of entries that were due then, the longest due first."""
    return Entry.by_due.query(kind, Entry.due_at <= at, page_size=min(most, limits.DUE_PAGE), limit=most)


def _lag() -> int:
    """Return how many seconds ago the longest overdue check, or refresh, should have been done."""
    now = clock.now()
    oldest = [key.due_at for kind in (DueKind.CHECK, DueKind.REFRESH) for key in _due(kind, now, 1)]
    return int((now - min(oldest, default=now)).total_seconds())
