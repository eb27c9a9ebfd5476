"""What tests of checks and jobs share: a host that a test rules, and entries as people and tasks make them."""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler
from types import ModuleType
from typing import Any

import boto3
from dulwich.protocol import pkt_line

from local_service.aws import embedded as embedded_aws
from local_service.functions.host import Context
from local_service.provisioning import Environment
from tests.hostile_server import ADVERTISEMENT, reply
from watchlist import clock, limits
from watchlist.alerts import store as alert_store
from watchlist.alerts.settings import AlertKind
from watchlist.deployment import functions as function_specs
from watchlist.git.requests import GitHosts
from watchlist.job_kinds import JobKind
from watchlist.jobs import protocol as job_protocol
from watchlist.jobs.message import JobMessage
from watchlist.jobs.protocol import Launch, Lease
from watchlist.jobs.queue import JobQueue
from watchlist.repository_url import Repository
from watchlist.storage.records import Entry, RepositoryKey, WatchlistItem
from watchlist.watching import entries, user_entries
from watchlist.watching.adding import Adding, Watch

OLD, NEW = "a" * 40, "b" * 40
DAY = timedelta(days=1)


@dataclass
class Host:
    """A host of repositories that are nothing but a HEAD.

    Attributes:
        heads: of those whose HEAD is not OLD, by name.
        statuses: of those that answer otherwise.
        moved: the names to which the host redirects, by their former ones.
        tags: of all repositories, with what they stand for.
        shown: the Authorization of each request.
    """

    heads: dict[str, str] = field(default_factory=dict)
    branch: str = "main"
    statuses: dict[str, int] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    origin: str = ""
    requests: list[str] = field(default_factory=list)
    shown: list[str | None] = field(default_factory=list)

    def respond(self, handler: BaseHTTPRequestHandler) -> None:
        self.shown.append(handler.headers.get("Authorization"))
        name = handler.path.split("/")[2]
        if name in self.statuses:
            reply(handler, status=self.statuses[name])
            return
        if name in self.moved:
            path = handler.path.replace(f"/owner/{name}/", f"/owner/{self.moved[name]}/")
            reply(handler, status=301, location=path)
            return
        if handler.command == "GET":
            reply(handler, ADVERTISEMENT)
            return
        head = self.heads.get(name, OLD)
        refs = [f"{head} HEAD symref-target:refs/heads/{self.branch}"]
        if b"ref-prefix refs/tags/" in getattr(handler, "body", b""):
            refs += [f"{oid} refs/tags/{tag}" for tag, oid in self.tags.items()]
        reply(handler, b"".join(pkt_line(f"{ref}\n".encode()) for ref in refs) + b"0000")


@dataclass
class Scheduler:
    """The function with the settings of a test."""

    module: ModuleType

    def run(self, seconds: float = 300) -> dict[str, int]:
        name = function_specs.SCHEDULER.name
        context = Context(
            function_name=name,
            function_version="$LATEST",
            invoked_function_arn=f"arn:aws:lambda:eu-west-1:123456789012:function:{name}",
            memory_limit_in_mb="512",
            aws_request_id=uuid.uuid4().hex,
            log_group_name="test",
            log_stream_name="test",
            deadline=time.time() + seconds,
        )
        counts: dict[str, int] = self.module.handler({}, context)
        return counts


ConfigureScheduler = Callable[..., Scheduler]


@dataclass(frozen=True)
class Watchlist:
    """Entries as people and tasks make them."""

    host: Host
    queue: JobQueue

    def add(self, name: str, *users: str, alerts: Mapping[str, Any] | None = None) -> Entry:
        """Let users watch a repository; its setup job is queued."""
        for user in users or ("ada",):
            watch = Watch(Repository(self.host.origin, "owner", name), user, alerts or {}, None)
            added = Adding(self.queue, "correlation", clock.now()).add(watch)
        return added.entry

    def claim(self, entry: Entry) -> Lease:
        """Take the entry's open job as a task would."""
        message = job_protocol.message_of(entries.find(entry.watchlist_id))
        launch = Launch(message, uuid.uuid4().hex, 1, 1)
        job_protocol.begin_launch(launch, clock.now())
        lease, _ = Lease.claim(launch, timedelta(minutes=5), clock.now())
        return lease

    def complete(self, entry: Entry, **attributes: Any) -> Entry:
        """Let a task complete the entry's open job with HEAD at OLD, unless told otherwise."""
        now = clock.now()
        result = {
            "head_sha": OLD,
            "default_branch": "main",
            "checked_at": now,
            "scorecard_checked_at": now,
            "scorecard_head_sha": OLD,
        } | attributes
        self.claim(entry).complete(result, now)
        return entries.find(entry.watchlist_id)

    def add_ready(self, name: str, *users: str, **attributes: Any) -> Entry:
        """Return an entry that is ready and was checked two days ago, so that its check is due."""
        ago = clock.now() - 2 * DAY
        return self.complete(self.add(name, *users), **({"checked_at": ago} | attributes))


def messages(environment: Environment, kind: JobKind) -> list[JobMessage]:
    """Return the messages of a queue, which then are in flight."""
    arguments: Any = embedded_aws.client_arguments(environment.url)
    sqs = boto3.client("sqs", **arguments)
    found: list[JobMessage] = []
    while received := sqs.receive_message(QueueUrl=environment.queues[kind].url, MaxNumberOfMessages=10).get(
        "Messages"
    ):
        found += [JobMessage.model_validate_json(message["Body"]) for message in received]
    return found


def told(entry: Entry, user: str = "ada") -> list[str]:
    """Return what a user was told of names."""
    start = datetime.min.replace(tzinfo=clock.now().tzinfo)
    page = alert_store.page(entries.user_watchlist_id_of(entry.watchlist_id, user), start, 100, None)
    alerts = [record.alert for record in page.alerts]
    return [alert["message"] for alert in alerts if alert["kind"] == AlertKind.REPOSITORY_RENAMED]


def add(watchlist: Watchlist, name: str, user: str, reader: GitHosts | None = None) -> Entry:
    watch = Watch(Repository(watchlist.host.origin, "owner", name), user, {}, None)
    return Adding(watchlist.queue, "correlation", clock.now(), reader).add(watch).entry


def leave(entry: Entry, user: str) -> None:
    user_entry = user_entries.find(entries.user_watchlist_id_of(entry.watchlist_id, user), None)
    user_entries.stop_watching(user_entry, clock.now())


def keys() -> set[str]:
    return {item.pk.rpartition("/")[2] for item in WatchlistItem.scan() if isinstance(item, RepositoryKey)}


def check_again(entry: Entry, scheduler: Scheduler) -> Entry:
    """Let the next run look at the entry, whenever that was due."""
    entry = entries.find(entry.watchlist_id)
    entry.update(actions=[Entry.due_at.set(clock.now()), Entry.checked_at.set(entry.created_at - limits.RAREST_CHECK)])
    scheduler.run()
    return entries.find(entry.watchlist_id)
