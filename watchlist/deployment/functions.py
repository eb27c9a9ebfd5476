"""The Lambda functions: those behind `routes`, and here, each once, those that AWS services call.

CDK deploys them and the local service runs them as it is said here.
"""

from datetime import timedelta

from watchlist import limits, settings
from watchlist.deployment import permissions
from watchlist.deployment.function_spec import WHOLE_PROCESSOR, FunctionSpec
from watchlist.deployment.permissions import Permissions
from watchlist.deployment.routes import LIVE_ROUTES, PAGE_ROUTES, ROUTES
from watchlist.storage import tables

DISPATCHERS = 15
"""Dispatchers of all queues together: what is kept free for them in the account."""

DISPATCHER = FunctionSpec(
    "dispatcher",
    "jobs.dispatcher",
    settings.DispatcherSettings,
    limits.DISPATCHER_TIMEOUT,
    Permissions(
        watchlist=permissions.PROTOCOL | permissions.SLOTS,
        indexes=(tables.BY_TURN,),
        queues=permissions.on_all_queues(
            "ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "ChangeMessageVisibility", "SendMessage"
        ),
    ),
    concurrency=DISPATCHERS,
)
"""Receives job messages (SQS event source mapping, partial batch responses) and launches tasks."""

TASK_STOPPED = FunctionSpec(
    "task_stopped",
    "jobs.task_stopped",
    settings.LaunchSettings,
    timedelta(seconds=30),
    Permissions(
        watchlist=permissions.PROTOCOL | permissions.SLOTS,
        indexes=(tables.BY_TURN,),
        queues=permissions.on_all_queues("ChangeMessageVisibility", "SendMessage"),
    ),
    concurrency=5,
)
"""Receives EventBridge `ECS Task State Change` events with lastStatus STOPPED of the service's cluster."""

RECONCILER = FunctionSpec(
    "reconciler",
    "jobs.reconciler",
    settings.CallSettings,
    timedelta(seconds=60),
    Permissions(
        watchlist=permissions.PROTOCOL | permissions.SLOTS,
        activity=frozenset({"Query", "BatchWriteItem", "PutItem", "UpdateItem"}),
        indexes=(tables.BY_DUE, tables.BY_QUEUE, tables.BY_TURN, tables.BY_USER_ENTRY),
        queues=permissions.on_all_queues("SendMessage"),
    ),
    concurrency=2,
)
"""Runs every `limits.RECONCILE_INTERVAL`. Two runs at once do no harm: each of its writes is conditional."""

SCHEDULER = FunctionSpec(
    "scheduler",
    "jobs.scheduler",
    settings.SchedulerSettings,
    limits.SCHEDULER_TIMEOUT,
    Permissions(
        watchlist=frozenset({"GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"}),
        activity=frozenset({"Query", "PutItem"}),
        indexes=(tables.BY_DUE, tables.BY_QUEUE),
        queues=permissions.on_all_queues("SendMessage"),
    ),
    WHOLE_PROCESSOR,
)
"""Runs every `limits.SCHEDULE_INTERVAL`. A second run at once ends at once: `scheduler_runs` lets one work.

A check is some milliseconds of work, and there may be thousands."""

LIVE_AUTHORIZER = FunctionSpec("live_authorizer", "live.authorizer", settings.AuthorizerSettings, timedelta(seconds=10))
"""Authorizer of `$connect` in an environment that accepts tokens; there is none where IAM decides."""

LIVE_PUBLISHER = FunctionSpec(
    "live_publisher",
    "live.publisher",
    settings.LiveSettings,
    timedelta(seconds=60),
    Permissions(watchlist=permissions.GET_FOR_A_USER | {"Query", "DeleteItem", "UpdateItem"}),
    WHOLE_PROCESSOR,
)
"""Reads `stream_consumers.LIVE_PUBLISHER`; posts to connections, each post signed and over TLS."""

EVENT_PUBLISHER = FunctionSpec(
    "event_publisher", "telling.event_publisher", settings.EventSettings, timedelta(seconds=60)
)
"""Reads `stream_consumers.ENTRY_EVENTS` and `ALERT_EVENTS`; puts events on the bus."""

ALERT_COLLECTOR = FunctionSpec(
    "alert_collector",
    "telling.alert_collector",
    settings.CollectorSettings,
    timedelta(seconds=60),
    Permissions(watchlist=permissions.GET | {"Query", "PutItem", "UpdateItem", "DeleteItem"}, activity=permissions.GET),
)
"""Reads `stream_consumers.ALERT_DIGESTS`; posts to connections."""

DIGEST = FunctionSpec(
    "digest",
    "telling.digest",
    settings.DigestSettings,
    timedelta(seconds=60),
    Permissions(
        watchlist=permissions.GET_FOR_A_USER | {"Query", "UpdateItem", "DeleteItem"},
        activity=frozenset({"BatchGetItem", "UpdateItem"}),
        indexes=(tables.BY_DUE, tables.BY_USER, tables.BY_USER_ALERTS),
    ),
    concurrency=1,
)
"""Runs every `limits.DIGEST_RUN_INTERVAL`, one at a time, since two would send the same digests; publishes to the
topic, sends to the webhook queue."""

WEBHOOK_SENDER = FunctionSpec(
    "webhook_sender",
    "telling.webhook_sender",
    settings.WebhookSettings,
    timedelta(seconds=30),
    Permissions(
        watchlist=permissions.GET | {"Query", "UpdateItem", "PutItem", "DeleteItem"}, activity=frozenset({"PutItem"})
    ),
)
"""Receives from the webhook queue (SQS event source mapping, partial batch responses, batches of one)."""

HTTP_FUNCTIONS = tuple(dict.fromkeys(route.function for route in ROUTES))
PAGE = PAGE_ROUTES[0].function
LIVE_FUNCTIONS = tuple(route.function for route in LIVE_ROUTES)
EVENT_FUNCTIONS = (DISPATCHER, TASK_STOPPED, RECONCILER, SCHEDULER, DIGEST, WEBHOOK_SENDER)
STREAM_FUNCTIONS = (LIVE_PUBLISHER, EVENT_PUBLISHER, ALERT_COLLECTOR)
TOKEN_FUNCTIONS = (LIVE_AUTHORIZER,)
"""What there is only where tokens are accepted."""

FUNCTIONS: tuple[FunctionSpec, ...]
FUNCTIONS = (*HTTP_FUNCTIONS, PAGE, *LIVE_FUNCTIONS, *EVENT_FUNCTIONS, *STREAM_FUNCTIONS, *TOKEN_FUNCTIONS)


def functions_of(*, accepts_tokens: bool) -> tuple[FunctionSpec, ...]:
    """Return the functions of an environment."""
    return tuple(spec for spec in FUNCTIONS if accepts_tokens or spec not in TOKEN_FUNCTIONS)


TASK_CONTAINER = "job"
"""The container in the task definition; its environment is `settings.TaskSettings`, its overrides `JobSettings`."""

TASK_MODULE = "tasks.job"
"""What the container runs: `python -m tasks.job`."""
