"""The stack in another emulator: every resource is created, and the functions' packages answer with their roles."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.second_opinion.implementations import LIBRARIES
from tests.second_opinion.localemu.stack import Stack
from watchlist.deployment.function_spec import FunctionSpec
from watchlist.deployment.functions import DIGEST, RECONCILER, SCHEDULER

USER = "ada@example.org"

PASSED_OVER = {
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::Budgets::Budget",
    "AWS::EC2::FlowLog",
    "AWS::ECS::Cluster",
    "AWS::ECS::ClusterCapacityProviderAssociations",
    "AWS::ECS::TaskDefinition",
}
"""What LocalEmu says that it created and does not know: the emulator's fault, until this no longer holds."""


def test_every_resource_is_created(stack: Stack) -> None:
    assert {each["ResourceStatus"] for each in stack.resources.values()} == {"CREATE_COMPLETE"}
    assert stack.resources.keys() == stack.template["Resources"].keys()


def test_only_what_is_known_is_passed_over(stack: Stack) -> None:
    named = set(re.findall(r'No resource provider found for "([^"]+)"', stack.emulator.log.read_text()))
    assert named == PASSED_OVER


def test_what_is_put_right_is_still_wrong() -> None:
    """What holds no longer is taken out of `server.py`."""
    program = [LIBRARIES / "localemu" / "bin" / "python", Path(__file__).with_name("faults.py")]
    printed = subprocess.run(program, capture_output=True, text=True, check=True).stdout
    queues, tables = "arn:aws:sqs:eu-west-1:000000000000:", "arn:aws:dynamodb:eu-west-1:000000000000:table/"
    definitions = "arn:aws:ecs:eu-west-1:000000000000:task-definition/"
    assert json.loads(printed.splitlines()[-1]) == {
        "a move of messages": f"{queues}*",
        "a redriven message": ["id", "1"],
        "an event": "arn:aws:events:eu-west-1:000000000000:event-bus/default",
        "a query of an index": f"{tables}table",
        "a place to listen": True,
        "a run of a task": f"{definitions}{definitions}family:1",
        "a transaction in streams": True,
        "a transaction": [f"dynamodb:{part}" for part in ("ConditionCheckItem", "DeleteItem", "PutItem", "UpdateItem")],
    }


@pytest.mark.parametrize("spec", [SCHEDULER, RECONCILER, DIGEST], ids=lambda spec: spec.name)
def test_what_runs_by_the_clock_runs_with_its_role(stack: Stack, spec: FunctionSpec) -> None:
    stack.invoke(spec, {})


@pytest.mark.parametrize("path", ["alerts", "watchlist", "channels", "shares"])
def test_what_a_user_reads_is_answered(stack: Stack, path: str) -> None:
    status, document = stack.http("GET", f"/activity/{path}?user={USER}")
    assert status == 200, document


def test_operators_see_jobs_and_queues(stack: Stack) -> None:
    for path in ("jobs", "queues"):
        status, document = stack.http("GET", f"/activity/{path}")
        assert status == 200, document
