"""What happens to repositories, told on the stack in another emulator: each function and task with its own role."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError
from websockets.sync.client import connect

from tests import waiting
from tests.e2e.conftest import Forge
from tests.repositories import git
from tests.second_opinion.localemu.stack import Stack
from tests.webhook_receiver import URL, Receiver
from watchlist.deployment.function_spec import FunctionSpec
from watchlist.deployment.functions import DIGEST, SCHEDULER
from watchlist.errors import ErrorCode
from watchlist.job_kinds import JobKind

USER = "ada@example.org"
SETUP = JobKind.REPOSITORY_SETUP

_AUTHOR = ("-c", "user.name=Ada Lovelace", "-c", f"user.email={USER}")

_SECONDS = 300
"""How long anything may take before a test gives up on it."""

_until = partial(waiting.until, seconds=_SECONDS)


def test_a_repository_that_is_added_becomes_ready(stack: Stack, forge: Forge) -> None:
    watchlist_id = _add(stack, forge.make("good", commits=5))
    assert _until_processed(stack, watchlist_id)["status"] == "ready"
    assert len(_call(stack, "GET", f"/activity/watchlist/{watchlist_id}/commits")["items"]) == 5


def test_one_that_failed_for_good_is_ready_after_a_retry(stack: Stack, forge: Forge) -> None:
    watchlist_id = _add(stack, f"{forge.url}/forge/late")
    failed = _until_processed(stack, watchlist_id)
    assert (failed["status"], failed["last_error"]["code"]) == ("failed", ErrorCode.REPOSITORY_NOT_FOUND)
    forge.make("late", commits=1)
    _call(stack, "POST", f"/activity/watchlist/{watchlist_id}/retry")
    assert _until_processed(stack, watchlist_id)["status"] == "ready"


def test_one_that_used_up_its_attempts_is_a_dead_letter_until_an_operator_sends_it_back(
    stack: Stack, forge: Forge
) -> None:
    url = forge.make("damaged", commits=1)
    objects = forge.path("damaged") / ".git" / "objects"
    objects.rename(objects.with_name("away"))
    objects.mkdir()
    watchlist_id = _add(stack, url)
    assert _until_processed(stack, watchlist_id)["status"] == "failed"
    _until("a dead letter", lambda: _queue(stack, SETUP)["dead_letters"] == 1)

    objects.rmdir()
    objects.with_name("away").rename(objects)
    assert _call(stack, "POST", f"/activity/queues/{SETUP}/redrive")["dead_letters"] == 1
    _until("it is ready", lambda: _status(stack, watchlist_id)["status"] == "ready")
    assert _queue(stack, SETUP)["dead_letters"] == 0


def test_a_new_commit_raises_an_alert_that_a_webhook_is_told_of(stack: Stack, forge: Forge, receiver: Receiver) -> None:
    watchlist_id = _add(stack, forge.make("moving", commits=2))
    assert _until_processed(stack, watchlist_id)["status"] == "ready"
    channel = _call(stack, "POST", f"/activity/channels?user={quote(USER)}", {"name": "chat", "webhook_url": URL})

    (forge.path("moving") / "much.txt").write_text("".join(f"line {number}\n" for number in range(20_000)))
    git(forge.path("moving"), "add", "much.txt")
    git(forge.path("moving"), *_AUTHOR, "commit", "--quiet", "--message=Much")
    _run_until("an alert of the commit", stack, SCHEDULER, lambda: "lines_added_deleted" in _alerts(stack))
    _run_until(
        "a call of the webhook",
        stack,
        DIGEST,
        lambda: any(b"lines_added_deleted" in call.body for call in receiver.calls),
    )
    assert all(call.is_signed_with(channel["webhook_secret"]) for call in receiver.calls)


def test_who_watches_is_shown_how_it_goes_until_the_end(stack: Stack, forge: Forge) -> None:
    watchlist_id = _add(stack, forge.make("watched", commits=1))
    with connect(f"{stack.live_url}/?watchlist_id={watchlist_id}", proxy=None) as connection:
        while json.loads(connection.recv(_SECONDS))["status"] != "ready":
            pass


def test_without_one_permission_of_the_tasks_role_no_repository_becomes_ready(stack: Stack, forge: Forge) -> None:
    url = forge.make("forbidden", commits=1)
    with stack.task_role_without("dynamodb:UpdateItem"):
        watchlist_id = _add(stack, url)
        assert _until_processed(stack, watchlist_id)["status"] == "failed"
    assert "not authorized to perform: dynamodb:UpdateItem" in stack.tasks_log.read_text()
    _call(stack, "POST", f"/activity/watchlist/{watchlist_id}/retry")
    assert _until_processed(stack, watchlist_id)["status"] == "ready"


def test_nobody_but_ecs_is_given_the_tasks_role(stack: Stack) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        stack.emulator.client("sts").assume_role(RoleArn=stack.task_role, RoleSessionName="somebody")


def _alerts(stack: Stack) -> set[str]:
    return {alert["kind"] for alert in _call(stack, "GET", f"/activity/alerts?user={quote(USER)}")["items"]}


def _queue(stack: Stack, kind: JobKind) -> dict[str, Any]:
    queues = _call(stack, "GET", "/activity/queues")["queues"]
    return next(queue for queue in queues if queue["queue"] == kind)


def _add(stack: Stack, url: str) -> str:
    added = _call(stack, "POST", "/activity/user-watchlist-added", {"repo_url": url, "added_by": USER})
    return str(added["watchlist_id"])


def _status(stack: Stack, watchlist_id: str) -> dict[str, Any]:
    return _call(stack, "GET", f"/activity/watchlist/{watchlist_id}/status")


def _until_processed(stack: Stack, watchlist_id: str) -> dict[str, Any]:
    _until("it is processed", lambda: _status(stack, watchlist_id)["status"] != "processing")
    return _status(stack, watchlist_id)


def _call(stack: Stack, method: str, path: str, body: Any = None) -> dict[str, Any]:
    status, document = stack.http(method, path, body)
    assert status < 400, (method, path, document)
    return dict(document)


def _run_until(what: str, stack: Stack, spec: FunctionSpec, holds: Callable[[], object]) -> None:
    """Run a function of the clock until something holds."""

    def run_and_look() -> object:
        stack.invoke(spec, {})
        return holds()

    _until(what, run_and_look)
