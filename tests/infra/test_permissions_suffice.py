"""Functions and the task call nothing that the table of permissions does not allow."""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import quote

import pytest
import urllib3
from websockets.sync.client import connect

from infra.local import task_runner
from infra.local.git_server import GitServer
from infra.local.provisioning import Environment
from infra.local.service import LocalService, LocalSettings
from infra.permissions import OF_FUNCTIONS, OF_TASK, Permissions
from tests.e2e.conftest import SECONDS, Forge
from watchlist import function_specs, tables
from watchlist.function_specs import FUNCTIONS, FunctionSpec
from watchlist.queues import JobKind

Call = tuple[str, str]
"""An action and what it is called on, as in `allowed`."""

USER = "ada@example.org"
TRANSACTED = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
WANT_AN_ALERT = (function_specs.ALERT_COLLECTOR, function_specs.WEBHOOK_SENDER)
"""Functions that are called only once a refresh has raised an alert; no refresh runs here."""

BESIDES_THE_TABLE = {
    "dispatcher": {("ecs:RunTask", "other")},
    "digest": {("sns:Publish", "other"), ("sqs:SendMessage", "webhook")},
    "webhook_sender": {("sqs:ChangeMessageVisibility", "webhook")},
    "event_publisher": {("events:PutEvents", "other")},
    "live_publisher": {
        ("apigatewaymanagementapi:PostToConnection", "other"),
        ("apigatewaymanagementapi:DeleteConnection", "other"),
    },
}
BESIDES_THE_TABLE["live_request"] = BESIDES_THE_TABLE["live_publisher"]


def allowed(permitted: Permissions) -> set[Call]:
    calls = {(f"dynamodb:{action}", "watchlist") for action in permitted.watchlist}
    calls |= {(f"dynamodb:{action}", "activity") for action in permitted.activity}
    calls |= {("dynamodb:Query", index.name) for index in permitted.indexes}
    for kind, actions in permitted.queues.items():
        calls |= {(f"sqs:{action}", kind.value) for action in actions}
    for action in permitted.dead_letter_queues:
        calls |= {(f"sqs:{action}", f"{kind}-dead-letters") for kind in JobKind}
    return calls


def calls_of(record: dict[str, Any], names: Mapping[str, str]) -> Iterator[Call]:
    """Yield what a recorded call needs permission for; a transaction and a batch need it for their parts."""
    operation, parameters = record["operation"], record["parameters"]
    if record["service"] == "sqs":
        yield f"sqs:{operation.removesuffix('Batch')}", names[parameters["QueueUrl"]]
    elif record["service"] != "dynamodb":
        yield f"{record['service']}:{operation}", "other"
    elif operation == "TransactWriteItems":
        for item in parameters["TransactItems"]:
            ((kind, part),) = item.items()
            yield f"dynamodb:{TRANSACTED[kind]}", names[part["TableName"]]
    elif operation == "TransactGetItems":
        for item in parameters["TransactItems"]:
            yield "dynamodb:GetItem", names[item["Get"]["TableName"]]
    elif operation.startswith("Batch"):
        for table in parameters["RequestItems"]:
            yield f"dynamodb:{operation}", names[table]
    else:
        yield f"dynamodb:{operation}", parameters.get("IndexName") or names[parameters["TableName"]]


def resource_names(variables: Mapping[str, str]) -> dict[str, str]:
    names: dict[str, str] = {
        variables["WATCHLIST_TABLE"]: tables.WATCHLIST.name,
        variables["ACTIVITY_TABLE"]: tables.ACTIVITY.name,
    }
    names[variables["WEBHOOK_QUEUE_URL"]] = "webhook"
    for kind in JobKind:
        names[variables[kind.queue_url_variable]] = kind.value
        names[variables[kind.dead_letter_queue_url_variable]] = f"{kind}-dead-letters"
    return names


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[Call]]:
    """Use every route and every function of a local service, and return who called what."""
    directory = tmp_path_factory.mktemp("recording")
    file = directory / "calls"
    recording = {"PYTHONPATH": str(Path(__file__).with_name("recording")), "RECORDED_IN": str(file)}
    environment_of_function, environment_of_task = Environment.of, task_runner.environment_of

    def of(environment: Environment, spec: FunctionSpec) -> dict[str, str]:
        return {**environment_of_function(environment, spec), **recording, "RECORDED_AS": spec.name}

    def of_task(defined: Mapping[str, str], task: Any) -> dict[str, str]:
        return {**environment_of_task(defined, task), **recording, "RECORDED_AS": "task"}

    with (
        mock.patch.object(Environment, "of", of),
        mock.patch.object(task_runner, "environment_of", of_task),
        GitServer(directory) as server,
    ):
        settings = LocalSettings(
            log=directory / "log",
            variables={
                "ALLOWED_ORIGINS": server.url,
                "GIT_CLONE_DIR": str(directory / "clones"),
                "SCORECARD_PATH": "no-scorecard-here",
                "GITHUB_API_BASE_URL": "http://127.0.0.1:9",
                "SCORECARD_API_BASE_URL": "http://127.0.0.1:9",
            },
        )
        with LocalService(settings) as service:
            _use(service, Forge(directory, server.url))
            names = resource_names(service.environment.variables)
    recorded: dict[str, set[Call]] = {}
    for line in file.read_text().splitlines():
        record = json.loads(line)
        recorded.setdefault(record["caller"], set()).update(calls_of(record, names))
    return recorded


def _use(service: LocalService, forge: Forge) -> None:
    client = _Client(service.url)
    good = client.add(forge.make("good", commits=3), USER)
    assert client.until_processed(good)["status"] == "ready"
    with connect(f"{service.live_url}/?watchlist_id={good}", proxy=None) as connection:
        connection.send("again")
        connection.recv(SECONDS)
    assert client.add(f"{forge.url}/forge/good", "grace@example.org") == good
    missing = client.add(f"{forge.url}/forge/missing", USER)
    assert client.until_processed(missing)["status"] == "failed"
    client.call("POST", f"/activity/watchlist/{missing}/retry")
    for path in (f"watchlist/{good}/commits", f"watchlist/{good}/health", "jobs", "queues"):
        client.call("GET", f"/activity/{path}")
    mine = client.call("GET", f"/activity/watchlist?user={quote(USER)}")["items"]
    entry = next(item["user_watchlist_id"] for item in mine if item["watchlist_id"] == good)
    client.call("PUT", f"/activity/user-watchlist-alerts/{entry}?user={quote(USER)}", {})
    client.call("PUT", f"/activity/user-watchlist-notifications/{entry}?user={quote(USER)}", {})
    client.call("GET", f"/activity/alerts/{entry}?user={quote(USER)}")
    client.call("PATCH", f"/activity/alerts/alert_0_{entry}/acknowledge?user={quote(USER)}")
    for user in (USER, "grace@example.org"):
        items = client.call("GET", f"/activity/watchlist?user={quote(user)}")["items"]
        for item in items:
            client.call("DELETE", f"/activity/user-watchlist/{item['user_watchlist_id']}?user={quote(user)}")
    client.call("GET", "/openapi.json")
    for spec in (function_specs.RECONCILER, function_specs.SCHEDULER, function_specs.DIGEST):
        service.functions.invoke(spec.name, {})


class _Client:
    def __init__(self, url: str) -> None:
        self._url = url
        self._http = urllib3.PoolManager(retries=False, timeout=60)

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = self._http.request(method, f"{self._url}{path}", json=body)
        content: dict[str, Any] = answer.json() if answer.data else {}
        assert answer.status < 500, (method, path, content)
        return content

    def add(self, url: str, user: str) -> str:
        added = self.call("POST", "/activity/user-watchlist-added", {"repo_url": url, "added_by": user})
        return str(added["watchlist_id"])

    def until_processed(self, watchlist_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + SECONDS
        while (entry := self.call("GET", f"/activity/watchlist/{watchlist_id}/status"))["status"] == "processing":
            assert time.monotonic() < deadline, entry
            time.sleep(0.2)
        return entry


@pytest.mark.parametrize("spec", FUNCTIONS, ids=lambda spec: spec.name)
def test_a_function_calls_only_what_it_is_allowed(recorded: dict[str, set[Call]], spec: FunctionSpec) -> None:
    calls = recorded.get(spec.name, set())
    assert calls - allowed(OF_FUNCTIONS[spec.name]) - BESIDES_THE_TABLE.get(spec.name, set()) == set()
    assert calls or OF_FUNCTIONS[spec.name] == Permissions() or spec in WANT_AN_ALERT


def test_the_task_calls_only_what_it_is_allowed(recorded: dict[str, set[Call]]) -> None:
    assert recorded["task"]
    assert recorded["task"] - allowed(OF_TASK) == set()
