"""Runs the worker's image as the tasks of the local service: `python -m tests.image IMAGE`.

The image runs in a chroot by buildah (BUILDAH_ISOLATION=chroot), with this machine's network, so that it reaches the
service on loopback. A read-only root file system and dropped capabilities are Fargate's; they are not tried here.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from infra.local.api_client import ApiClient
from infra.local.service import LocalService, LocalSettings
from infra.worker_image import SCORECARD, SCRATCH, USER
from watchlist.function_specs import TASK_MODULE

ROOT = Path(__file__).parents[1]
PYTHON = "/opt/venv/bin/python"

_BUILDAH_VARIABLES = ("HOME", "PATH", "STORAGE_DRIVER", "BUILDAH_ISOLATION")
"""What buildah reads from the environment; a task's environment has other values for some of them."""

_READY_SECONDS = 300
_NOT_THE_CONTAINERS = ("HOME", "PATH", "LANG")


def main() -> int:
    """Check the image's configuration, then run a job in it."""
    if sys.argv[1] == "--task":
        _run_task(sys.argv[2], sys.argv[3], json.loads(sys.argv[4]))
    image = sys.argv[1]
    _check_configuration(json.loads(_buildah("inspect", "--type", "image", image)))
    container = _buildah("from", "--pull-never", image).strip()
    try:
        _check_that_missing_settings_are_named(container)
        with tempfile.TemporaryDirectory() as scratch:
            uid, gid = map(int, USER.split(":"))
            os.chown(scratch, uid, gid)
            entry = _run_job(container, Path(scratch))
        score = entry["package"]
    finally:
        _buildah("rm", container)
    _say(f"a job in the image ended in: {entry['status']}, attempt {entry['attempt']}, package {score}")
    return 0 if entry["status"] == "ready" else 1


def _check_configuration(inspected: dict[str, Any]) -> None:
    config = inspected["OCIv1"]["config"]
    expected = {"User": USER, "Entrypoint": [PYTHON, "-m", TASK_MODULE], "Volumes": {SCRATCH: {}}}
    actual = {name: config.get(name) for name in expected}
    if actual != expected:
        raise SystemExit(f"the image's configuration is {actual}, expected {expected}")
    _say(f"configuration: {actual}")


def _check_that_missing_settings_are_named(container: str) -> None:
    command = ["buildah", "run", container, "--", PYTHON, "-m", TASK_MODULE]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    output = finished.stdout + finished.stderr
    if finished.returncode == 0 or "GIT_CLONE_DIR" not in output:
        raise SystemExit(f"without settings the entry point ended with {finished.returncode}: {output}")
    _say("without settings the entry point names the missing ones")


def _run_job(container: str, scratch: Path) -> dict[str, Any]:
    argv = (sys.executable, "-m", "tests.image", "--task", container, str(scratch), json.dumps(_buildah_environment()))
    settings = LocalSettings(
        repositories=(ROOT,),
        variables={"GIT_CLONE_DIR": f"{SCRATCH}/clones", "SCORECARD_PATH": SCORECARD},
        log=ROOT / "build" / "image" / "service.log",
        task_argv=argv,
    )
    with LocalService(settings) as local:
        client = ApiClient(local.url)
        watchlist_id = client.add(local.repository_urls[ROOT], "image-test")
        deadline = time.monotonic() + _READY_SECONDS
        while (entry := client.status(watchlist_id))["status"] == "processing":
            if time.monotonic() > deadline:
                raise SystemExit(f"still processing after {_READY_SECONDS} s: {entry}")
            time.sleep(1)
        _say(
            f"{len(client.commits(watchlist_id))} commits on the first page(s); health: {client.health(watchlist_id)}"[
                :600
            ]
        )
    return entry


def _run_task(container: str, scratch: str, buildah_environment: dict[str, str]) -> None:
    """Become the container's program, with this process's variables as the container's."""
    variables = {name: value for name, value in os.environ.items() if name not in _NOT_THE_CONTAINERS}
    environment = [argument for name, value in variables.items() for argument in ("--env", f"{name}={value}")]
    volume = f"{scratch}:{SCRATCH}:rw"
    argv = ["buildah", "run", "--volume", volume, *environment, container, "--", PYTHON, "-m", TASK_MODULE]
    os.execvpe(argv[0], argv, buildah_environment)  # noqa: S606 - argv is ours


def _buildah(*arguments: str) -> str:
    return subprocess.run(["buildah", *arguments], capture_output=True, text=True, check=True).stdout


def _buildah_environment() -> dict[str, str]:
    return {name: os.environ[name] for name in _BUILDAH_VARIABLES if name in os.environ}


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
