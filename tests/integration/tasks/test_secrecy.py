"""A program that the job starts finds nothing of what the job knows."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no /proc")

JOB = """
import ctypes, json, os, sys
from pathlib import Path
from tasks.child_process import ChildLimits, ChildProcesses
from tasks.secrecy import keep_secrets

PR_SET_DUMPABLE = 4
if os.getuid() == 0:  # root may look into every process, so the job becomes somebody else
    os.setgid(65534)
    os.setuid(65534)
ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # as any process is that was started by its own user
if sys.argv[1] == "keeps":
    keep_secrets()
look = "env; echo --; cat /proc/$PPID/environ; head -c 1 /proc/$PPID/mem; cat /proc/$PPID/maps"
limits = ChildLimits(seconds=60, memory=None, file_size=1_000_000)
told = []
for alone in (False, True):
    with ChildProcesses().start(
        ["/bin/sh", "-c", look], environment={"PATH": os.defpath}, directory=Path("/"), limits=limits, alone=alone
    ) as child:
        told.append(child.stdout.read().decode())
print(json.dumps({"told": told, "kept": os.environ.get("GITHUB_TOKEN")}))
"""


def run_job(mode: str) -> tuple[list[str], str | None]:
    """Return what two children found out, and what the job itself still has of the token."""
    finished = subprocess.run(
        [sys.executable, "-c", JOB, mode],
        env={"GITHUB_TOKEN": "s3cret", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
    )
    result = json.loads(finished.stdout)
    return result["told"], result["kept"]


def test_a_child_reads_neither_the_jobs_environment_nor_its_memory() -> None:
    told, kept = run_job("keeps")

    assert len(told) == 2
    for found in told:
        own, _, of_parent = found.partition("--\n")
        assert "GITHUB_TOKEN" not in own
        assert "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" not in own
        assert of_parent == ""
    assert kept is None


def test_without_it_a_child_would_read_them() -> None:
    told, _ = run_job("tells")

    assert all("GITHUB_TOKEN=s3cret" in found for found in told)
