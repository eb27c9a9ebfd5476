"""What Fargate is to ECS: it runs each task that ECS accepted, as a process, and reports its end.

The event is EventBridge's `ECS Task State Change` (ECS guide, "Amazon ECS task state change events").
"""

import contextlib
import logging
import os
import shutil
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from local_service import lifeline
from local_service.aws.embedded import ACCOUNT, REGION
from local_service.background_loop import BackgroundLoop
from local_service.functions.processes import FunctionError
from local_service.tasks.container import exit_code_of
from watchlist import clock
from watchlist.deployment.functions import TASK_CONTAINER, TASK_MODULE

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_ecs.type_defs import TaskTypeDef

JOB: tuple[str, ...] = (sys.executable, "-m", TASK_MODULE)

_CONTAINER = Path(__file__).with_name("container.py")
"""Run as a file: importing the package `infra` adds variables, and the program must see its own ones only."""

_PAUSE_SECONDS = 0.2
_DESCRIBED_AT_ONCE = 100
"""Most tasks of one DescribeTasks call (ECS API reference)."""

_KILLED = 137
"""The exit code of what was ended by SIGKILL."""

_REPORT_TRIES = 60
"""Until its end is heard of, a task's job waits for as long as its lease lasts. So the report outlasts a full disk; by
the last of these tries, ten minutes later, the reconciler has seen to the job. EventBridge goes on for a day
(EventBridge guide, "How EventBridge retries delivering events")."""

_TRIES_AT_START = 3
_REPORT_PAUSE_SECONDS = 1
_LONGEST_REPORT_PAUSE_SECONDS = 10

_ESSENTIAL_CONTAINER_EXITED = ("EssentialContainerExited", "Essential container in task exited")
_USER_INITIATED = ("UserInitiated", "Task stopped by user")
_LEFT_BEHIND = ("UserInitiated", "the service ended")

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoppedTask:
    """How a task went: what ECS knew of it, and its end."""

    task: "TaskTypeDef"
    exit_code: int
    stop_code: str
    stopped_reason: str
    started_at: datetime
    stopped_at: datetime


def event_of(stopped: StoppedTask) -> dict[str, Any]:
    """Return the event that EventBridge delivers for a stopped task."""
    task = stopped.task
    started_at, stopped_at = clock.to_json(stopped.started_at), clock.to_json(stopped.stopped_at)
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "account": ACCOUNT,
        "time": stopped.stopped_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [task["taskArn"]],
        "detail": {
            "clusterArn": task["clusterArn"],
            "taskArn": task["taskArn"],
            "taskDefinitionArn": task["taskDefinitionArn"],
            "group": task["group"],
            "startedBy": task["startedBy"],
            "launchType": "FARGATE",
            "capacityProviderName": task.get("capacityProviderName", "FARGATE"),
            "lastStatus": "STOPPED",
            "desiredStatus": "STOPPED",
            "stopCode": stopped.stop_code,
            "stoppedReason": stopped.stopped_reason,
            "containers": [
                {
                    "containerArn": f"{task['taskArn']}/{container['name']}",
                    "name": container["name"],
                    "taskArn": task["taskArn"],
                    "lastStatus": "STOPPED",
                    "exitCode": stopped.exit_code,
                }
                for container in task["containers"]
            ],
            "overrides": task["overrides"],
            "createdAt": started_at,
            "startedAt": started_at,
            "stoppingAt": stopped_at,
            "stoppedAt": stopped_at,
            "executionStoppedAt": stopped_at,
            "version": 1,
        },
    }


def environment_of(defined: Mapping[str, str], task: "TaskTypeDef") -> dict[str, str]:
    """Return the container's variables: the task definition's, then the overrides'."""
    overridden = {
        variable["name"]: variable["value"]
        for container in task["overrides"].get("containerOverrides", [])
        if container.get("name") == TASK_CONTAINER
        for variable in container.get("environment", [])
    }
    return {**defined, **overridden}


@dataclass(slots=True)
class _RunningTask:
    task: "TaskTypeDef"
    process: subprocess.Popen[bytes]
    program: int
    home: Path
    started_at: datetime
    stop_asked: threading.Event = field(default_factory=threading.Event)

    def ask_to_stop(self) -> None:
        """Send SIGTERM to the program, once."""
        if not self.stop_asked.is_set() and self.process.stdin is not None:
            self.stop_asked.set()
            with contextlib.suppress(OSError, ValueError):  # it has ended already
                self.process.stdin.write(b"T")
                self.process.stdin.flush()


class TaskRunner(BackgroundLoop):
    """Runs the tasks of one cluster; a context manager whose exit stops all of them.

    `pause` and `resume` hold back new tasks; those that run go on. `wake` says that tasks were run or stopped.
    """

    def __init__(  # noqa: PLR0913 - all of them are what the runner is made of
        self,
        ecs: "ECSClient",
        cluster: str,
        report: Callable[[dict[str, Any]], object],
        *,
        scratch: Path,
        log: int,
        argv: Sequence[str] = JOB,
        grace_seconds: float = 30,
        idle_seconds: float = _PAUSE_SECONDS,
    ) -> None:
        """Prepare a runner.

        Args:
            ecs: its client.
            cluster: whose tasks are run.
            report: takes the event of each stopped task; raises FunctionError when it could not.
            scratch: a folder for the tasks' home directories.
            log: the file descriptor that tasks log to.
            argv: the program of the container.
            grace_seconds: from SIGTERM to SIGKILL when a task is stopped from outside.
            idle_seconds: how often it looks for tasks; often unless somebody wakes it.
        """
        self._ecs = ecs
        self._cluster = cluster
        self._report = report
        self._scratch = scratch
        self._log = log
        self._argv = tuple(argv)
        self._grace_seconds = grace_seconds
        self._lock = threading.Lock()
        self._started: set[str] = set()
        self._running: dict[str, _RunningTask] = {}
        self._waiters: list[threading.Thread] = []
        self._closing = threading.Event()
        super().__init__("task runner", self.look, seconds=idle_seconds, retry_seconds=_PAUSE_SECONDS)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        with self._lock:
            self._closing.set()
            running, waiters = list(self._running.values()), list(self._waiters)
        for task in running:
            self._stop(task)
        for waiter in waiters:
            waiter.join()

    def bury_left_behind(self) -> None:
        """Report the tasks as stopped that an earlier runner was given: their processes ended with it.

        It is done before any queue is polled: a message that comes first waits for as long as the task might live.
        """
        arns = self._wanted()
        self._started.update(arns)
        for start in range(0, len(arns), _DESCRIBED_AT_ONCE):
            described = self._ecs.describe_tasks(cluster=self._cluster, tasks=arns[start : start + _DESCRIBED_AT_ONCE])
            for left in described["tasks"]:
                self._tell(StoppedTask(left, _KILLED, *_LEFT_BEHIND, left["createdAt"], clock.now()), _TRIES_AT_START)

    def process_ids(self) -> Mapping[str, int]:
        """Return the process id of each running task's program, by task ARN."""
        with self._lock:
            return {arn: task.program for arn, task in self._running.items()}

    def look(self) -> bool:
        """Start the tasks that ECS has accepted, stop those that somebody stopped; return whether any was started."""
        with self._lock:
            running = dict(self._running)
        wanted = self._wanted()
        for arn, task in running.items():
            if arn not in wanted:
                self._stop(task)
        new = [arn for arn in wanted if arn not in self._started][:_DESCRIBED_AT_ONCE]
        if new:
            for accepted in self._ecs.describe_tasks(cluster=self._cluster, tasks=new)["tasks"]:
                self._start(accepted)
        return bool(new)

    def _wanted(self) -> list[str]:
        pages = self._ecs.get_paginator("list_tasks").paginate(cluster=self._cluster, desiredStatus="RUNNING")
        return [arn for page in pages for arn in page["taskArns"]]

    def _start(self, task: "TaskTypeDef") -> None:
        arn = task["taskArn"]
        definition = self._ecs.describe_task_definition(taskDefinition=task["taskDefinitionArn"])["taskDefinition"]
        defined = {
            variable["name"]: variable["value"] for variable in definition["containerDefinitions"][0]["environment"]
        }
        home = self._scratch / arn.rpartition("/")[2]
        home.mkdir(parents=True)
        process = subprocess.Popen(  # noqa: S603 - a fixed argv
            [sys.executable, "-I", str(_CONTAINER), *self._argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={
                "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
                "HOME": str(home),
                "LANG": "C.UTF-8",
                "PATH": os.environ.get("PATH", os.defpath),
                "PYTHONUNBUFFERED": "1",
                **lifeline.trust(),
                **environment_of(defined, task),
            },
            cwd=lifeline.ROOT,
            start_new_session=True,
        )
        program = int(lifeline.first_line(process))
        self._started.add(arn)
        running = _RunningTask(task, process, program, home, clock.now())
        _LOGGER.info("task %s started as process %d", arn, program)
        waiter = threading.Thread(target=self._wait, args=(running,), name=f"task {arn}", daemon=True)
        with self._lock:
            self._running[arn] = running
            self._waiters = [*(thread for thread in self._waiters if thread.is_alive()), waiter]
        waiter.start()

    def _wait(self, running: _RunningTask) -> None:
        exit_code = exit_code_of(running.process.wait())
        lifeline.end(running.process)
        shutil.rmtree(running.home, ignore_errors=True)
        stop_code, reason = _USER_INITIATED if running.stop_asked.is_set() else _ESSENTIAL_CONTAINER_EXITED
        stopped = StoppedTask(running.task, exit_code, stop_code, reason, running.started_at, clock.now())
        arn = running.task["taskArn"]
        _LOGGER.info("task %s stopped: exit code %d", arn, exit_code)
        try:
            if not self._closing.is_set():
                self._tell(stopped)
        except (BotoCoreError, ClientError):
            _LOGGER.exception("ECS could not be told that task %s stopped", arn)
        finally:
            with self._lock:
                del self._running[arn]

    def _tell(self, stopped: StoppedTask, tries: int = _REPORT_TRIES) -> None:
        """Tell whoever listens to ECS's events, then ECS: who ends in between leaves the task to be buried."""
        event = event_of(stopped)
        for number in range(1, tries + 1):
            try:
                self._report(event)
            except FunctionError as error:
                _LOGGER.error(  # noqa: TRY400 - the function's own log has the traceback
                    "the end of task %s could not be reported (try %d): %s", stopped.task["taskArn"], number, error
                )
                if self._closing.wait(min(_REPORT_PAUSE_SECONDS * number, _LONGEST_REPORT_PAUSE_SECONDS)):
                    return
            else:
                break
        self._ecs.stop_task(cluster=self._cluster, task=stopped.task["taskArn"], reason=stopped.stopped_reason)

    def _stop(self, running: _RunningTask) -> None:
        if running.stop_asked.is_set() or running.process.poll() is not None:
            return
        running.ask_to_stop()
        killer = threading.Timer(self._grace_seconds, lifeline.end, [running.process])
        killer.daemon = True
        killer.start()
