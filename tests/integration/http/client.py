"""Calls the real handlers as API Gateway does, and writes what a worker would have written."""

import gzip
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType, ModuleType
from typing import Any

from local_service.functions.host import Context
from local_service.gateways.http import Event, HttpRequest, event_of, find_route, response_of
from watchlist import clock
from watchlist.alerts import store as alert_store
from watchlist.alerts.alert import Alert
from watchlist.alerts.kind import AlertLevel
from watchlist.alerts.settings import AlertKind, AlertMetric, ThresholdKind
from watchlist.deployment import routes
from watchlist.errors import ErrorCode, JobError
from watchlist.health import store as health_store
from watchlist.health.analysis import Analysis
from watchlist.health.scorecard import no_score
from watchlist.history import metrics as history_metrics
from watchlist.history import store as history_store
from watchlist.history.commits import Commit, FileChange, Signature
from watchlist.history.people import People
from watchlist.history.store import Attempt
from watchlist.states import EntryStatus, JobState, Stage
from watchlist.storage import batches
from watchlist.storage.records import ENTRY_KEY, Entry, LastError

_NOT_THERE = JobError(ErrorCode.REPOSITORY_NOT_FOUND, "It is not there.")

FLASK = "https://github.com/pallets/flask"
CLICK = "https://github.com/pallets/click"
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def code(self) -> Any:
        return self.body["code"]


@dataclass(frozen=True)
class Client:
    """Sends requests in the name of `user`, if there is one, and of IAM if `signed`."""

    functions: Mapping[str, ModuleType]
    user: str | None = None
    signed: bool = False
    claims: Mapping[str, str] = field(default_factory=dict)
    seconds_left: float = 60

    def of(self, user: str) -> "Client":
        return Client(self.functions, user)

    def call(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] = MappingProxyType({})
    ) -> Answer:
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        path, _, query = path.partition("?")
        sent = {"content-type": "application/json", **{name.lower(): value for name, value in headers.items()}}
        return self.send(HttpRequest(method, path, query, sent, raw))

    def send(self, request: HttpRequest) -> Answer:
        match = find_route(routes.ROUTES, request.method, request.path)
        assert match is not None, request.path
        event = event_of(request, match, datetime.now(UTC), "request-1")
        response = response_of(self.invoke(match.route.function.name, self._authorized(event)))
        content_type = dict(response.headers)["content-type"]
        if dict(response.headers).get("content-encoding") == "gzip":
            response = replace(response, body=gzip.decompress(response.body))
        body = (
            json.loads(response.body)
            if response.body and content_type.partition(";")[0].endswith("json")
            else response.body.decode()
        )
        return Answer(response.status, dict(response.headers), body)

    def invoke(self, function: str, event: Event) -> Any:
        return json.loads(json.dumps(self.functions[function].handler(event, self.context(function))))

    def context(self, function: str) -> Context:
        ends = time.time() + self.seconds_left
        return Context(function, "$LATEST", f"arn:aws:lambda:::{function}", "512", "id", "log", "log", ends)

    def _authorized(self, event: Event) -> Event:
        if self.user is not None:
            event["requestContext"]["authorizer"] = {
                "jwt": {"claims": {"sub": self.user, **self.claims}, "scopes": None}
            }
        elif self.signed:
            event["requestContext"]["authorizer"] = {"iam": {"userArn": "arn:aws:iam::123456789012:user/operator"}}
        return event

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self.call("GET", path, headers=headers or {})

    def post(self, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
        return self.call("POST", path, body, headers or {})

    def put(self, path: str, body: object) -> Answer:
        return self.call("PUT", path, body, {})

    def patch(self, path: str, body: object = None, headers: Mapping[str, str] = MappingProxyType({})) -> Answer:
        return self.call("PATCH", path, body, headers)

    def delete(self, path: str) -> Answer:
        return self.call("DELETE", path, headers={})

    # What tests do often

    def add(self, url: str = FLASK, user: str = "ada") -> str:
        answer = self.post(routes.ADD.path, {"repo_url": url, "added_by": user})
        assert answer.status in {200, 202}, answer
        return str(answer.body["watchlist_id"])

    def add_batch(self, *items: object, headers: Mapping[str, str] | None = None) -> Answer:
        return self.post(routes.ADD_BATCH.path, {"items": list(items)}, headers)

    def status(self, watchlist_id: str, query: str = "", headers: Mapping[str, str] | None = None) -> Answer:
        return self.get(routes.STATUS.path.replace("{watchlist_id}", watchlist_id) + query, headers)

    def retry(self, watchlist_id: str) -> Answer:
        return self.post(routes.RETRY.path.replace("{watchlist_id}", watchlist_id))

    def commits(self, watchlist_id: str, query: str = "") -> Answer:
        return self.get(routes.COMMITS.path.replace("{watchlist_id}", watchlist_id) + query)

    def health(self, watchlist_id: str) -> Answer:
        return self.get(routes.HEALTH.path.replace("{watchlist_id}", watchlist_id))

    def watchlist(self, user: str = "ada", query: str = "") -> Answer:
        return self.get(f"{routes.USER_WATCHLIST.path}?user={user}{query}")

    def user_watchlist_id(self, watchlist_id: str, user: str = "ada") -> str:
        (mine,) = self.status(watchlist_id, f"?user={user}").body["user_watchlists"]
        return str(mine["user_watchlist_id"])

    def stop_watching(self, user_watchlist_id: str) -> Answer:
        return self.delete(routes.STOP_WATCHING.path.replace("{user_watchlist_id}", user_watchlist_id))

    def change_alerts(self, user_watchlist_id: str, settings: object) -> Answer:
        return self.put(routes.CHANGE_ALERTS.path.replace("{user_watchlist_id}", user_watchlist_id), settings)

    def alerts(self, user_watchlist_id: str, query: str = "") -> Answer:
        return self.get(routes.ALERTS.path.replace("{user_watchlist_id}", user_watchlist_id) + query)

    def acknowledge(self, alert_id: str) -> Answer:
        return self.patch(routes.ACKNOWLEDGE_ALERT.path.replace("{alert_id}", alert_id))

    def resolve(self, alert_id: str) -> Answer:
        return self.patch(routes.RESOLVE_ALERT.path.replace("{alert_id}", alert_id))

    def pages(self, path: str) -> Iterator[Any]:
        """Yield the items of each page until there is no cursor."""
        cursor = ""
        while True:
            answer = self.get(f"{path}{cursor}")
            assert answer.status == 200, answer
            yield answer.body["items"]
            if answer.body["next_cursor"] is None:
                return
            cursor = f"&cursor={answer.body['next_cursor']}"


def end_job(watchlist_id: str, status: EntryStatus) -> None:
    """Let the entry's job have ended."""
    failed = status is EntryStatus.FAILED
    reason = [Entry.last_error.set(LastError.of(_NOT_THERE, Stage.CLONING, clock.now()))] if failed else []
    Entry(watchlist_id, ENTRY_KEY).update(
        actions=[
            Entry.status.set(status),
            Entry.job_state.set(JobState.FAILED if failed else JobState.COMPLETED),
            *reason,
            Entry.processing_completed_at.set(clock.now()),
            Entry.open_queue.remove(),
            Entry.due_kind.remove(),
            Entry.due_at.remove(),
        ]
    )


def hold(watchlist_id: str, until: datetime) -> None:
    """Let a task hold the entry."""
    Entry(watchlist_id, ENTRY_KEY).update(
        actions=[
            Entry.job_state.set(JobState.RUNNING),
            Entry.lease_owner.set("message-1"),
            Entry.lease_expires_at.set(until),
        ]
    )


def commit(number: int, *, author: str = "Ada", message: str = "text", at: datetime | None = None) -> Commit:
    """The `number`th newest commit."""
    signature = Signature(author, f"{author.lower()}@example.org", at or NOW - timedelta(minutes=number))
    return Commit(
        sha=f"{number:040x}",
        parents=(),
        author=signature,
        committer=signature,
        subject=message[:50],
        message=message,
        signed=False,
        files=(FileChange("README", 1, 2),),
    )


def store_commits(watchlist_id: str, count: int) -> None:
    store_history(watchlist_id, [commit(number) for number in range(count)])


def store_history(watchlist_id: str, commits: Sequence[Commit], generation: int = 1) -> None:
    """Let these be the commits of an entry, as a job of that generation leaves them."""
    entry = Entry.get(watchlist_id, ENTRY_KEY)
    stored = history_store.load(entry)
    had = {each.sha for each in stored.commits}
    new = [each for each in commits if each.sha not in had]
    attempt = Attempt(watchlist_id, generation, 1)
    history_store.clean(attempt, stored, batches.REQUEST)
    manifest = history_store.save(attempt, [each.sha for each in commits], stored, new, batches.REQUEST)
    entry.update(actions=[Entry.manifest.set(manifest.stored())])


def store_health(watchlist_id: str, at: datetime = NOW) -> None:
    scorecard = no_score("The host has no token left.", head="1" * 40, obtained_at=at)
    metrics = history_metrics.measure([commit(1)], People(), now=at)
    analysis = Analysis(analyzed_at=at, head_sha="1" * 40, scorecard=scorecard, history_metrics=metrics)
    health_store.put(watchlist_id, analysis)


def alert(number: int) -> Alert:
    return Alert(
        id=f"alert_{number:032x}",
        kind=AlertKind.FILES_CHANGED,
        level=AlertLevel.MILD,
        metric=AlertMetric.FILES_CHANGED,
        value=400,
        threshold=200,
        threshold_kind=ThresholdKind.HARDCODED_THRESHOLD,
        message="Ada changed 400 files.",
    )


def raise_alerts(user_watchlist_id: str, watchlist_id: str, count: int, at: datetime | None = None) -> list[str]:
    """Raise alerts, all at the same moment; return their ids."""
    raised = [alert(number) for number in range(count)]
    for each in raised:
        alert_store.put(user_watchlist_id, watchlist_id, each, at or clock.now())
    return [each.id for each in raised]
