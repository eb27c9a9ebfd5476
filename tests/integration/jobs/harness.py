"""The service with its real functions and real worker against the embedded AWS, driven one step at a time."""

import contextlib
import functools
import importlib
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from local_service.aws.embedded import client_arguments
from local_service.functions import queue_poller
from local_service.functions.host import Context
from local_service.gateways.http import HttpRequest, HttpResponse, event_of, find_route, response_of
from local_service.provisioning import Environment
from tasks.analysis import Job, JobResult, Tools
from tasks.job import Worker
from tests.integration.recording import Killed
from watchlist import clock
from watchlist.deployment.functions import TASK_CONTAINER, functions_of
from watchlist.deployment.routes import ADD, RETRY, ROUTES, STATUS
from watchlist.health.scorecard import ScorecardResult, ScorecardSource
from watchlist.job_kinds import JobKind
from watchlist.jobs import protocol as job_protocol
from watchlist.jobs.message import JobMessage
from watchlist.jobs.stopped_tasks import launch_of
from watchlist.repository_url import Repository
from watchlist.settings import JobSettings, TaskSettings, load
from watchlist.storage import records
from watchlist.storage.records import Entry

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

SETUP = JobKind.REPOSITORY_SETUP
URL = "https://github.com/pallets/flask"
SLOTS = 3
"""As many setups may run at once."""

_DECIDED: Any = ["VisibilityTimeout", "MessageRetentionPeriod", "RedrivePolicy"]
"""What provisioning decides about a queue."""

_DEPTHS: Any = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
]

Analyse = Callable[[Job], JobResult]


class ControlledClock:
    """The service's clock, which only goes on by itself and can be put forward."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def advance(self, duration: timedelta) -> None:
        self._ahead += duration


class RecordingEcs:
    """Hands RunTask on to the embedded AWS, remembers what was launched, and refuses when told to."""

    def __init__(self, ecs: "ECSClient") -> None:
        self._ecs = ecs
        self.refusals: deque[Exception | dict[str, Any]] = deque()
        self.calls: list[dict[str, Any]] = []
        self.tasks: list[JobSettings] = []

    def run_task(self, **call: Any) -> Any:
        self.calls.append(call)
        if self.refusals:
            refusal = self.refusals.popleft()
            if isinstance(refusal, Exception):
                raise refusal
            return {"tasks": [], "failures": [refusal]}
        response = self._ecs.run_task(**call)
        (override,) = call["overrides"]["containerOverrides"]
        self.tasks.append(JobSettings.model_validate({each["name"]: each["value"] for each in override["environment"]}))
        return response


def client_error(code: str, message: str, status: int = 400) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "RunTask")


@dataclass
class Harness:
    """One fresh service.

    Attributes:
        tools: what the last analysis was given to work with.
        receipts: the receipt handle of each receive, the latest last, with its queue.
    """

    environment: Environment
    monkeypatch: Any
    clock: ControlledClock
    functions: Mapping[str, ModuleType]
    variables: Mapping[str, str]
    receipts: list[tuple[str, str]] = field(default_factory=list)
    ran: int = 0
    tools: Tools = field(init=False)

    def __post_init__(self) -> None:
        self.sqs: Any = _client("sqs", self.environment.url)
        self.ecs = RecordingEcs(_client("ecs", self.environment.url))
        self.monkeypatch.setattr(self.functions["dispatcher"].launcher(), "_ecs", self.ecs)

    # HTTP

    def http(self, method: str, path: str, body: bytes = b"", content_type: str = "application/json") -> HttpResponse:
        request = HttpRequest(
            method, path.partition("?")[0], path.partition("?")[2], {"content-type": content_type}, body
        )
        match = find_route(ROUTES, method, request.path)
        if match is None:
            raise AssertionError(path)
        event = event_of(request, match, self.clock.now(), "request-1")
        return response_of(json.loads(json.dumps(self.invoke(match.route.function.name, event))))

    def post(self, url: str = URL, user: str = "ada") -> HttpResponse:
        return self.http("POST", ADD.path, json.dumps({"repo_url": url, "added_by": user}).encode())

    def add(self, url: str = URL, user: str = "ada") -> str:
        response = self.post(url, user)
        if response.status not in {200, 202}:
            raise AssertionError(response)
        return str(json.loads(response.body)["watchlist_id"])

    def add_all(self, *names: str, user: str = "ada") -> list[str]:
        """Add repositories one by one and let the dispatcher see each."""
        ids = []
        for name in names:
            ids.append(self.add(f"https://github.com/owner/{name}", user))
            self.dispatch()
        return ids

    def fill(self) -> None:
        """Let as many setups run as may."""
        self.add_all(*(f"full-{number}" for number in range(SLOTS)), user="early")
        if len(self.ecs.tasks) != SLOTS:
            raise AssertionError(self.ecs.tasks)

    def retry(self, watchlist_id: str) -> HttpResponse:
        return self.http("POST", RETRY.path.replace("{watchlist_id}", watchlist_id))

    def status(self, watchlist_id: str) -> dict[str, Any]:
        response = self.http("GET", STATUS.path.replace("{watchlist_id}", watchlist_id))
        answer: dict[str, Any] = json.loads(response.body)
        return answer

    # Functions

    def invoke(self, name: str, event: Any) -> Any:
        context = Context(name, "$LATEST", f"arn:aws:lambda:::function:{name}", "512", "id", "group", "stream", 0)
        object.__setattr__(context, "deadline", datetime.now(UTC).timestamp() + 60)
        return self.functions[name].handler(event, context)

    def reconcile(self) -> dict[str, int]:
        result: dict[str, int] = self.invoke("reconciler", {})
        return result

    def restart(self, at: datetime | None = None) -> None:
        """Let the reconciler do what it does when the whole service was ended and starts again."""
        self.invoke("reconciler", {"detail": {"restarted_at": clock.to_json(at or self.clock.now())}})

    def receive(self, kind: JobKind = SETUP) -> "list[MessageTypeDef]":
        url = self.environment.queues[kind].url
        messages: list[MessageTypeDef] = self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"], WaitTimeSeconds=0
        ).get("Messages", [])
        self.receipts += [(url, message["ReceiptHandle"]) for message in messages]
        return messages

    def serve(self, messages: "list[MessageTypeDef]", kind: JobKind = SETUP) -> None:
        """Call the dispatcher and delete what it reports as handled, as Lambda does."""
        queue = self.environment.queues[kind]
        answer = self.invoke("dispatcher", queue_poller.event_of(messages, queue.arn))
        failed = queue_poller.failed_ids(answer, [message["MessageId"] for message in messages])
        for message in messages:
            if message["MessageId"] not in failed:
                self.sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=message["ReceiptHandle"])

    def dispatch(self, kind: JobKind = SETUP) -> int:
        """Serve one batch; return how many messages there were."""
        messages = self.receive(kind)
        if messages:
            with contextlib.suppress(Killed):
                self.serve(messages, kind)
        return len(messages)

    def dispatch_unheard(self) -> None:
        """Serve one batch whose answer is lost, so that nothing is deleted."""
        queue = self.environment.queues[SETUP]
        self.invoke("dispatcher", queue_poller.event_of(self.receive(), queue.arn))

    def stop_task(self, job: JobSettings, *, exit_code: int | None = 0, **detail: Any) -> None:
        """Report the end of a task."""
        container = {"name": TASK_CONTAINER, "lastStatus": "STOPPED"} | (
            {} if exit_code is None else {"exitCode": exit_code}
        )
        environment = [{"name": name, "value": value} for name, value in job.to_environment().items()]
        event = {
            "detail-type": "ECS Task State Change",
            "detail": {
                "taskArn": "arn:aws:ecs:us-east-1:123456789012:task/watchlist/1",
                "lastStatus": "STOPPED",
                "stopCode": "EssentialContainerExited",
                "stoppedReason": "Essential container in task exited",
                "containers": [container],
                "overrides": {"containerOverrides": [{"name": TASK_CONTAINER, "environment": environment}]},
                **detail,
            },
        }
        self.invoke("task_stopped", event)

    # Tasks

    def worker(self, job: JobSettings, **variables: str) -> Worker:
        settings = load(TaskSettings, {**self.variables, **variables})
        return Worker(settings, job, launch_of(job), Logger(service="job"))

    def work(self, job: JobSettings, analyse: Analyse | None = None, **variables: str) -> None:
        """Run a launched task to its end, with `analyse` in place of the real work."""
        with self.monkeypatch.context() as patch:
            done = analyse or (lambda _: analysis())

            def stand_in(_entry: Entry, tools: Tools, job: Job, _now: datetime) -> JobResult:
                self.tools = tools
                return done(job)

            patch.setattr("tasks.analysis.analyse", stand_in)
            self.worker(job, **variables).run()

    def run_new_tasks(self, analyse: Analyse | None = None) -> None:
        while self.ran < len(self.ecs.tasks):
            self.ran += 1
            self.work(self.ecs.tasks[self.ran - 1], analyse)

    # Queues

    def lapse(self) -> None:
        """Let the invisibility of all messages in flight run out."""
        for url, receipt in self.receipts:
            with contextlib.suppress(ClientError):
                self.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0)
        self.receipts.clear()

    def queue_url(self, kind: JobKind = SETUP) -> str:
        return self.environment.queues[kind].url

    def depth(self, kind: JobKind = SETUP) -> int:
        return _depth(self.sqs, self.environment.queues[kind].url)

    def dead_letters(self, kind: JobKind = SETUP) -> "list[JobMessage]":
        """Return the jobs whose messages are in the dead-letter queue, which stay there."""
        return [JobMessage.model_validate_json(body) for body in self.dead_letter_bodies(kind)]

    def dead_letter_bodies(self, kind: JobKind = SETUP) -> list[str]:
        url = self.environment.dead_letter_queues[kind].url
        messages = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            self.sqs.change_message_visibility(
                QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )
        return [message["Body"] for message in messages]

    def redrive(self, kind: JobKind = SETUP) -> int:
        """Move every message of the dead-letter queue back, as new messages, which is what a move task does."""
        source, target = self.environment.dead_letter_queues[kind].url, self.environment.queues[kind].url
        messages = self.sqs.receive_message(QueueUrl=source, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            self.sqs.send_message(QueueUrl=target, MessageBody=message["Body"])
            self.sqs.delete_message(QueueUrl=source, ReceiptHandle=message["ReceiptHandle"])
        return len(messages)

    # The whole

    def settle(self, analyse: Analyse | None = None, rounds: int = 20) -> None:
        """Let queue, dispatcher and tasks run until no message is left."""
        for _ in range(rounds):
            self.lapse()
            if not self.dispatch() and not self.depth():
                return
            self.run_new_tasks(analyse)
        raise AssertionError("the queue does not come to rest")

    def entry(self, watchlist_id: str) -> Entry:
        entry = job_protocol.find_entry(watchlist_id)
        if entry is None:
            raise AssertionError(watchlist_id)
        return entry


def analysis() -> JobResult:
    """A result as the real work returns it."""
    now = datetime.now(UTC)
    scorecard = ScorecardResult(
        score=7.5, source=ScorecardSource.PUBLISHED, head="1" * 40, obtained_at=now, date=now, checks=()
    )
    attributes = {
        "head_sha": "1" * 40,
        "default_branch": "main",
        "commits": 3,
        "bad_commits": 0,
        "history_since": now - timedelta(days=365),
        "history_notes": [],
        "score": 7.5,
        "score_reason": None,
        "analyzed_at": now,
    }
    return JobResult(attributes, scorecard, bytes_received=10)


def start_functions(environment: Environment) -> Mapping[str, ModuleType]:
    """Start all functions in this process, each with its own variables, whatever they were started with before."""
    modules = {spec: importlib.import_module(spec.module) for spec in functions_of(accepts_tokens=False)}
    for spec, module in modules.items():
        module.function.start(environment.of(spec))
    return {spec.name: module for spec, module in modules.items()}


_BATCH = 25
"""Deletions of one BatchWriteItem call: the most that DynamoDB takes."""


def clean(environment: Environment, variables: Mapping[str, str]) -> None:
    """Empty tables and queues."""
    sqs, dynamodb = _client("sqs", environment.url), _client("dynamodb", environment.url)
    for queue in (*environment.dead_letter_queues.values(), *environment.queues.values()):
        if not _depth(sqs, queue.url):
            continue  # most tests leave most queues empty, and emptying one takes longer than many a test
        attributes = sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=_DECIDED)["Attributes"]
        sqs.delete_queue(QueueUrl=queue.url)  # purging is allowed once a minute only
        sqs.create_queue(QueueName=queue.name, Attributes=dict(attributes))
    for table in (variables["WATCHLIST_TABLE"], variables["ACTIVITY_TABLE"]):
        # moto sorts the whole table for each page of a scan, so the pages are as large as they can be.
        pages = list(dynamodb.get_paginator("scan").paginate(TableName=table, ProjectionExpression="pk, sk"))
        deletions = [{"DeleteRequest": {"Key": key}} for page in pages for key in page["Items"]]
        for start in range(0, len(deletions), _BATCH):
            dynamodb.batch_write_item(RequestItems={table: deletions[start : start + _BATCH]})


@functools.cache
def _client(service: Any, url: str) -> Any:
    arguments: Any = client_arguments(url)
    return boto3.client(service, **arguments)


def user_entries(watchlist_id: str) -> Iterator[str]:
    """Yield who watches an entry."""
    for item in records.WatchlistItem.query(watchlist_id):
        if isinstance(item, records.UserEntry):
            yield item.user


def key_of(url: str) -> str:
    """Return the hash key under which a repository's entry is found."""
    owner, name = url.split("/")[-2:]
    return records.RepositoryKey.pk_of(Repository("https://github.com", owner, name))


def _depth(sqs: Any, url: str) -> int:
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=_DEPTHS)["Attributes"]
    return sum(int(attributes[name]) for name in _DEPTHS)
