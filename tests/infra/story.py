"""A story in which every function and every kind of task has its part, told by a local service."""

import os
import signal
import subprocess
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import urllib3
from websockets.sync.client import connect

from local_service.aws import embedded as embedded_aws
from local_service.aws.faults import Fault
from local_service.service import Invoke, LocalService
from tests import waiting
from tests.e2e.conftest import Forge
from tests.repositories import git
from tests.waiting import SECONDS
from watchlist.deployment import functions as function_specs
from watchlist.deployment import routes
from watchlist.deployment.function_spec import FunctionSpec
from watchlist.job_kinds import JobKind
from watchlist.states import Stage

USER = "ada@example.org"
OTHER = "grace@example.org"

OFTEN: Mapping[str, str] = {
    "COMMITS_INTERVAL_HOURS": str(1 / 3600),
    "HEALTH_INTERVAL_HOURS": str(1 / 3600),
    "UNCHANGED_HEALTH_INTERVAL_HOURS": str(1 / 3600),
    "DIGEST_INTERVAL_SECONDS": "1",
    "LEASE_SECONDS": "10",
    "HEARTBEAT_SECONDS": "2",
    "POSTPONE_SECONDS": "1",
    "MAX_SETUP_TASKS": "1",
}
"""What takes hours or minutes in AWS takes seconds, and one task is enough for others to have to wait."""

_NO_CAPACITY = {"tasks": [], "failures": [{"reason": "Capacity is unavailable at this time."}]}
_DENIED = {"__type": "AccessDeniedException", "message": "not authorized to perform ecs:RunTask"}


class Gate:
    """Stands in for Scorecard: a task that gets there waits while the gate is shut."""

    def __init__(self, directory: Path) -> None:
        self.program = directory / "scorecard"
        self._shut = directory / "shut"
        self.program.write_text(f"#!/bin/sh\nwhile [ -e {self._shut} ]; do sleep 0.1; done\nexit 1\n")
        self.program.chmod(0o700)

    def shut(self) -> None:
        self._shut.touch()

    def open(self) -> None:
        self._shut.unlink()


class Authorizer:
    """Stands between the service and its functions: adds what API Gateway found out about a caller with a token.

    A token is the name of its user. While `hears_of_tasks` is False, nobody is told of stopped tasks.
    """

    def __init__(self) -> None:
        self.hears_of_tasks = True

    def __call__(self, invoke: Invoke, name: str, event: dict[str, Any]) -> Any:
        if name == function_specs.TASK_STOPPED.name and not self.hears_of_tasks:
            return None
        token = event.get("headers", {}).get("authorization", "").removeprefix("Bearer ")
        named = (event.get("queryStringParameters") or {}).get("user")
        if name == routes.LIVE_CONNECT.function.name and named:
            event["requestContext"]["authorizer"] = {"principalId": named}
        elif token:
            event["requestContext"]["authorizer"] = {"jwt": {"claims": {"sub": token}}}
        return invoke(name, event)


class Story:
    """What happens to some repositories and those who watch them."""

    def __init__(self, service: LocalService, log: Path, forge: Forge, gate: Gate, authorizer: Authorizer) -> None:
        self._service = service
        self._log = log
        self._forge = forge
        self._gate = gate
        self._authorizer = authorizer
        self._http = urllib3.PoolManager(retries=False, timeout=60)

    def tell(self) -> None:
        """Let it all happen; the order is that of the waits."""
        self._leave_what_is_purged_later()
        good = self._add(self._forge.make("good", commits=40))
        assert self._until_processed(good)["status"] == "ready"
        self._watch_live(good)
        self._watch_live(good, f"&user={quote(USER)}")
        self._lose_an_add()
        together = {"items": [{"repo_url": f"{self._forge.url}/forge/good", "added_by": OTHER}]}
        self._call("POST", "/activity/user-watchlist-added/batch", together)
        self._fail_and_retry()
        self._refresh(good)
        self._deal_with_alerts(good)
        self._use_channels(good)
        self._share(good)
        self._merge(good)
        self._report_weekly()
        self._end_a_worker("stopped", signal.SIGTERM)
        self._end_a_worker("killed", signal.SIGKILL)
        self._lose_a_worker("lost")
        self._refuse_a_task("refused")
        self._call("POST", "/activity/watchlist/retry-failed", {"user": USER})
        self._ask_for_a_check(good)
        commits = f"watchlist/{good}/commits"
        for path in (commits, f"{commits}?author=ada", f"watchlist/{good}/health", "jobs", "queues"):
            self._call("GET", f"/activity/{path}")
        for queue in JobKind:
            self._call("POST", f"/activity/queues/{queue}/redrive")
        self._call("GET", f"/activity/watchlist/{good}/releases")
        for path in (f"watchlist/{good}/health/history", f"watchlist/{good}/health/changes"):
            self._call("GET", f"/activity/{path}")
        for path in (f"watchlist/export?{_as()}", f"alerts/export?{_as()}", f"watchlist/{good}/commits/export"):
            assert self._request("GET", f"/activity/{path}")[0] == 200
        self._use_a_token(good)
        self._call("GET", "/openapi.json")
        self._leave(good)
        self._run_until("a purge", function_specs.RECONCILER, lambda: self._is_logged("entry purged"))

    def _leave_what_is_purged_later(self) -> None:
        """Add a repository and leave it while its commits cannot be deleted: the reconciler will."""
        # no alert of its end: deleting that would fail first, and the leaving with it
        watchlist_id = self._add(
            self._forge.make("left", commits=2), alerts={"processing_finished": {"enabled": False}}
        )
        self._until_processed(watchlist_id)
        self._service.aws.inject(Fault(caller="functions", service="dynamodb", operation="BatchWriteItem"))
        self._leave(watchlist_id)
        self._service.aws.inject()

    def _watch_live(self, watchlist_id: str, who: str = "") -> None:
        address = f"{self._service.live_url}/?watchlist_id={watchlist_id}{who}"
        with connect(address, proxy=None) as connection:
            for _ in connection:  # the publisher shows the state and, since it is final, hangs up
                pass
        with connect(address, proxy=None) as connection:
            connection.send("again")
            connection.recv(SECONDS)

    def _lose_an_add(self) -> None:
        """Add what cannot be queued, so that the add is undone."""
        self._service.aws.inject(Fault(caller="functions", service="sqs", operation="SendMessage"))
        body = {"repo_url": f"{self._forge.url}/forge/undone", "added_by": USER}
        assert self._request("POST", "/activity/user-watchlist-added", body)[0] == 503
        self._service.aws.inject()

    def _use_a_token(self, watchlist_id: str) -> None:
        """Ask as a user with a token, who sees what they watch."""
        for path in ("status", "commits", "health", "releases"):
            self._call("GET", f"/activity/watchlist/{watchlist_id}/{path}", user=USER)
        assert self._request("POST", f"/activity/watchlist/{watchlist_id}/retry", user=USER)[0] == 409
        assert self._request("GET", "/activity/jobs", user=USER)[0] == 403
        self._call("GET", f"/activity/watchlist?{_as()}", user=USER)

    def _fail_and_retry(self) -> None:
        missing = self._add(f"{self._forge.url}/forge/missing")
        assert self._until_processed(missing)["status"] == "failed"
        self._call("POST", f"/activity/watchlist/{missing}/retry")
        assert self._until_processed(missing)["status"] == "failed"

    def _refresh(self, watchlist_id: str) -> None:
        """Let there be both kinds of refresh, and alerts by tasks and by the scheduler, told by a digest."""
        wishes = {"email": True, "webhook_url": "https://hooks.invalid/"}
        self._call("PUT", f"/activity/user-watchlist-notifications/{self._mine(watchlist_id)}", wishes)
        self._call(
            "PUT",
            f"/activity/user-watchlist-alerts/{self._mine(watchlist_id)}",
            {"processing_finished": {"enabled": True}},
        )
        self._run_until(
            "an analysis of the health", function_specs.SCHEDULER, lambda: self._completed(JobKind.HEALTH_ANALYSIS)
        )
        git(self._forge.path("good"), "tag", "v1.0")
        self._commit_much("good")
        self._run_until(
            "an alert of the commit",
            function_specs.SCHEDULER,
            lambda: "lines_added_deleted" in self._alerts(watchlist_id),
        )
        waiting.until("a refresh of the commits", lambda: self._completed(JobKind.COMMIT_BACKFILL))
        self._forge.path("good").rename(self._forge.path("away"))
        self._run_until(
            "an alert that it is away",
            function_specs.SCHEDULER,
            lambda: "repository_unavailable" in self._alerts(watchlist_id),
        )
        self._forge.path("away").rename(self._forge.path("good"))
        self._forge.rename("good", "better")
        self._run_until(
            "an alert of its new name",
            function_specs.SCHEDULER,
            lambda: "repository_renamed" in self._alerts(watchlist_id),
        )
        waiting.until("the end of the refresh that this began", lambda: self._status(watchlist_id)["next_check_at"])
        self._run_until("a call of the webhook", function_specs.DIGEST, lambda: self._is_logged("webhook failed"))
        self._call("POST", f"/activity/user-watchlist-notifications/{self._mine(watchlist_id)}/test")

    def _use_channels(self, watchlist_id: str) -> None:
        """Let a channel tell of an alert, after the repository's own settings are forgotten."""
        self._call("DELETE", f"/activity/user-watchlist-notifications/{self._mine(watchlist_id)}")
        for settings in (
            {"name": "mail", "weekly_report": True},
            {"name": "chat", "webhook_url": "https://hooks.invalid/channel"},
        ):
            channel = self._call("POST", f"/activity/channels?{_as()}", settings)
            self._call("POST", f"/activity/channels/{channel['channel_id']}/test")
        path = f"/activity/channels/{channel['channel_id']}"
        self._call("PUT", path, {"name": "team", "webhook_url": "https://hooks.invalid/channel"})
        self._call("PATCH", path, {"rules": []})
        with connect(f"{self._service.live_url}/?user={quote(USER)}", proxy=None) as connection:
            connection.send("again")
            connection.recv(SECONDS)
            self._commit_much("better", "more.txt")
            self._run_until("a call of the channel", function_specs.SCHEDULER, self._is_told_by_channel)
            waiting.until("the alert, live", lambda: '"alert"' in str(connection.recv(SECONDS)))
        waiting.until("the delivery is noted", lambda: self._call("GET", path)["last_delivery"])
        self._call("DELETE", path)

    def _report_weekly(self) -> None:
        """Let a weekly report be due, and leave by its link."""
        arguments: Any = embedded_aws.client_arguments(self._service.environment.url)
        dynamodb, table = boto3.client("dynamodb", **arguments), self._service.environment.variables["WATCHLIST_TABLE"]
        (channel,) = dynamodb.scan(TableName=table, FilterExpression="attribute_exists(leave_token)")["Items"]
        key = {"pk": channel["pk"], "sk": channel["sk"]}
        past = {":past": {"S": "2026-01-01T00:00:00.000000+0000"}}
        dynamodb.update_item(
            TableName=table, Key=key, UpdateExpression="SET due_at = :past", ExpressionAttributeValues=past
        )
        self._run_until(
            "the report",
            function_specs.DIGEST,
            lambda: dynamodb.get_item(TableName=table, Key=key)["Item"]["due_at"]["S"] > past[":past"]["S"],
        )
        for method in ("GET", "POST"):
            address = f"/leave/{channel['channel_id']['S']}/{channel['leave_token']['S']}"
            assert self._request(method, address)[0] == 200

    def _share(self, watchlist_id: str) -> None:
        """Share a feed and a badge, look at both as anybody can, and revoke one."""
        for wanted in ({"kind": "feed"}, {"kind": "badge", "watchlist_id": watchlist_id}):
            made = self._call("POST", f"/activity/shares?{_as()}", wanted)
            for path in made["paths"]:
                assert self._request("GET", path)[0] == 200
        self._call("GET", f"/activity/shares?{_as()}")
        self._call("DELETE", f"/activity/shares/{made['token']}?{_as()}")

    def _merge(self, watchlist_id: str) -> None:
        """Watch a repository, partly the same people, that the host then says is the other one."""
        former = self._add(self._forge.make("former", commits=1))
        self._add(f"{self._forge.url}/forge/former", OTHER)
        assert self._until_processed(former)["status"] == "ready"
        self._forge.path("former").rename(self._forge.path("unreachable"))
        self._forge.moved["/forge/former"] = "/forge/better"
        self._run_until(
            "the merge", function_specs.SCHEDULER, lambda: self._status(former)["watchlist_id"] == watchlist_id
        )
        self._run_until(
            "the move of the watchers", function_specs.RECONCILER, lambda: self._is_logged("watchers moved")
        )

    def _is_told_by_channel(self) -> bool:
        return bool(self._service.functions.invoke(function_specs.DIGEST.name, {})["sent"])

    def _deal_with_alerts(self, watchlist_id: str) -> None:
        mine = self._mine(watchlist_id)
        newest = self._call("GET", f"/activity/alerts/{mine}")["items"][0]["id"]
        self._call("GET", f"/activity/alerts?{_as()}")
        for verb in ("acknowledge", "resolve"):
            self._call("POST", f"/activity/alerts/{verb}", {"ids": [newest]})
            self._call("PATCH", f"/activity/alerts/{newest}/{verb}")

    def _ask_for_a_check(self, watchlist_id: str) -> None:
        """Ask for a check, which is refused where there was one a moment ago."""
        assert self._request("POST", f"/activity/watchlist/{watchlist_id}/check")[0] in {202, 429}

    def _end_a_worker(self, name: str, how: signal.Signals) -> None:
        """End a task: one that is asked to hands its message back, of another the task-stopped function hears.

        Meanwhile somebody waits in line, and is called by whoever frees the task's slot.
        """
        self._shut_the_gate()
        ended = self._add(self._forge.make(name, commits=1))
        self._until_at_the_gate(ended)
        next_one = self._add(self._forge.make(f"after-{name}", commits=1))
        waiting.until("somebody waits in line", lambda: self._is_logged(f"waits in line: {next_one}"))
        self._end_the_task(how)
        self._gate.open()
        assert self._until_processed(ended)["status"] == "ready"
        assert self._until_processed(next_one)["status"] == "ready"

    def _lose_a_worker(self, name: str) -> None:
        """Kill a task, of which nobody hears: the reconciler finds its entry when the lease is over."""
        poller = self._service.pollers[JobKind.REPOSITORY_SETUP]
        self._shut_the_gate()
        lost = self._add(self._forge.make(name, commits=1))
        self._until_at_the_gate(lost)
        poller.pause()
        self._authorizer.hears_of_tasks = False
        self._end_the_task(signal.SIGKILL)
        waiting.until("no task runs", lambda: not self._service.runner.process_ids())
        self._gate.open()
        self._run_until(
            "the loss is seen", function_specs.RECONCILER, lambda: self._status(lost)["last_error"] is not None
        )
        self._authorizer.hears_of_tasks = True
        poller.resume()
        # It may have to wait in line until its lost task's slot lapses: then the reconciler calls it.
        self._run_until("it is done again", function_specs.RECONCILER, lambda: self._status(lost)["status"] == "ready")

    def _refuse_a_task(self, name: str) -> None:
        """Refuse a task for the moment, so that it is put off, and then for good, which is an attempt."""
        self._service.aws.inject(
            Fault(service="ecs", operation="RunTask", status=200, answer=_NO_CAPACITY, times=1),
            Fault(service="ecs", operation="RunTask", status=400, answer=_DENIED, times=1),
        )
        refused = self._add(self._forge.make(name, commits=1))
        assert self._until_processed(refused)["attempt"] == 2
        self._service.aws.inject()

    def _leave(self, watchlist_id: str) -> None:
        for user in (USER, OTHER):
            for item in self._call("GET", f"/activity/watchlist?{_as(user)}")["items"]:
                if item["watchlist_id"] == watchlist_id:
                    self._request("DELETE", f"/activity/user-watchlist/{item['user_watchlist_id']}")

    def _commit_much(self, name: str, file: str = "huge.txt") -> None:
        path = self._forge.path(name)
        (path / file).write_text("".join(f"line {number}\n" for number in range(20_000)))
        git = ["git", "-c", "user.name=Ada Lovelace", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run([*git, "add", file], cwd=path, check=True)
        subprocess.run([*git, "commit", "--quiet", "--message=Much"], cwd=path, check=True)

    def _shut_the_gate(self) -> None:
        """Shut it when nobody is under way, so that who comes next is alone there."""
        waiting.until("no task runs", lambda: not self._service.runner.process_ids())
        self._gate.shut()

    def _end_the_task(self, how: signal.Signals) -> None:
        """End the one that waits at the gate: others of before may be about to end."""
        waiting.until("one task runs", lambda: len(self._service.runner.process_ids()) == 1)
        (process_id,) = self._service.runner.process_ids().values()
        os.kill(process_id, how)

    def _until_at_the_gate(self, watchlist_id: str) -> None:
        """Wait until a task has claimed the entry and comes to Scorecard."""
        waiting.until(
            "the task comes to Scorecard", lambda: self._status(watchlist_id)["progress"]["stage"] == Stage.ANALYZING
        )

    def _run_until(self, what: str, spec: FunctionSpec, holds: Callable[[], object]) -> None:
        """Run a function of the clock until something holds."""

        def run_and_look() -> object:
            self._service.functions.invoke(spec.name, {})
            return holds()

        waiting.until(what, run_and_look)

    def _is_logged(self, message: str) -> bool:
        return message in self._log.read_text()

    def _mine(self, watchlist_id: str) -> str:
        items = self._call("GET", f"/activity/watchlist?{_as()}")["items"]
        return next(str(item["user_watchlist_id"]) for item in items if item["watchlist_id"] == watchlist_id)

    def _alerts(self, watchlist_id: str) -> set[str]:
        alerts = self._call("GET", f"/activity/alerts/{self._mine(watchlist_id)}")["items"]
        return {alert["kind"] for alert in alerts}

    def _completed(self, kind: JobKind) -> bool:
        self._call("GET", "/activity/jobs/open")
        queues = self._call("GET", "/activity/jobs")["queues"]
        return any(queue["completed"] for queue in queues if queue["queue"] == kind)

    def _add(self, url: str, user: str = USER, **wishes: Any) -> str:
        added = self._call("POST", "/activity/user-watchlist-added", {"repo_url": url, "added_by": user, **wishes})
        return str(added["watchlist_id"])

    def _status(self, watchlist_id: str) -> dict[str, Any]:
        return self._call("GET", f"/activity/watchlist/{watchlist_id}/status")

    def _until_processed(self, watchlist_id: str) -> dict[str, Any]:
        waiting.until("it is processed", lambda: self._status(watchlist_id)["status"] != "processing")
        return self._status(watchlist_id)

    def _call(self, method: str, path: str, body: Any = None, user: str | None = None) -> dict[str, Any]:
        status, content = self._request(method, path, body, user)
        assert status < 400, (method, path, content)
        return content

    def _request(self, method: str, path: str, body: Any = None, user: str | None = None) -> tuple[int, dict[str, Any]]:
        """Return status and body of the answer, to a caller with a token where a `user` is named."""
        headers = {"Authorization": f"Bearer {user}"} if user else {}
        if method == "POST":
            headers["Idempotency-Key"] = uuid.uuid4().hex
        answer = self._http.request(method, f"{self._service.url}{path}", json=body, headers=headers)
        is_json = answer.headers.get("content-type", "").startswith(("application/json", "application/problem+json"))
        content: dict[str, Any] = answer.json() if answer.data and is_json else {}
        return answer.status, content


def _as(user: str = USER) -> str:
    return f"user={quote(user)}"
