"""The worker's image does its work as the task definition runs it.

`scripts/image-test` builds the image and runs these tests. pytest does not collect them by itself: they need root,
podman and the image, which WORKER_IMAGE names.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.stack.worker_image import SCORECARD, SCRATCH, USER
from local_service.aws import embedded as embedded_aws
from local_service.commands.api_client import ApiClient
from local_service.service import LocalService, LocalSettings
from tests import waiting
from tests.hostile_server import HostileServer
from tests.infra.templates import Template
from watchlist.deployment.functions import TASK_MODULE
from watchlist.errors import ErrorCode
from watchlist.settings import JobSettings, TaskSettings

ROOT = Path(__file__).parents[2]
LOGS = ROOT / "build" / "image"
SECONDS = 240
"""How long anything may take before a test gives up on it."""

PYTHON = "/opt/venv/bin/python"

_PODMANS_OWN = ("CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF")
"""Where podman's settings and storage are; `scripts/image-test` makes them."""

_TASK = "repository-watchlist-task"
"""The label of the containers that the service started."""

_TRANSLATED = {"Environment", "LinuxParameters", "MountPoints", "ReadonlyRootFilesystem", "StopTimeout", "User"}
_NOT_TRIED = {
    "Essential",  # there is one container
    "Image",  # WORKER_IMAGE
    "LogConfiguration",  # logs go where podman's output goes
    "Name",
    "Secrets",  # the token of GitHub's API is optional
}

PROBE = """\
import json, os, pathlib
def writable(directory):
    try:
        (pathlib.Path(directory) / "probe").write_text("")
    except OSError:
        return False
    return True
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
directories = [path for path, _, _ in os.walk("/") if not path.startswith(("/proc", "/sys", "/dev"))]
print(json.dumps({
    "user": f"{os.getuid()}:{os.getgid()}",
    "capabilities": [status[name] for name in ("CapPrm", "CapEff", "CapInh", "CapAmb", "CapBnd")],
    "writable": [directory for directory in directories if writable(directory)],
}))
"""
"""Tells what a program in the container may do. What is below /proc, /sys and /dev is the runtime's."""


@dataclass(frozen=True)
class Image:
    """The image, and how tasks of it are run.

    Attributes:
        name: podman's name of it.
        options: what the task definition says, as options of `podman run`.
        variables: the container's variables; None where only a deployment knows the value.
    """

    name: str
    options: tuple[str, ...]
    variables: Mapping[str, str | None]

    @property
    def known_variables(self) -> dict[str, str]:
        """The container's variables whose values the template has."""
        return {name: value for name, value in self.variables.items() if value is not None}

    def argv(self, *options: str) -> list[str]:
        """Return the command that runs a container."""
        return ["podman", "run", "--pull=never", "--network=host", *self.options, *options, self.name]

    def run(self, *arguments: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        """Run a container to its end, with `arguments` for its entry point."""
        argv = [*self.argv("--rm", *options), *arguments]
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=SECONDS)


@dataclass(frozen=True)
class Processor:
    """What others call a processor.

    Attributes:
        machine: the kernel, and so Python's packages.
        go_name: GOARCH.
        elf_machine: the low byte of the number in the header of its programs (System V ABI, e_machine).
    """

    machine: str
    go_name: str
    elf_machine: int


_PROCESSORS = {"ARM64": Processor("aarch64", "arm64", 183), "X86_64": Processor("x86_64", "amd64", 62)}
"""By the task definition's name."""

Serve = Callable[..., AbstractContextManager[LocalService]]


@pytest.fixture(scope="session")
def image(dev: Template) -> Image:
    name = os.environ.get("WORKER_IMAGE")
    if name is None:
        pytest.fail("WORKER_IMAGE does not name the image: run scripts/image-test, which builds it")
    container = dev.container()
    variables = {variable["Name"]: variable["Value"] for variable in container["Environment"]}
    return Image(
        name=name,
        options=(*limits_of(dev.the("AWS::ECS::TaskDefinition")), *options_of(container)),
        variables={name: value if isinstance(value, str) else None for name, value in variables.items()},
    )


@pytest.fixture(scope="session")
def processor(dev: Template) -> Processor:
    """What tasks run on, which need not be what this machine has."""
    return _PROCESSORS[dev.the("AWS::ECS::TaskDefinition")["RuntimePlatform"]["CpuArchitecture"]]


def limits_of(task: Mapping[str, Any]) -> Iterator[str]:
    """Yield the options for the task's size: 1024 CPU units are one processor, and there is no swap on Fargate."""
    yield f"--cpus={int(task['Cpu']) / 1024}"
    yield f"--memory={task['Memory']}m"
    yield f"--memory-swap={task['Memory']}m"


def options_of(container: Mapping[str, Any]) -> Iterator[str]:
    """Yield the options for all that the task definition says of the container, but for its variables."""
    unknown = container.keys() - _TRANSLATED - _NOT_TRIED
    assert not unknown, f"these tests do not know what {unknown} of the task definition's container mean"
    linux = container["LinuxParameters"]
    assert linux.keys() == {"Capabilities"}
    assert container["ReadonlyRootFilesystem"]
    yield "--read-only"
    yield "--read-only-tmpfs=false"  # podman would lay file systems over /tmp and others; Fargate does not
    yield from (f"--cap-drop={name}" for name in linux["Capabilities"]["Drop"])
    yield f"--user={container['User']}"
    yield f"--stop-timeout={container['StopTimeout']}"
    for mount in container["MountPoints"]:
        assert not mount["ReadOnly"]
        yield f"--volume={mount['ContainerPath']}"


@pytest.fixture
def serve(image: Image, request: pytest.FixtureRequest) -> Iterator[Serve]:
    """Return a context manager that runs the local service, whose tasks are containers of the image.

    Its log, with those of the tasks, is shown when the test fails.
    """
    log = LOGS / f"{request.node.name}.log"

    @contextmanager
    def start(*repositories: Path, **more: str) -> Iterator[LocalService]:
        variables = {**image.known_variables, **more}
        settings = LocalSettings(repositories=repositories, variables=variables, log=log, task_argv=task_argv(image))
        with LocalService(settings) as service:
            yield service

    assert tasks() == []
    yield start
    for container in tasks():
        podman("rm", "--force", "--volumes", container["Id"])
    sys.stdout.write(log.read_text())


def task_argv(image: Image) -> tuple[str, ...]:
    """Return the command that the service starts a task by; of its variables the container gets those of a task."""
    podmans_own = [f"{name}={os.environ[name]}" for name in _PODMANS_OWN if name in os.environ]
    names = (*TaskSettings.variables(), *JobSettings.variables(), "AWS_*")
    return ("env", *podmans_own, *image.argv(f"--label={_TASK}", *(f"--env={name}" for name in names)))


def tasks() -> list[dict[str, Any]]:
    """Return podman's description of each container of a task, the oldest first."""
    ids = podman("ps", "--all", "--quiet", f"--filter=label={_TASK}").split()
    described: list[dict[str, Any]] = json.loads(podman("container", "inspect", *ids)) if ids else []
    return sorted(described, key=lambda container: str(container["Created"]))


def podman(*arguments: str) -> str:
    finished = subprocess.run(["podman", *arguments], capture_output=True, text=True, check=True, timeout=SECONDS)
    return finished.stdout


def test_the_image_starts_the_job_as_the_tasks_user(image: Image) -> None:
    (inspected,) = json.loads(podman("image", "inspect", image.name))

    config = inspected["Config"]
    assert (config["Entrypoint"], config.get("Cmd")) == ([PYTHON, "-m", TASK_MODULE], None)
    assert (config["User"], config["Volumes"]) == (USER, {SCRATCH: {}})


def test_a_task_has_no_capability_and_can_write_nothing_but_its_scratch(image: Image) -> None:
    finished = image.run("-c", PROBE, options=(f"--entrypoint={PYTHON}",))

    assert finished.stderr == ""
    found = json.loads(finished.stdout)
    assert found["user"] == USER
    assert {int(capabilities, 16) for capabilities in found["capabilities"]} == {0}
    assert found["writable"] == [SCRATCH]


def test_without_settings_the_entry_point_names_the_missing_ones(image: Image) -> None:
    finished = image.run()

    assert finished.returncode == 2
    assert "GIT_CLONE_DIR" in finished.stderr


def test_a_job_in_the_image_ends_ready_with_commits_and_a_score(image: Image, serve: Serve) -> None:
    head = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=ROOT, text=True).strip()
    with serve(ROOT) as service:
        api = ApiClient(service.url)
        watchlist_id = api.add(service.repository_urls[ROOT], "ada@example.org")
        waiting.until(
            "it is processed", lambda: api.status(watchlist_id), lambda status: status["status"] != "processing"
        )
        status, commits, health = api.status(watchlist_id), api.commits(watchlist_id), api.health(watchlist_id)
        waiting.until(
            "all tasks have ended",
            lambda: [task for task in tasks() if task["State"]["Running"]],
            lambda left: not left,
        )
        (container,) = tasks()

    assert (status["status"], status["last_error"], status["attempt"]) == ("ready", None, 1)
    assert commits[0]["sha"] == head
    assert status["commits"] == len(commits)
    scorecard = health["scorecard"]
    assert scorecard["score"] is not None, scorecard["reason"]
    assert (scorecard["source"], scorecard["head"]) == ("local", head)
    assert scorecard["checks_conclusive"] > 0

    assert (container["State"]["ExitCode"], container["State"]["OOMKilled"]) == (0, False)
    variables = dict(variable.split("=", 1) for variable in container["Config"]["Env"])
    assert variables.keys() >= image.variables.keys()
    assert variables.items() >= image.known_variables.items()
    assert (variables["HOME"], variables["SCORECARD_PATH"]) == (SCRATCH, SCORECARD)


def test_a_task_that_is_stopped_hands_its_job_back(serve: Serve) -> None:
    def never_answer(_: BaseHTTPRequestHandler) -> None:
        host.stopping.wait()

    with HostileServer(never_answer) as host, serve(ALLOWED_ORIGINS=host.origin) as service:
        api = ApiClient(service.url)
        watchlist_id = api.add(host.url, "ada@example.org")
        waiting.until("the host is asked", lambda: len(host.requests))
        ecs = boto3.client("ecs", **embedded_aws.client_arguments(service.aws.url))
        (arn,) = ecs.list_tasks(cluster=service.environment.cluster)["taskArns"]

        ecs.stop_task(cluster=service.environment.cluster, task=arn)

        waiting.until("it has an error", lambda: api.status(watchlist_id)["last_error"])
        status = api.status(watchlist_id)
        waiting.until("its task has ended", lambda: not tasks()[0]["State"]["Running"])
        exit_code = tasks()[0]["State"]["ExitCode"]
    assert (status["status"], status["last_error"]["code"]) == ("processing", ErrorCode.WORKER_INTERRUPTED)
    assert exit_code == 0


def test_each_requirement_has_a_wheel_for_the_tasks_processor(
    image: Image, processor: Processor, tmp_path: Path
) -> None:
    asked = image.run("-c", "import platform; print(platform.python_version())", options=(f"--entrypoint={PYTHON}",))

    finished = subprocess.run(
        [
            *(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-config", "--target", str(tmp_path)),
            *("--python-platform", f"{processor.machine}-unknown-linux-gnu", "--python-version", asked.stdout.strip()),
            *("--only-binary", ":all:", "--require-hashes", "--requirements", str(ROOT / "requirements" / "task.txt")),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )

    assert finished.returncode == 0, finished.stderr
    assert {path.read_bytes()[18] for path in tmp_path.rglob("*.so*")} == {processor.elf_machine}


def test_each_package_of_scorecard_has_source_for_the_tasks_processor(processor: Processor) -> None:
    finished = subprocess.run(
        ["go", "list", "-deps", "github.com/ossf/scorecard/v5"],
        cwd=ROOT / "tools" / "scorecard",
        env={**os.environ, "GOOS": "linux", "GOARCH": processor.go_name, "CGO_ENABLED": "0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )

    assert finished.returncode == 0, finished.stderr
