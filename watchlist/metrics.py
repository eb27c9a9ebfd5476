"""The service's own metrics, each name once: functions and tasks emit them, alarms and the dashboard watch them.

All go out in CloudWatch's embedded metric format by Powertools' `Metrics(namespace=NAMESPACE)`, with the one dimension
`service`, which Powertools takes from `POWERTOOLS_SERVICE_NAME`. Infrastructure gives each environment another service
name, so that environments in one account do not mix. Add no other dimension: an alarm would look past the metric.
"""

import warnings
from enum import StrEnum

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import EphemeralMetrics

from watchlist.errors import ErrorCode

NAMESPACE = "RepositoryWatchlist"
DIMENSION = "service"


class Metric(StrEnum):
    """A metric by its CloudWatch name, with who emits it and when."""

    TASK_LAUNCHED = "TaskLaunched"
    """Dispatcher: 1 for each task that ECS accepted."""

    TASK_POSTPONED = "TaskPostponed"
    """Dispatcher: 1 for each launch put off, because ECS had no capacity or throttled."""

    LONGEST_WAIT = "LongestWait"
    """Reconciler: seconds since the oldest job that waits in line was queued."""

    TASK_REFUSED = "TaskRefused"
    """Dispatcher: 1 for each launch that ECS refused for good."""

    JOB_COMPLETED = "JobCompleted"
    """Task: 1 for each job that ended well."""

    JOB_FAILED = "JobFailed"
    """Whoever closes the job (task, task-stopped, dispatcher, reconciler): 1 for each job that failed for good."""

    JOB_DURATION = "JobDuration"
    """Task: seconds from the queueing of a completed job to its end, as the person who waits feels it."""

    JOB_ATTEMPTS = "JobAttempts"
    """Task: attempts that a completed job took."""

    ATTEMPT_FAILED = "AttemptFailed"
    """Task, task-stopped, reconciler: 1 for each failed attempt, with what else `Publisher.attempt_failed` emits."""

    ATTEMPT_FAILED_BY_US = "AttemptFailedByUs"
    """Whoever emits ATTEMPT_FAILED: 1 for each failed attempt for a reason that an operator can do something about."""

    BYTES_RECEIVED = "BytesReceived"
    """Task: bytes that one completed job received from the repository's host."""

    SCORE = "Score"
    """Task: the Scorecard score (0 to 10) of a completed analysis; nothing when there is none."""

    SCORE_MISSING = "ScoreMissing"
    """Task: 1 for each completed analysis without a Scorecard score."""

    PARTS_BROKEN = "PartsBroken"
    """Task: parts of a completed job's result (counts, score, metrics ...) that ended in an error of our own."""

    TASK_AGE = "TaskAge"
    """Task: seconds since it started, at each heartbeat. Its sample count per minute is the number of running tasks."""

    RECONCILER_RUN = "ReconcilerRun"
    """Reconciler: 1 at the end of each run that went through."""

    ENTRIES_RECOVERED = "EntriesRecovered"
    """Reconciler: entries that one run queued again or failed, since nobody else would have."""

    ENTRIES_OVERDUE = "EntriesOverdue"
    """Reconciler: entries that one run found past the bound of `processing`."""

    SCHEDULER_RUN = "SchedulerRun"
    """Scheduler: 1 at the end of each run that went through."""

    ENTRIES_CHECKED = "EntriesChecked"
    """Scheduler: entries that one run has dealt with."""

    REFRESHES_STARTED = "RefreshesStarted"
    """Scheduler: refresh jobs that one run has started."""

    REFRESHES_PUT_OFF = "RefreshesPutOff"
    """Scheduler: refreshes that one run has found to be due and had no room for; they wait, the oldest first."""

    CHECKS_FAILED = "ChecksFailed"
    """Scheduler: entries whose HEAD could not be told, or that could not be dealt with for an error of ours."""

    CHECK_LAG = "CheckLag"
    """Scheduler: seconds since the longest overdue check, or refresh that was put off, was due at the end of a run
    that leaves something over."""

    ALERTS_RAISED = "AlertsRaised"
    """Scheduler: alerts that one run has stored anew. Task: those of a completed refresh."""

    LIVE_PUBLISHER_RUN = "LivePublisherRun"
    """Live publisher: 1 at the end of each run that served its whole batch, 0 of one that did not."""

    LIVE_MESSAGES = "LiveMessages"
    """Live publisher: states posted to WebSocket connections."""

    LIVE_CONNECTIONS_DROPPED = "LiveConnectionsDropped"
    """Live publisher: connections hung up because a state could not be posted, so that their clients poll instead."""

    ENTRY_EVENTS_RUN = "EntryEventsRun"
    """Event publisher, of the watchlist table: 1 at the end of each run that served its whole batch, 0 otherwise."""

    ALERT_EVENTS_RUN = "AlertEventsRun"
    """Event publisher, of the activity table: likewise."""

    ALERT_COLLECTOR_RUN = "AlertCollectorRun"
    """Alert collector: 1 at the end of each run that served its whole batch, 0 of one that did not."""

    DIGEST_RUN = "DigestRun"
    """Digest: 1 at the end of each run that went through."""

    DIGEST_SENT = "DigestSent"
    """Digest: digests that one run handed on to e-mail or webhooks."""

    WEBHOOK_DELIVERED = "WebhookDelivered"
    """Webhook sender: 1 for each digest that a webhook took."""

    WEBHOOK_FAILED = "WebhookFailed"
    """Webhook sender: 1 for each try that failed."""

    @property
    def unit(self) -> str:
        """CloudWatch's name of the unit."""
        return _UNITS.get(self, "Count")


_UNITS = {
    Metric.JOB_DURATION: "Seconds",
    Metric.TASK_AGE: "Seconds",
    Metric.CHECK_LAG: "Seconds",
    Metric.LONGEST_WAIT: "Seconds",
    Metric.BYTES_RECEIVED: "Bytes",
    Metric.SCORE: "None",
}


OPERATORS_CODES = frozenset(
    {
        ErrorCode.OUT_OF_MEMORY,
        ErrorCode.OUT_OF_DISK,
        ErrorCode.WORKER_NOT_STARTED,
        ErrorCode.WORKER_LOST,
        ErrorCode.STORAGE_UNAVAILABLE,
        ErrorCode.QUEUE_UNAVAILABLE,
        ErrorCode.INTERNAL_ERROR,
    }
)
"""Failures that an operator can do something about; the others are the repository's or its host's."""


def attempt_failed_by(code: ErrorCode) -> str:
    """Return the name of the metric that counts failed attempts of one code."""
    return f"{Metric.ATTEMPT_FAILED}_{code}"


class Publisher(Metrics):
    """What emits the metrics."""

    def add(self, metric: Metric, value: float = 1) -> None:
        """Add a value, in the metric's own unit."""
        self.add_metric(metric, metric.unit, value)

    def add_some(self, metric: Metric, value: float) -> None:
        """Add a value, unless it is 0: CloudWatch bills each hour in which a metric says something."""
        if value:
            self.add(metric, value)

    def attempt_failed(self, code: ErrorCode) -> None:
        """Count a failed attempt: in all, by its code, and among those that are ours."""
        self.add(Metric.ATTEMPT_FAILED)
        if code in OPERATORS_CODES:
            self.add(Metric.ATTEMPT_FAILED_BY_US)
        self.add_metric(attempt_failed_by(code), Metric.ATTEMPT_FAILED.unit, 1)


def publisher() -> Publisher:
    """Return what emits the metrics; an invocation that has none to emit is no reason for a warning."""
    warnings.filterwarnings("ignore", message="No application metrics to publish")
    return Publisher(namespace=NAMESPACE)


def publisher_of_a_thread() -> EphemeralMetrics:
    """Return what emits the metrics of one thread; those of `publisher` are shared by all."""
    return EphemeralMetrics(namespace=NAMESPACE)
