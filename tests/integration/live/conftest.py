"""The live functions as processes, the WebSocket gateway and the stream, with entries that tests write as tasks do."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import boto3
import pytest
from websockets.sync.client import ClientConnection, connect

from local_service.aws import embedded as embedded_aws
from local_service.aws.embedded import EmbeddedAws
from local_service.functions.processes import FunctionProcesses, LocalFunction
from local_service.functions.stream_poller import StreamPoller
from local_service.gateways.websocket import WebSocketGateway
from local_service.provisioning import provision
from tests import waiting
from tests.integration.reach import reaching
from tests.waiting import SECONDS
from watchlist import clock
from watchlist.deployment import functions as function_specs
from watchlist.deployment import routes, stream_consumers
from watchlist.job_kinds import JobKind
from watchlist.jobs import protocol as job_protocol
from watchlist.jobs.protocol import Launch, Lease
from watchlist.live import connections as live_connections
from watchlist.repository_url import DEFAULT_ORIGINS
from watchlist.states import EntryStatus
from watchlist.storage.records import ENTRY_KEY, Entry, Subscription, UserEntry


@dataclass
class Live:
    """The running parts.

    Attributes:
        before_open: called when `$connect` has agreed and before the connection opens.
    """

    aws: EmbeddedAws
    functions: FunctionProcesses = field(init=False)
    url: str = ""
    activity_stream: str = ""
    management_url: str = ""
    poller: StreamPoller | None = None
    before_open: Callable[[], None] = field(default=lambda: None)

    def connect(self, watchlist_id: str, query: str = "") -> ClientConnection:
        return connect(f"{self.url}/?watchlist_id={watchlist_id}{query}", proxy=None)

    def invoke(self, name: str, event: dict[str, Any]) -> Any:
        answer = self.functions.invoke(name, event)
        if name == routes.LIVE_CONNECT.function.name:
            self.before_open()
        return answer

    def status(self, watchlist_id: str, query: dict[str, str]) -> dict[str, Any]:
        """Ask for it over HTTP."""
        path = f"/activity/watchlist/{watchlist_id}/status"
        event = {
            "version": "2.0",
            "routeKey": "GET /activity/watchlist/{watchlist_id}/status",
            "rawPath": path,
            "headers": {},
            "queryStringParameters": query,
            "pathParameters": {"watchlist_id": watchlist_id},
            "requestContext": {
                "http": {"method": "GET", "path": path},
                "authorizer": {"iam": {"accountId": "123456789012"}},
                "requestId": "r",
                "stage": "$default",
            },
        }
        body: dict[str, Any] = json.loads(self.functions.invoke("status", event)["body"])
        return body


@pytest.fixture(scope="package")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with ExitStack() as running:
        aws = running.enter_context(EmbeddedAws(sys.stderr.fileno()))
        parts = Live(aws)
        gateway = WebSocketGateway(parts.invoke, ("127.0.0.1", 0))
        running.callback(gateway.close)
        settings = {
            "GIT_CLONE_DIR": str(tmp_path_factory.mktemp("clones")),
            "MAX_SETUP_TASKS": "1",
            "MAX_REFRESH_TASKS": "1",
            "LIVE_ENDPOINT_URL": gateway.management_url,
        }
        environment = provision(aws.url, settings)
        parts.activity_stream = environment.streams["activity"]
        specs = (
            *function_specs.LIVE_FUNCTIONS,
            function_specs.LIVE_PUBLISHER,
            function_specs.ALERT_COLLECTOR,
            routes.STATUS.function,
        )
        parts.functions = running.enter_context(
            FunctionProcesses(
                [LocalFunction(spec.name, spec.handler, spec.timeout, environment.of(spec)) for spec in specs],
                sys.stderr.fileno(),
            )
        )
        parts.functions.warm_up(spec.name for spec in specs)
        running.enter_context(reaching(aws, environment))
        arguments: Any = embedded_aws.client_arguments(aws.url)
        parts.poller = running.enter_context(
            StreamPoller(
                boto3.client("dynamodbstreams", **arguments),
                environment.streams["watchlist"],
                stream_consumers.LIVE_PUBLISHER,
                lambda event: parts.invoke(function_specs.LIVE_PUBLISHER.name, event),
            )
        )
        parts.url = running.enter_context(gateway).url
        parts.management_url = gateway.management_url
        yield parts


@dataclass
class WatchedRepository:
    """An entry, and the task that works on it."""

    entry: Entry
    lease: Lease | None = None

    @property
    def watchlist_id(self) -> str:
        return str(self.entry.watchlist_id)

    def start(self) -> Lease:
        launch = Launch(job_protocol.message_of(self.entry), uuid4().hex, 1, attempt=1)
        job_protocol.begin_launch(launch, clock.now() + timedelta(minutes=5))
        self.lease, _ = Lease.claim(launch, timedelta(minutes=5), clock.now())
        return self.lease

    def connections(self) -> list[Subscription]:
        return [each for page in live_connections.pages(self.watchlist_id, clock.now()) for each in page]

    def complete(self) -> None:
        """Let the task end well."""
        assert self.lease is not None
        self.lease.complete({"commits": 3, "head_sha": "a" * 40, "analyzed_at": clock.now()}, clock.now())

    def wait_for_connections(self, number: int) -> None:
        waiting.until(f"{number} connections", self.connections, lambda open_ones: len(open_ones) == number)


@pytest.fixture
def repository(live: Live) -> WatchedRepository:
    del live
    return make_repository("ada@example.org", "grace@example.org")


def make_repository(*users: str) -> WatchedRepository:
    now = clock.now()
    watchlist_id = f"watchlist_a_{uuid4().hex}_1"
    entry = Entry(
        watchlist_id,
        ENTRY_KEY,
        watchlist_id=watchlist_id,
        origin=DEFAULT_ORIGINS[0],
        owner="a",
        name="b",
        created_at=now,
        watchers=len(users),
        status=str(EntryStatus.PROCESSING),
        processing_started_at=now,
        generation=1,
        job_kind=str(JobKind.REPOSITORY_SETUP),
    )
    job_protocol.queued(entry, uuid4().hex, "correlation", now)
    entry.save()
    for user in users:
        UserEntry(
            watchlist_id,
            UserEntry.sk_of(user),
            watchlist_id=watchlist_id,
            user_watchlist_id=f"user_{user}",
            user=user,
            added_order=f"{now.isoformat()}#{watchlist_id}",
            added_at=now,
            alerts={},
        ).save()
    return WatchedRepository(entry)


def receive(connection: ClientConnection) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(connection.recv(SECONDS))
    return state


def receive_until(connection: ClientConnection, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Return the first state that is wanted; a state can come more than once, so others may come before."""
    while not wanted(state := receive(connection)):
        pass
    return state
