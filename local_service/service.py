"""The whole service on one machine: embedded AWS, functions, queues, tasks and HTTP API, started and stopped as one."""

import contextlib
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO

import boto3

from functions.http.openapi import page as docs_page
from local_service import fitness, lifeline
from local_service.aws import embedded as embedded_aws
from local_service.aws.embedded import EmbeddedAws
from local_service.functions import short_calls
from local_service.functions.processes import FunctionError, FunctionProcesses, LocalFunction
from local_service.functions.queue_poller import Queue, QueuePoller
from local_service.functions.stream_poller import StreamPoller
from local_service.functions.timers import Timer, Timers
from local_service.gateways.authorizer import Authorizer
from local_service.gateways.http import HttpGateway, PortTakenError
from local_service.gateways.websocket import WebSocketGateway
from local_service.git.addresses import Addresses
from local_service.git.served_repositories import git_directories, link_known, link_repositories
from local_service.git.server import GitServer
from local_service.guard import LIVE_PATH, Guard
from local_service.provisioning import Environment, provision
from local_service.right_of_way import RightOfWay
from local_service.tasks import runner as task_runner
from local_service.tasks.runner import TaskRunner
from watchlist import clock, limits
from watchlist.deployment import functions as function_specs
from watchlist.deployment import routes, stream_consumers
from watchlist.deployment.function_spec import FunctionSpec
from watchlist.deployment.stream_consumers import StreamConsumer
from watchlist.job_kinds import JobKind
from watchlist.repository_url import DEFAULT_ORIGINS
from watchlist.settings import Settings, TaskSettings, load

if TYPE_CHECKING:
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient
    from mypy_boto3_sqs import SQSClient

HTTP_PORT = 3000
CLONES = lifeline.ROOT / "build" / "local" / "clones"

_DEFAULTS: Mapping[str, str] = {
    "GIT_CLONE_DIR": str(CLONES),
    "MAX_SETUP_TASKS": "4",
    "MAX_REFRESH_TASKS": "2",
    "POSTPONE_SECONDS": "5",
}
"""What one machine can bear, where AWS would ask for a choice per environment."""

Invoke = Callable[[str, dict[str, Any]], Any]
"""Calls a function by its name with an event and returns its answer; raises FunctionError."""

Interference = Callable[[Invoke, str, dict[str, Any]], Any]
"""Called in an invocation's place, with what would do it; returns the answer that the invoker gets."""

_LAST_PORT = 65535

_IDLE_SECONDS = 20
"""How long what waits for the embedded AWS rests unless it is woken; only for what nobody tells, as a lost process."""

_GOING_ON_SECONDS = 1
"""How long a start waits for jobs that go on; where none do, it takes a small part of that."""

_TWO_AT_ONCE = {spec.name for spec in function_specs.HTTP_FUNCTIONS} | {function_specs.DISPATCHER.name}
_WARM = (
    routes.ADD.function.name,
    routes.STATUS.function.name,
    function_specs.DISPATCHER.name,
    routes.LIVE_CONNECT.function.name,
    function_specs.LIVE_PUBLISHER.name,
)

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """How the local service runs.

    Attributes:
        port: of the HTTP API; 0 for any free one. The WebSocket API has the next one if that is free, and the served
            repositories have the one after that.
        host: where both listen.
        token: what callers have to show; without one, only this machine and the service's own page may call.
        repositories: local git repositories to serve over HTTP.
        variables: values for settings of functions and tasks, by their variables' names; those that infrastructure
            decides, as names of tables, are overridden.
        data: the folder in which everything is kept, or None to forget it at the end.
        log: the file for all logs, emptied first; None for this process's stderr.
        reconcile_interval: how often the reconciler runs.
        schedule_interval: how often the scheduler runs.
        digest_run_interval: how often due digests are looked for.
        grace_seconds: from SIGTERM to SIGKILL for tasks that are stopped.
        task_argv: the program that each task runs.
    """

    port: int = 0
    host: str = "127.0.0.1"
    token: str | None = field(default=None, repr=False)
    repositories: tuple[Path, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    data: Path | None = None
    log: Path | None = None
    reconcile_interval: timedelta = limits.RECONCILE_INTERVAL
    schedule_interval: timedelta = limits.SCHEDULE_INTERVAL
    digest_run_interval: timedelta = limits.DIGEST_RUN_INTERVAL
    grace_seconds: float = 10
    task_argv: tuple[str, ...] = task_runner.JOB

    @property
    def timers(self) -> tuple[Timer, ...]:
        """What runs by the clock."""
        return (
            Timer(function_specs.RECONCILER.name, self.reconcile_interval),
            Timer(function_specs.SCHEDULER.name, self.schedule_interval),
            Timer(function_specs.DIGEST.name, self.digest_run_interval),
        )


def settings_variables(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables of the caller's environment that are settings of functions or tasks."""
    models: list[type[Settings]] = [TaskSettings, *(spec.settings for spec in function_specs.FUNCTIONS)]
    names = {name for model in models for name in model.variables()}
    return {name: environment[name] for name in sorted(names) if environment.get(name)}


class LocalService:
    """The running service; a context manager that leaves no process behind.

    Attributes:
        aws: the embedded AWS, which can be told to fail.
        environment: what was created in it.
        functions: the Lambda functions.
        pollers: one per queue.
        runner: of the tasks.
        url: the HTTP API's base URL.
        live_url: the WebSocket API's.
        repository_urls: the address of each served repository, by its path.
    """

    aws: EmbeddedAws
    environment: Environment
    functions: FunctionProcesses
    pollers: Mapping[JobKind, QueuePoller]
    runner: TaskRunner
    timers: Timers
    url: str
    live_url: str
    repository_urls: Mapping[Path, str]

    def __init__(
        self,
        settings: LocalSettings,
        interfere: Interference | None = None,
        say: Callable[[str], None] = lambda _what: None,
    ) -> None:
        """Prepare the service.

        Args:
            settings: how it runs.
            interfere: stands between everything that invokes a function and the function, to do it harm.
            say: told what is being started.
        """
        self._say = say
        self._settings = settings
        self._interfere = interfere
        self._right_of_way = RightOfWay()
        self._running = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            self._start(starting)
            self._running = starting.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    def _start(self, starting: ExitStack) -> None:
        """Start everything in the order of need; it stops in the reverse order."""
        fitness.take_descriptors()
        fitness.check_loopback()
        fitness.check_scratch(Path(self._variables()["GIT_CLONE_DIR"]))
        docs_page.build()
        log = starting.enter_context(_Log(self._settings.log)).descriptor
        scratch = Path(starting.enter_context(tempfile.TemporaryDirectory(prefix="watchlist-")))
        # Listening comes first, so that a taken port is known before anything else has started.
        authorizer = self._authorizer() if self._accepts_tokens else None
        gateway = HttpGateway(
            (*routes.ROUTES, *routes.PAGE_ROUTES), self._answer, self._address(0), authorizer, self._settings.token
        )
        starting.callback(gateway.close)
        live_gateway = _websocket_gateway(self._answer, self._address(1), authorizer, gateway.guard)
        starting.callback(live_gateway.close)
        gateway.hand_on_live(live_gateway.address)
        git_directories(self._settings.repositories)
        self._say("storage")
        self.aws = starting.enter_context(EmbeddedAws(log, self._settings.data))
        git_url = self._serve_repositories(starting, scratch / "repositories")
        self.environment = provision(
            self.aws.url,
            {
                **self._variables(),
                "ALLOWED_ORIGINS": self._allowed_origins(git_url),
                "LIVE_ENDPOINT_URL": live_gateway.management_url,
                "LIVE_URL": LIVE_PATH,
                "API_ACCESS": "token" if self._accepts_tokens else "open",
            },
        )
        self._say("functions")
        self.functions = starting.enter_context(FunctionProcesses(self._local_functions(), log))
        self.functions.warm_up(_WARM)
        arguments: Any = embedded_aws.client_arguments(self.aws.url)
        self.runner = TaskRunner(
            boto3.client("ecs", **arguments),
            self.environment.cluster,
            self._invoker(function_specs.TASK_STOPPED),
            scratch=scratch / "homes",
            log=log,
            argv=self._settings.task_argv,
            grace_seconds=self._settings.grace_seconds,
            idle_seconds=_IDLE_SECONDS,
        )
        self.runner.bury_left_behind()
        starting.enter_context(self.runner.give_way_to(self._right_of_way))
        self._go_on(starting)
        self.aws.when(embedded_aws.TASKS, self.runner.wake)
        sqs = boto3.client("sqs", **arguments)
        short_calls.shorten(sqs)
        dispatch = self._invoker(function_specs.DISPATCHER)
        self.pollers = {
            kind: starting.enter_context(self._queue_poller(sqs, queue, dispatch))
            for kind, queue in self.environment.queues.items()
        }
        streams = boto3.client("dynamodbstreams", **arguments)
        short_calls.shorten(streams)
        for consumer in stream_consumers.CONSUMERS:
            starting.enter_context(self._stream_poller(streams, consumer))
        send_webhook = self._invoker(function_specs.WEBHOOK_SENDER)
        starting.enter_context(self._queue_poller(sqs, self.environment.webhook_queue, send_webhook))
        self.timers = starting.enter_context(Timers(self._settings.timers, self._invoke, self._settings.data))
        self.live_url = starting.enter_context(live_gateway).url
        self.url = starting.enter_context(gateway).url

    def _go_on(self, starting: ExitStack) -> None:
        """Have jobs go on that were between two steps when the service ended; many are not waited for."""
        if self._settings.data is None:
            return
        event = {"detail": {"restarted_at": clock.to_json(clock.now())}}
        going_on = threading.Thread(target=self._reconcile, args=(event,), name="jobs go on", daemon=True)
        starting.callback(going_on.join)
        going_on.start()
        going_on.join(_GOING_ON_SECONDS)  # else the first calls would need a second process for functions

    def _reconcile(self, event: dict[str, Any]) -> None:
        try:
            self._invoke(function_specs.RECONCILER.name, event)
        except FunctionError:
            _LOGGER.exception("jobs that were between two steps wait for the next run of the reconciler")

    def _queue_poller(self, sqs: "SQSClient", queue: Queue, invoke: Callable[[dict[str, Any]], Any]) -> QueuePoller:
        poller = QueuePoller(sqs, queue, invoke, idle_seconds=_IDLE_SECONDS)
        self.aws.when(embedded_aws.queue_topic(queue.name), poller.wake)
        return poller.give_way_to(self._right_of_way)

    def _stream_poller(self, streams: "DynamoDBStreamsClient", consumer: StreamConsumer) -> StreamPoller:
        table = consumer.table.name
        poller = StreamPoller(
            streams,
            self.environment.streams[table],
            consumer,
            self._invoker(consumer.function),
            keep_position=partial(self.aws.keep_position, table, consumer.function.name),
            idle_seconds=_IDLE_SECONDS,
        )
        self.aws.when(embedded_aws.stream_topic(table), poller.wake)
        return poller.give_way_to(self._right_of_way)

    def _address(self, number: int) -> tuple[str, int]:
        """Return where one of the service's parts listens: the ports follow each other.

        Raises:
            PortTakenError: the API's own port is that of the repositories, whose addresses stay what they were.
        """
        port = self._settings.port + number
        if not self._settings.port or port > _LAST_PORT:
            return self._settings.host, 0
        data = self._settings.data
        if data is not None and port == Addresses.read(data).port:
            if number == 0:
                raise PortTakenError(
                    f"cannot listen on port {port}: repositories in the watchlist have it in their addresses; "
                    "choose another for the API"
                )
            port = 0
        return self._settings.host, port

    def _serve_repositories(self, starting: ExitStack, root: Path) -> str:
        """Serve the repositories and those of earlier runs, all of them where they were."""
        data = self._settings.data
        known = Addresses() if data is None else Addresses.read(data)
        link_known(known.paths, root)
        paths = link_repositories(self._settings.repositories, root, known.paths)
        server = starting.enter_context(_git_server(root, known.port, self._address(2)[1]))
        if data is not None:
            given = {str(directory): paths[path] for path, directory in git_directories(paths).items()}
            Addresses(port=server.port, paths={**known.paths, **given}).write(data)
        self.repository_urls = {path: f"{server.url}{url_path}" for path, url_path in paths.items()}
        return server.url

    def _variables(self) -> dict[str, str]:
        return {**_DEFAULTS, **self._settings.variables}

    def _allowed_origins(self, git_url: str) -> str:
        origins = self._settings.variables.get("ALLOWED_ORIGINS", ",".join(DEFAULT_ORIGINS))
        return f"{origins},{git_url}"

    def _local_functions(self) -> list[LocalFunction]:
        return [
            LocalFunction(
                name=spec.name,
                handler=spec.handler,
                timeout=spec.timeout,
                memory=spec.memory,
                environment=self.environment.of(spec),
                concurrency=spec.concurrency or (2 if spec.name in _TWO_AT_ONCE else 1),
            )
            for spec in function_specs.functions_of(accepts_tokens=self._accepts_tokens)
        ]

    def _authorizer(self) -> Authorizer:
        settings = load(Settings, self._settings.variables)
        operators = {} if settings.operator_claim is None else {settings.operator_claim: settings.operator_value}
        return Authorizer(self._invoker(function_specs.LIVE_AUTHORIZER), operators)

    @property
    def _accepts_tokens(self) -> bool:
        return "JWT_ISSUER" in self._settings.variables

    def _invoke(self, name: str, event: dict[str, Any]) -> Any:  # noqa: ANN401 - a function can answer any JSON
        if self._interfere is not None:
            return self._interfere(self.functions.invoke, name, event)
        return self.functions.invoke(name, event)

    def _answer(self, name: str, event: dict[str, Any]) -> Any:  # noqa: ANN401 - a function can answer any JSON
        """Invoke a function for somebody who waits for its answer."""
        with self._right_of_way.taken():
            return self._invoke(name, event)

    def _invoker(self, spec: FunctionSpec) -> Callable[[dict[str, Any]], Any]:
        return partial(self._invoke, spec.name)


def _websocket_gateway(
    invoke: Invoke, address: tuple[str, int], authorizer: Authorizer | None, guard: Guard
) -> WebSocketGateway:
    try:
        return WebSocketGateway(invoke, address, authorizer, guard)
    except OSError:
        return WebSocketGateway(invoke, (address[0], 0), authorizer, guard)


def _git_server(root: Path, known_port: int, wished_port: int) -> GitServer:
    """Return a server on the port that earlier addresses have, or the first time on the wished one or any."""
    root.mkdir(parents=True, exist_ok=True)
    if known_port:
        try:
            return GitServer(root, port=known_port)
        except OSError as error:
            raise PortTakenError(
                f"cannot serve repositories on port {known_port}, as their addresses in the watchlist say: "
                f"{error.strerror or error}"
            ) from error
    try:
        return GitServer(root, port=wished_port)
    except OSError:
        return GitServer(root)


class _LogHandler(logging.StreamHandler[TextIO]):
    """Says once that lines cannot be written, as on a full disk, in place of a traceback for each."""

    _has_said = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the base class names it so
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._has_said:
            self._has_said = True
            with contextlib.suppress(OSError):  # stderr can be on the same disk
                sys.stderr.write(f"The log cannot be written: {error.strerror or error}\n")


class _Log:
    """Where this service's own log lines and those of all its processes go."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._logger = logging.getLogger("local_service")

    def __enter__(self) -> Self:
        if self._path is None:
            self.descriptor = os.dup(2)
        else:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self.descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
        self._stream = os.fdopen(os.dup(self.descriptor), "w", encoding="utf-8")
        self._handler = _LogHandler(self._stream)
        self._handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        self._logger.addHandler(self._handler)
        self._logger.setLevel(logging.INFO)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._logger.removeHandler(self._handler)
        with contextlib.suppress(OSError):  # what a full disk did not take before, it does not take now
            self._stream.close()
        os.close(self.descriptor)
