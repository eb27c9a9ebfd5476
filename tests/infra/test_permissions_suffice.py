"""Functions and the task call nothing that the table of permissions does not allow."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from local_service.functions import processes
from local_service.git.server import GitServer
from local_service.provisioning import Environment
from local_service.service import LocalService, LocalSettings
from local_service.tasks import runner as task_runner
from tests.e2e.conftest import Forge
from tests.infra.story import OFTEN, Authorizer, Gate, Story
from tests.unmeasured import unmeasured
from watchlist.deployment.function_spec import FunctionSpec
from watchlist.deployment.functions import FUNCTIONS
from watchlist.deployment.permissions import MOVE, NOTHING, OF_TASK, Permissions
from watchlist.job_kinds import JobKind
from watchlist.storage import tables

pytestmark = pytest.mark.timeout(900)
"""The story is one long one, and told once, before the first test."""

Call = tuple[str, str]
"""An action and what it is called on, as in `allowed`."""

TRANSACTED = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
BY_LAMBDA = "Lambda polls the queue in the function's name"
NO_ATTEMPT_LEFT = "the record of a job that failed for good: here an attempt is always left"
ANSWER_LOST = "a look at what was written by a call whose answer was lost"
NOT_GIVEN_UP = "telling the owner of a webhook that fails for good: here none has had all its tries"
GONE = "a connection that is gone without a word: here each is closed"

NOT_CALLED_HERE: dict[str, dict[Call, str]] = {
    "dispatcher": {("sqs:ReceiveMessage", "job"): BY_LAMBDA, ("sqs:GetQueueAttributes", "job"): BY_LAMBDA},
    "task_stopped": {("dynamodb:PutItem", "watchlist"): NO_ATTEMPT_LEFT},
    "reconciler": {
        ("dynamodb:PutItem", "watchlist"): NO_ATTEMPT_LEFT,
        (
            "dynamodb:Query",
            "watchlist",
        ): "the slots for those who wait in line: whoever frees one has called them before",
    },
    "add_repository": {("dynamodb:Query", tables.BY_USER.name): "counting what a user watches before they are refused"},
    "scheduler": {
        ("dynamodb:GetItem", "watchlist"): ANSWER_LOST,
        ("dynamodb:Query", "activity"): "the health of repositories on github.com, which is not asked here",
    },
    "webhook_sender": {
        ("sqs:SendMessage", "webhook"): "a delivery while another one to the same user is under way",
        ("dynamodb:Query", "watchlist"): NOT_GIVEN_UP,
        ("sns:Publish", "other"): NOT_GIVEN_UP,
        ("dynamodb:PutItem", "activity"): "the alert that a webhook is gone: here none answers",
    },
    "live_connect": {("dynamodb:DeleteItem", "watchlist"): "a connection beyond what its user may have"},
    "digest": {("dynamodb:DeleteItem", "watchlist"): "the digest of a user who has left meanwhile"},
    "alert_collector": {
        ("dynamodb:DeleteItem", "watchlist"): GONE,
        ("apigatewaymanagementapi:DeleteConnection", "other"): GONE,
    },
    "live_request": {
        ("dynamodb:DeleteItem", "watchlist"): GONE,
        ("dynamodb:UpdateItem", "watchlist"): GONE,
        ("apigatewaymanagementapi:DeleteConnection", "other"): GONE,
    },
    "live_publisher": {("dynamodb:DeleteItem", "watchlist"): GONE, ("dynamodb:UpdateItem", "watchlist"): GONE},
}
"""Permissions that the story needs none of, with the reason why they are granted."""


def of_any_job(calls: Iterable[Call]) -> set[Call]:
    """Return the calls without the kind of job that a queue is for: the code is the same for each."""
    return {(action, "job" if name in set(JobKind) else name) for action, name in calls}


BESIDES_THE_TABLE = {
    "dispatcher": {("ecs:RunTask", "other")},
    "digest": {("sns:Publish", "other"), ("sqs:SendMessage", "webhook")},
    "notifications": {("sqs:SendMessage", "webhook")},
    "channels": {("sns:Publish", "other"), ("sqs:SendMessage", "webhook")},
    "webhook_sender": {
        ("sqs:ChangeMessageVisibility", "webhook"),
        ("sqs:SendMessage", "webhook"),
        ("sns:Publish", "other"),
    },
    "event_publisher": {("events:PutEvents", "other")},
    "live_publisher": {
        ("apigatewaymanagementapi:PostToConnection", "other"),
        ("apigatewaymanagementapi:DeleteConnection", "other"),
    },
}
BESIDES_THE_TABLE["alert_collector"] = BESIDES_THE_TABLE["live_publisher"]
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
    if operation == "StartMessageMoveTask":
        queue = parameters["SourceArn"].rpartition(":")[2]
        yield from ((f"sqs:{action}", queue) for action in MOVE)
        yield "sqs:SendMessage", queue.removesuffix("-dead-letters")
    elif record["service"] == "sqs":
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
    """Tell a story in which every route, function and kind of task has its part, and return who called what."""
    directory = tmp_path_factory.mktemp("recording")
    file, log = directory / "calls", directory / "log"
    recording = {"PYTHONPATH": str(Path(__file__).with_name("recording")), "RECORDED_IN": str(file)}
    environment_of_function, environment_of_task = Environment.of, task_runner.environment_of

    def of(environment: Environment, spec: FunctionSpec) -> dict[str, str]:
        return {**environment_of_function(environment, spec), **recording, "RECORDED_AS": spec.name}

    def of_task(defined: Mapping[str, str], task: Any) -> dict[str, str]:
        return {**environment_of_task(defined, task), **recording, "RECORDED_AS": "task"}

    gate, authorizer = Gate(directory), Authorizer()
    with (
        unmeasured(),
        mock.patch.dict(processes.PROCESS_ENVIRONMENT, recording),
        mock.patch.object(Environment, "of", of),
        mock.patch.object(task_runner, "environment_of", of_task),
        GitServer(directory) as server,
    ):
        variables = {
            "ALLOWED_ORIGINS": server.url,
            "GIT_CLONE_DIR": str(directory / "clones"),
            "SCORECARD_PATH": str(gate.program),
            "GITHUB_API_BASE_URL": "http://127.0.0.1:9",
            "SCORECARD_API_BASE_URL": "http://127.0.0.1:9",
            **OFTEN,
        }
        with LocalService(LocalSettings(log=log, variables=variables), authorizer) as service:
            Story(service, log, Forge(directory, server.url, server.moved), gate, authorizer).tell()
            names = resource_names(service.environment.variables)
    recorded: dict[str, set[Call]] = {}
    for line in file.read_text().splitlines():
        record = json.loads(line)
        recorded.setdefault(record["caller"], set()).update(calls_of(record, names))
    return recorded


@pytest.mark.parametrize("spec", FUNCTIONS, ids=lambda spec: spec.name)
def test_a_function_calls_only_what_it_is_allowed(recorded: dict[str, set[Call]], spec: FunctionSpec) -> None:
    calls = recorded.get(spec.name, set())
    assert calls - allowed(spec.permissions) - BESIDES_THE_TABLE.get(spec.name, set()) == set()
    assert calls or spec.permissions == NOTHING


def test_the_task_calls_only_what_it_is_allowed(recorded: dict[str, set[Call]]) -> None:
    assert recorded["task"]
    assert recorded["task"] - allowed(OF_TASK) == set()


@pytest.mark.parametrize("spec", FUNCTIONS, ids=lambda spec: spec.name)
def test_what_a_function_is_allowed_it_calls(recorded: dict[str, set[Call]], spec: FunctionSpec) -> None:
    granted = allowed(spec.permissions) | BESIDES_THE_TABLE.get(spec.name, set())
    reasons = NOT_CALLED_HERE.get(spec.name, {}).keys()
    assert of_any_job(granted) - of_any_job(recorded.get(spec.name, set())) - reasons == set()
    assert reasons <= of_any_job(granted)


def test_what_the_task_is_allowed_it_calls(recorded: dict[str, set[Call]]) -> None:
    assert of_any_job(allowed(OF_TASK)) - of_any_job(recorded["task"]) == set()
