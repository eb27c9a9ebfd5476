"""The functions that tell people, as processes, with the streams and the queue read only when a test says so."""

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import boto3
import pytest

from local_service.aws import embedded as embedded_aws
from local_service.aws.embedded import EmbeddedAws
from local_service.functions.processes import FunctionProcesses, LocalFunction
from local_service.functions.queue_poller import QueuePoller
from local_service.functions.stream_poller import StreamPoller
from local_service.provisioning import Environment, provision
from tests.alerts import files_changed
from tests.integration.reach import reaching
from tests.webhook_receiver import Receiver
from watchlist import clock
from watchlist.alerts import store as alert_store
from watchlist.alerts.alert import Alert
from watchlist.deployment import functions as function_specs
from watchlist.deployment import routes, stream_consumers
from watchlist.deployment.function_spec import FunctionSpec
from watchlist.notifications import digests
from watchlist.states import EntryStatus, JobState
from watchlist.storage.records import ENTRY_KEY, Digest, Entry, UserEntry
from watchlist.watching import user_entries
from watchlist.watching.entries import user_watchlist_id_of

USER = "ada@example.org"
SPECS = (
    function_specs.EVENT_PUBLISHER,
    function_specs.ALERT_COLLECTOR,
    function_specs.DIGEST,
    function_specs.WEBHOOK_SENDER,
    routes.CHANGE_NOTIFICATIONS.function,
)


@pytest.fixture(scope="package")
def receiver_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with Receiver(tmp_path_factory.mktemp("receiver")) as receiver:
        yield receiver


@dataclass
class Told:
    """The running parts."""

    aws: EmbeddedAws
    environment: Environment
    functions: FunctionProcesses
    streams: list[StreamPoller]
    webhooks: QueuePoller
    sqs: Any
    event_queue_url: str
    email_queue_url: str

    def read_streams(self) -> None:
        """Let every consumer read all that was written."""
        for poller in self.streams:
            while poller.poll():
                pass

    def read_streams_again(self) -> None:
        """Let every consumer read all that was ever written, as after a lost checkpoint."""
        for poller in self.streams:
            again = poller.from_the_beginning()
            while again.poll():
                pass

    def deliver(self) -> None:
        """Let all webhooks be called that wait for it."""
        while self.webhooks.poll():
            pass

    def send_digests(self) -> int:
        return int(self.functions.invoke(function_specs.DIGEST.name, {})["sent"])

    def events(self, watchlist_id: str) -> list[dict[str, Any]]:
        """Return the bus's events of one entry."""
        return [event for event in self._drain(self.event_queue_url) if event["detail"]["watchlist_id"] == watchlist_id]

    def forget_deliveries(self) -> None:
        """Forget those that rest, too."""
        self.sqs.purge_queue(QueueUrl=self.environment.webhook_queue.url)

    def emails(self) -> list[dict[str, Any]]:
        return self._drain(self.email_queue_url)

    def depth(self, url: str) -> int:
        names: Any = [f"ApproximateNumberOfMessages{each}" for each in ("", "NotVisible", "Delayed")]
        attributes = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(attributes[name]) for name in names)

    def _drain(self, url: str) -> list[dict[str, Any]]:
        bodies = []
        while messages := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                bodies.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies


@pytest.fixture(scope="package")
def told_parts(receiver_server: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with ExitStack() as running:
        aws = running.enter_context(EmbeddedAws(sys.stderr.fileno()))
        variables = {
            "GIT_CLONE_DIR": str(tmp_path_factory.mktemp("clones")),
            "MAX_SETUP_TASKS": "1",
            "MAX_REFRESH_TASKS": "1",
            **receiver_server.variables,
            "LIVE_ENDPOINT_URL": "http://127.0.0.1:9",
            "WEBHOOK_RETRY_SECONDS": "0.001",
        }
        environment = provision(aws.url, variables)
        functions = running.enter_context(
            FunctionProcesses(
                [LocalFunction(spec.name, spec.handler, spec.timeout, environment.of(spec)) for spec in SPECS],
                sys.stderr.fileno(),
            )
        )
        functions.warm_up(spec.name for spec in SPECS)
        running.enter_context(reaching(aws, environment))
        yield _connect(aws, environment, functions)


def _connect(aws: EmbeddedAws, environment: Environment, functions: FunctionProcesses) -> Told:
    arguments: Any = embedded_aws.client_arguments(aws.url)
    sqs = boto3.client("sqs", **arguments)
    events = boto3.client("events", **arguments)
    bus = environment.variables["EVENT_BUS_NAME"]
    event_queue, event_queue_arn = _queue(sqs, "events-seen")
    events.put_rule(Name="all", EventBusName=bus, EventPattern=json.dumps({"source": ["repository-watchlist"]}))
    events.put_targets(Rule="all", EventBusName=bus, Targets=[{"Id": "queue", "Arn": event_queue_arn}])
    email_queue, email_queue_arn = _queue(sqs, "emails-seen")
    topic = environment.variables["NOTIFICATION_TOPIC_ARN"]
    boto3.client("sns", **arguments).subscribe(TopicArn=topic, Protocol="sqs", Endpoint=email_queue_arn)
    streams = boto3.client("dynamodbstreams", **arguments)

    def invoke(spec: FunctionSpec, event: dict[str, Any]) -> Any:
        return functions.invoke(spec.name, event)

    consumers = (stream_consumers.ENTRY_EVENTS, stream_consumers.ALERT_EVENTS, stream_consumers.ALERT_DIGESTS)
    return Told(
        aws,
        environment,
        functions,
        [
            StreamPoller(
                streams,
                environment.streams[consumer.table.name],
                consumer,
                lambda event, spec=consumer.function: invoke(spec, event),  # type: ignore[misc] # no type for a default
            )
            for consumer in consumers
        ],
        QueuePoller(sqs, environment.webhook_queue, lambda event: invoke(function_specs.WEBHOOK_SENDER, event)),
        sqs,
        event_queue,
        email_queue,
    )


def _queue(sqs: Any, name: str) -> tuple[str, str]:
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


@pytest.fixture
def receiver(receiver_server: Receiver) -> Receiver:
    receiver_server.calls.clear()
    receiver_server.status = 204
    receiver_server.retry_after = None
    return receiver_server


@pytest.fixture
def told(told_parts: Told, receiver: Receiver) -> Iterator[Told]:
    del receiver
    told_parts.read_streams()
    told_parts.emails()
    told_parts.forget_deliveries()
    yield told_parts
    told_parts.aws.inject()


@dataclass
class Watch:
    """One user's watch on one repository."""

    watchlist_id: str
    entry: Entry

    @property
    def user_watchlist_id(self) -> str:
        return user_watchlist_id_of(self.watchlist_id, USER)

    @property
    def user_entry(self) -> UserEntry:
        return user_entries.find(self.user_watchlist_id, None)

    def choose(self, told: Told, body: dict[str, Any]) -> dict[str, Any]:
        """Set the notifications over HTTP and return the answer."""
        return self._call(told, "PUT", "", body)

    def test(self, told: Told) -> dict[str, Any]:
        """Ask for a test of the webhook over HTTP and return the answer."""
        return self._call(told, "POST", "/test", None)

    def _call(self, told: Told, method: str, below: str, body: dict[str, Any] | None) -> dict[str, Any]:
        path = f"/activity/user-watchlist-notifications/{self.user_watchlist_id}{below}"
        event = {
            "version": "2.0",
            "routeKey": f"{method} /activity/user-watchlist-notifications/{{user_watchlist_id}}{below}",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {"content-type": "application/json"},
            "pathParameters": {"user_watchlist_id": self.user_watchlist_id},
            "requestContext": {
                "http": {"method": method, "path": path},
                "authorizer": {"iam": {"accountId": "123456789012"}},
                "requestId": "r",
                "stage": "$default",
            },
            "isBase64Encoded": False,
        }
        if body is not None:
            event["body"] = json.dumps(body)
        answer: dict[str, Any] = told.functions.invoke(routes.CHANGE_NOTIFICATIONS.function.name, event)
        return {"status": answer["statusCode"], **json.loads(answer["body"])}

    def raise_alert(self, alert_id: str | None = None, at: datetime | None = None) -> str:
        """Store an alert, as a refresh does, and return its id."""
        alert = files_changed(alert_id)
        alert_store.put(self.user_watchlist_id, self.watchlist_id, alert, at or clock.now())
        return alert.id

    @property
    def alerts(self) -> list[Alert]:
        """All that was raised, newest first."""
        page = alert_store.page(self.user_watchlist_id, clock.now() - timedelta(days=1), 100, None)
        return [Alert.model_validate(record.alert) for record in page.alerts]

    @property
    def digest(self) -> Digest:
        found = digests.find(self.user_watchlist_id)
        assert found is not None
        return found

    def let_time_pass(self, duration: timedelta) -> None:
        """Move the digest's moments into the past."""
        digest = self.digest

        def earlier(moment: datetime | None) -> datetime | None:
            return None if moment is None else moment - duration

        digest.last_sent_at, digest.due_at = earlier(digest.last_sent_at), earlier(digest.due_at)
        digest.save()

    def leave(self) -> None:
        user_entries.find(self.user_watchlist_id, None).delete()


@pytest.fixture
def watch(told: Told) -> Watch:
    del told
    return _watch()


@pytest.fixture
def another_watch(told: Told) -> Watch:
    del told
    return _watch()


def _watch() -> Watch:
    now = clock.now()
    watchlist_id = f"watchlist_a_{uuid4().hex}_1"
    entry = Entry(
        watchlist_id,
        ENTRY_KEY,
        watchlist_id=watchlist_id,
        origin="https://github.com",
        owner="a",
        name="b",
        created_at=now,
        watchers=1,
        status=EntryStatus.PROCESSING,
        processing_started_at=now,
        generation=1,
        job_id="job",
        job_kind="repository-setup",
        job_state=JobState.RUNNING,
        job_queued_at=now,
        correlation_id="correlation",
        delivery=0,
        attempt=1,
        claimed_attempt=1,
    )
    entry.save()
    UserEntry(
        watchlist_id,
        UserEntry.sk_of(USER),
        watchlist_id=watchlist_id,
        user_watchlist_id=user_watchlist_id_of(watchlist_id, USER),
        user=USER,
        added_order=f"{now.isoformat()}#{watchlist_id}",
        added_at=now,
        alerts={},
    ).save()
    return Watch(watchlist_id, entry)
