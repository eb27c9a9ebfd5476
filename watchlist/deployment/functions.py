"""The Lambda functions, each once: what runs it and what it reads; deployed by CDK, run by the local service."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Generic

from typing_extensions import TypeVar

from watchlist import limits, settings
from watchlist.deployment import routes
from watchlist.deployment.routes import PAGE_ROUTES, ROUTES, Function, Route

Model_co = TypeVar("Model_co", bound=settings.Settings, covariant=True, default=settings.Settings)

DEFAULT_MEMORY = 512
"""MiB, with 0.29 of a processor: it imports the largest function in about a second."""


@dataclass(frozen=True, slots=True)
class FunctionSpec(Generic[Model_co]):
    """One function.

    Attributes:
        name: in names of resources, alarms, permissions and logs.
        place: the module below `functions`; its `handler(event, context)` is the entry point.
        settings: the model of the environment variables that it reads; it gets these and no others.
        timeout: the longest run of one invocation.
        memory: MiB; processor time comes with it.
        concurrency: most invocations at once, kept free for it in the account; None for as many as there are events.
    """

    name: str
    place: str
    settings: type[Model_co]
    timeout: timedelta
    memory: int = DEFAULT_MEMORY
    concurrency: int | None = None

    @property
    def module(self) -> str:
        """The module of the entry point."""
        return f"functions.{self.place}"

    @property
    def handler(self) -> str:
        """Lambda's name of the entry point."""
        return f"{self.module}.handler"

    @property
    def routes(self) -> tuple[Route, ...]:
        """The HTTP routes that the function answers; empty for one that AWS services call."""
        return tuple(route for route in (*ROUTES, *PAGE_ROUTES) if route.function == self.name)


_WHOLE_PROCESSOR = 1769
"""MiB with which Lambda gives one processor (Lambda guide, "Configure Lambda function memory").

Half a gigabyte, the others' share, has 0.29 of one: it imports the largest function in about a second."""

_HTTP_TIMEOUT = timedelta(seconds=10)
"""API Gateway waits 30 s; a caller who polls has given up before."""

_LONG_HTTP_TIMEOUT = timedelta(seconds=25)
"""A batch of adds, or removing what a user leaves behind, takes hundreds of calls; API Gateway waits 30 s."""


def _behind_routes(function: Function, settings_model: type[Model_co], timeout: timedelta) -> FunctionSpec[Model_co]:
    return FunctionSpec(function, f"http.routes.{function}", settings_model, timeout)


ADD_REPOSITORY = _behind_routes(Function.ADD_REPOSITORY, settings.AddSettings, _LONG_HTTP_TIMEOUT)
STATUS = _behind_routes(Function.STATUS, settings.TableSettings, _HTTP_TIMEOUT)
RETRY = _behind_routes(Function.RETRY, settings.EnqueueSettings, _HTTP_TIMEOUT)
COMMITS = _behind_routes(Function.COMMITS, settings.TableSettings, _HTTP_TIMEOUT)
HEALTH = _behind_routes(Function.HEALTH, settings.TableSettings, _HTTP_TIMEOUT)
USER_WATCHLIST = _behind_routes(Function.USER_WATCHLIST, settings.OverviewSettings, _LONG_HTTP_TIMEOUT)
ALERTS = _behind_routes(Function.ALERTS, settings.TableSettings, _HTTP_TIMEOUT)
NOTIFICATIONS = _behind_routes(Function.NOTIFICATIONS, settings.TableSettings, _HTTP_TIMEOUT)
JOBS = _behind_routes(Function.JOBS, settings.OperationsSettings, _HTTP_TIMEOUT)
DOCUMENTATION = _behind_routes(Function.DOCUMENTATION, settings.Settings, _HTTP_TIMEOUT)

PAGE = _behind_routes(Function.PAGE, settings.PageSettings, _HTTP_TIMEOUT)
"""Answers `routes.PAGE_ROUTES`, which are no part of the API."""

DISPATCHER = FunctionSpec("dispatcher", "jobs.dispatcher", settings.DispatcherSettings, limits.DISPATCHER_TIMEOUT)
"""Receives job messages (SQS event source mapping, partial batch responses) and launches tasks."""

TASK_STOPPED = FunctionSpec("task_stopped", "jobs.task_stopped", settings.EnqueueSettings, timedelta(seconds=30))
"""Receives EventBridge `ECS Task State Change` events with lastStatus STOPPED of the service's cluster."""

RECONCILER = FunctionSpec("reconciler", "jobs.reconciler", settings.EnqueueSettings, timedelta(seconds=60))
"""Runs every `limits.RECONCILE_INTERVAL`. Two runs at once do no harm: each of its writes is conditional."""

SCHEDULER = FunctionSpec(
    "scheduler", "jobs.scheduler", settings.SchedulerSettings, limits.SCHEDULER_TIMEOUT, _WHOLE_PROCESSOR
)
"""Runs every `limits.SCHEDULE_INTERVAL`. A second run at once ends at once: `scheduler_runs` lets one work.

A check is some milliseconds of work, and there may be thousands."""

LIVE_CONNECT = FunctionSpec(routes.LIVE_CONNECT.function, "live.connect", settings.TableSettings, _HTTP_TIMEOUT)
"""Route `$connect` of the WebSocket API; authorised as the HTTP API is, by IAM or by `LIVE_AUTHORIZER`."""

LIVE_DISCONNECT = FunctionSpec(
    routes.LIVE_DISCONNECT.function, "live.disconnect", settings.TableSettings, _HTTP_TIMEOUT
)
"""Route `$disconnect` of the WebSocket API."""

LIVE_REQUEST = FunctionSpec(routes.LIVE_REQUEST.function, "live.request", settings.LiveSettings, _HTTP_TIMEOUT)
"""Route `$default` of the WebSocket API; posts to connections."""

LIVE_AUTHORIZER = FunctionSpec("live_authorizer", "live.authorizer", settings.AuthorizerSettings, _HTTP_TIMEOUT)
"""Authorizer of `$connect` in an environment that accepts tokens; there is none where IAM decides."""

LIVE_PUBLISHER = FunctionSpec(
    "live_publisher", "live.publisher", settings.LiveSettings, timedelta(seconds=60), _WHOLE_PROCESSOR
)
"""Reads `stream_consumers.LIVE_PUBLISHER`; posts to connections, each post signed and over TLS."""

EVENT_PUBLISHER = FunctionSpec(
    "event_publisher", "telling.event_publisher", settings.EventSettings, timedelta(seconds=60)
)
"""Reads `stream_consumers.ENTRY_EVENTS` and `ALERT_EVENTS`; puts events on the bus."""

ALERT_COLLECTOR = FunctionSpec(
    "alert_collector", "telling.alert_collector", settings.CollectorSettings, timedelta(seconds=60)
)
"""Reads `stream_consumers.ALERT_DIGESTS`."""

DIGEST = FunctionSpec("digest", "telling.digest", settings.DigestSettings, timedelta(seconds=60), concurrency=1)
"""Runs every `limits.DIGEST_RUN_INTERVAL`, one at a time, since two would send the same digests; publishes to the
topic, sends to the webhook queue."""

WEBHOOK_SENDER = FunctionSpec(
    "webhook_sender", "telling.webhook_sender", settings.WebhookSettings, timedelta(seconds=30)
)
"""Receives from the webhook queue (SQS event source mapping, partial batch responses, batches of one)."""

HTTP_FUNCTIONS = (
    ADD_REPOSITORY,
    STATUS,
    RETRY,
    COMMITS,
    HEALTH,
    USER_WATCHLIST,
    ALERTS,
    NOTIFICATIONS,
    JOBS,
    DOCUMENTATION,
)
LIVE_FUNCTIONS = (LIVE_CONNECT, LIVE_DISCONNECT, LIVE_REQUEST)
EVENT_FUNCTIONS = (DISPATCHER, TASK_STOPPED, RECONCILER, SCHEDULER, DIGEST, WEBHOOK_SENDER)
STREAM_FUNCTIONS = (LIVE_PUBLISHER, EVENT_PUBLISHER, ALERT_COLLECTOR)
TOKEN_FUNCTIONS = (LIVE_AUTHORIZER,)
"""What there is only where tokens are accepted."""

FUNCTIONS = (*HTTP_FUNCTIONS, PAGE, *LIVE_FUNCTIONS, *EVENT_FUNCTIONS, *STREAM_FUNCTIONS, *TOKEN_FUNCTIONS)


def functions_of(*, accepts_tokens: bool) -> tuple[FunctionSpec, ...]:
    """Return the functions of an environment."""
    return tuple(spec for spec in FUNCTIONS if accepts_tokens or spec not in TOKEN_FUNCTIONS)


TASK_CONTAINER = "job"
"""The container in the task definition; its environment is `settings.TaskSettings`, its overrides `JobSettings`."""

TASK_MODULE = "tasks.job"
"""What the container runs: `python -m tasks.job`."""
