import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local_service import lifeline
from local_service.aws.embedded import EmbeddedAws
from local_service.functions.processes import FunctionError
from local_service.provisioning import Environment
from local_service.tasks.runner import TaskRunner
from tests import waiting
from tests.integration.local_service.conftest import client
from watchlist.deployment.functions import TASK_CONTAINER

PROGRAM = """
import json, os, sys, time
with open(os.environ["OUT"] + ".part", "w") as out:
    json.dump({"environment": dict(os.environ), "directory": os.getcwd()}, out)
os.rename(os.environ["OUT"] + ".part", os.environ["OUT"])
if os.environ["DO"] == "wait":
    time.sleep(600)
sys.exit(int(os.environ["DO"]))
"""


class Reports:
    """Takes the events of stopped tasks; fails as often as told first."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.events: list[dict[str, Any]] = []
        self.arrived = threading.Event()

    def __call__(self, event: dict[str, Any]) -> None:
        if self.failures:
            self.failures -= 1
            raise FunctionError("boom")
        self.events.append(event)
        self.arrived.set()

    def first(self) -> dict[str, Any]:
        assert self.arrived.wait(30)
        detail: dict[str, Any] = self.events[0]["detail"]
        return detail


class Tasks:
    """Starts tasks as the dispatcher does."""

    def __init__(self, aws: EmbeddedAws, environment: Environment, tmp_path: Path) -> None:
        self.ecs = client(aws, "ecs", caller="platform")
        self.environment = environment
        self.out = tmp_path / "out"

    def run(self, what: str) -> str:
        variables = {"DO": what, "OUT": str(self.out)}
        response = self.ecs.run_task(
            cluster=self.environment.cluster,
            taskDefinition=self.environment.task_definition,
            startedBy="job-1",
            capacityProviderStrategy=[{"capacityProvider": "FARGATE", "weight": 1}],
            networkConfiguration={
                "awsvpcConfiguration": {
                    "subnets": self.environment.variables["SUBNET_IDS"].split(","),
                    "securityGroups": self.environment.variables["SECURITY_GROUP_IDS"].split(","),
                }
            },
            overrides={
                "containerOverrides": [
                    {
                        "name": TASK_CONTAINER,
                        "environment": [{"name": name, "value": value} for name, value in variables.items()],
                    }
                ]
            },
        )
        arn: str = response["tasks"][0]["taskArn"]
        return arn

    def started(self) -> dict[str, Any]:
        waiting.until("the task says what it sees", self.out.exists)
        described: dict[str, Any] = json.loads(self.out.read_text())
        return described

    def status(self, arn: str) -> str:
        tasks = self.ecs.describe_tasks(cluster=self.environment.cluster, tasks=[arn])["tasks"]
        status: str = tasks[0]["lastStatus"]
        return status


def _set_by_the_interpreter() -> set[str]:
    program = "import json, os; print(json.dumps(list(os.environ)))"
    finished = subprocess.run([sys.executable, "-c", program], env={}, capture_output=True, text=True, check=True)
    return set(json.loads(finished.stdout))


@pytest.fixture
def tasks(aws: EmbeddedAws, environment: Environment, tmp_path: Path) -> Tasks:
    return Tasks(aws, environment, tmp_path)


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture
def runner(tasks: Tasks, reports: Reports, tmp_path: Path, log: int) -> Iterator[TaskRunner]:
    with TaskRunner(
        tasks.ecs,
        tasks.environment.cluster,
        reports,
        scratch=tmp_path / "homes",
        log=log,
        argv=[sys.executable, "-c", PROGRAM],
        grace_seconds=0.5,
    ) as running:
        yield running


@pytest.mark.parametrize("exit_code", [0, 3])
@pytest.mark.usefixtures("runner")
def test_a_task_runs_to_its_end_and_is_reported(tasks: Tasks, reports: Reports, exit_code: int) -> None:
    arn = tasks.run(str(exit_code))

    detail = reports.first()

    assert (detail["taskArn"], detail["startedBy"]) == (arn, "job-1")
    assert (detail["lastStatus"], detail["stopCode"]) == ("STOPPED", "EssentialContainerExited")
    assert detail["containers"][0]["exitCode"] == exit_code
    while tasks.status(arn) != "STOPPED":
        threading.Event().wait(0.01)


@pytest.mark.usefixtures("runner")
def test_the_environment_is_the_task_definition_s_and_the_overrides_and_nothing_of_the_caller(
    tasks: Tasks, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_CALLER", "x")
    tasks.run("0")
    reports.first()

    environment = tasks.started()["environment"]
    definition = tasks.ecs.describe_task_definition(taskDefinition=tasks.environment.task_definition)
    defined = {variable["name"] for variable in definition["taskDefinition"]["containerDefinitions"][0]["environment"]}
    of_the_platform = {"AWS_EXECUTION_ENV", "HOME", "LANG", "PATH", "PYTHONUNBUFFERED", *lifeline.trust()}
    assert set(environment) - _set_by_the_interpreter() == defined | {"DO", "OUT"} | of_the_platform
    assert environment["HOME"] != os.environ.get("HOME")


def test_a_task_that_is_killed_is_reported_with_its_signal(runner: TaskRunner, tasks: Tasks, reports: Reports) -> None:
    arn = tasks.run("wait")
    tasks.started()
    os.kill(runner.process_ids()[arn], signal.SIGKILL)

    detail = reports.first()

    assert detail["containers"][0]["exitCode"] == 137
    assert detail["stopCode"] == "EssentialContainerExited"


@pytest.mark.usefixtures("runner")
def test_a_task_that_somebody_stops_gets_sigterm(tasks: Tasks, reports: Reports) -> None:
    arn = tasks.run("wait")
    tasks.started()
    tasks.ecs.stop_task(cluster=tasks.environment.cluster, task=arn, reason="test")

    detail = reports.first()

    assert detail["containers"][0]["exitCode"] == 143
    assert detail["stopCode"] == "UserInitiated"


@pytest.mark.usefixtures("runner")
def test_a_report_is_repeated_until_it_is_heard(
    tasks: Tasks, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local_service.tasks.runner._REPORT_PAUSE_SECONDS", 0.01)
    reports.failures = 20
    tasks.run("0")

    assert reports.first()["lastStatus"] == "STOPPED"


def test_the_end_of_the_runner_does_not_wait_for_a_report_to_be_heard(tasks: Tasks, tmp_path: Path, log: int) -> None:
    unheard = Reports(failures=1000)
    argv = [sys.executable, "-c", PROGRAM]
    with TaskRunner(tasks.ecs, tasks.environment.cluster, unheard, scratch=tmp_path / "others", log=log, argv=argv):
        arn = tasks.run("0")
        waiting.until("it was reported in vain", lambda: unheard.failures, lambda left: left < 999)

    assert tasks.status(arn) == "RUNNING"  # so that the next start reports it


def test_a_paused_runner_starts_nothing(runner: TaskRunner, tasks: Tasks, reports: Reports) -> None:
    runner.pause()
    arn = tasks.run("0")
    assert runner.process_ids() == {}
    assert tasks.status(arn) == "RUNNING"

    runner.resume()

    reports.first()


def test_the_end_of_the_runner_ends_its_tasks(tasks: Tasks, reports: Reports, tmp_path: Path, log: int) -> None:
    argv = [sys.executable, "-c", PROGRAM]
    with TaskRunner(
        tasks.ecs, tasks.environment.cluster, reports, scratch=tmp_path / "homes", log=log, argv=argv
    ) as runner:
        arn = tasks.run("wait")
        tasks.started()
        pid = runner.process_ids()[arn]

    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIG_DFL)
    assert list((tmp_path / "homes").iterdir()) == []


def test_tasks_that_were_left_behind_are_reported_before_the_runner_goes_on(
    tasks: Tasks, reports: Reports, tmp_path: Path, log: int
) -> None:
    arns = [tasks.run("wait") for _ in range(2)]
    runner = TaskRunner(tasks.ecs, tasks.environment.cluster, reports, scratch=tmp_path / "homes", log=log)

    runner.bury_left_behind()

    assert [event["detail"]["taskArn"] for event in reports.events] == arns
    assert {event["detail"]["containers"][0]["exitCode"] for event in reports.events} == {137}
    assert [tasks.status(arn) for arn in arns] == ["STOPPED"] * 2


def test_a_task_whose_end_was_not_reported_to_the_end_is_left_behind(
    tasks: Tasks, reports: Reports, tmp_path: Path, log: int
) -> None:
    class KilledError(BaseException):
        pass

    def die(_event: dict[str, Any]) -> None:
        raise KilledError

    def runner(report: Callable[[dict[str, Any]], object]) -> TaskRunner:
        return TaskRunner(tasks.ecs, tasks.environment.cluster, report, scratch=tmp_path / "homes", log=log)

    arn = tasks.run("wait")
    with pytest.raises(KilledError):
        runner(die).bury_left_behind()

    runner(reports).bury_left_behind()

    assert reports.first()["taskArn"] == arn
