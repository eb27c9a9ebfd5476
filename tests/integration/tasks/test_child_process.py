"""Real children that misbehave: each ends with its whole process group, in bounded time, space and memory."""

import contextlib
import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from tasks import child_process
from tasks.child_process import ChildLimits, ChildProcesses
from tests.process_table import is_running, wait_until_gone
from watchlist.errors import JobCancelledError

MIB = 1024 * 1024
GENEROUS = ChildLimits(seconds=60, memory=None, file_size=MIB)
PATH = {"PATH": os.defpath}

FAMILY = """
import os, signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()"
grandchild = subprocess.Popen([sys.executable, "-c", code])
print(grandchild.pid, flush=True)
signal.pause()
"""
"""Ignores every signal that can be ignored, and has a child that does too and holds the same pipes."""


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


@pytest.fixture
def children() -> ChildProcesses:
    return ChildProcesses()


def test_a_child_says_what_it_has_to_say(children: ChildProcesses, tmp_path: Path) -> None:
    code = "import sys; print(sys.stdin.read().upper()); sys.stderr.write('oops'); sys.exit(3)"

    finished = children.run(python(code), environment=PATH, directory=tmp_path, limits=GENEROUS, stdin=b"hello")

    assert (finished.stdout, finished.stderr) == (b"HELLO\n", "oops")
    assert (finished.exit_code, finished.timed_out) == (3, False)


def test_a_child_sees_the_environment_it_is_given_and_nothing_else(
    children: ChildProcesses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    finished = children.run(["/usr/bin/env"], environment={"A": "b"}, directory=tmp_path, limits=GENEROUS)

    assert finished.stdout == b"A=b\n"


def test_a_family_that_ignores_signals_is_killed_when_its_time_is_up(children: ChildProcesses, tmp_path: Path) -> None:
    limits = ChildLimits(seconds=1, memory=None, file_size=MIB)

    finished = children.run(python(FAMILY), environment=PATH, directory=tmp_path, limits=limits)

    assert (finished.timed_out, finished.exit_code) == (True, -signal.SIGKILL)
    wait_until_gone(int(finished.stdout))


def test_a_family_is_killed_when_nobody_waits_for_it_any_more(children: ChildProcesses, tmp_path: Path) -> None:
    with (
        contextlib.suppress(RuntimeError),
        children.start(python(FAMILY), environment=PATH, directory=tmp_path, limits=GENEROUS) as child,
    ):
        grandchild = int(child.stdout.readline())
        assert is_running(grandchild)
        raise RuntimeError

    wait_until_gone(grandchild)
    assert not is_running(child.pid)


def test_grandchildren_that_outlive_their_parent_are_killed(children: ChildProcesses, tmp_path: Path) -> None:
    code = "import subprocess; print(subprocess.Popen(['sleep', '60'], stdout=2, stderr=2).pid, flush=True)"

    with children.start(python(code), environment=PATH, directory=tmp_path, limits=GENEROUS) as child:
        grandchild = int(child.stdout.readline())
        assert child.stdout.read() == b""

    wait_until_gone(grandchild)


def test_all_families_die_at_once_and_none_starts_any_more(children: ChildProcesses, tmp_path: Path) -> None:
    grandchildren: list[int] = []
    both = threading.Barrier(3)
    cancelled = []

    def run() -> None:
        try:
            with children.start(python(FAMILY), environment=PATH, directory=tmp_path, limits=GENEROUS) as child:
                grandchildren.append(int(child.stdout.readline()))
                both.wait(30)
                child.stdout.read()
        except JobCancelledError:
            cancelled.append(1)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    both.wait(30)

    children.kill_all()

    for thread in threads:
        thread.join(30)
    for grandchild in grandchildren:
        wait_until_gone(grandchild)
    assert (len(cancelled), children.cancelled) == (2, True)
    with pytest.raises(JobCancelledError):
        children.run(["/usr/bin/env"], environment={}, directory=tmp_path, limits=GENEROUS)


def test_a_file_that_grows_without_end_ends_the_child(children: ChildProcesses, tmp_path: Path) -> None:
    finished = children.run(
        ["/bin/sh", "-c", "exec cat /dev/zero > filling"], environment=PATH, directory=tmp_path, limits=GENEROUS
    )

    assert finished.exit_code != 0
    assert not finished.timed_out
    assert (tmp_path / "filling").stat().st_size <= MIB


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS refuses to lower the address space")
def test_memory_without_end_ends_the_child(children: ChildProcesses, tmp_path: Path) -> None:
    limits = ChildLimits(seconds=60, memory=300 * MIB, file_size=MIB)
    code = "held = []\nwhile True: held.append(bytearray(50_000_000))"

    finished = children.run(python(code), environment=PATH, directory=tmp_path, limits=limits)

    assert (finished.exit_code, finished.timed_out) == (1, False)
    assert "MemoryError" in finished.stderr


def test_a_child_leaves_no_core_dump(children: ChildProcesses, tmp_path: Path) -> None:
    code = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE))"

    assert children.run(python(code), environment=PATH, directory=tmp_path, limits=GENEROUS).stdout == b"(0, 0)\n"


@pytest.mark.parametrize("alone", [False, True])
def test_the_limits_hold_before_a_child_is_told_anything(
    children: ChildProcesses, tmp_path: Path, *, alone: bool
) -> None:
    code = (
        "import sys; from resource import *; sys.stdin.readline();"
        "print(getrlimit(RLIMIT_FSIZE), getrlimit(RLIMIT_CORE))"
    )

    with children.start(python(code), environment=PATH, directory=tmp_path, limits=GENEROUS, alone=alone) as child:
        child.stdin.write(b"go\n")
        child.stdin.close()
        told = child.stdout.read()

    assert told.decode().strip() == f"{(MIB, MIB)} {(0, 0)}"


def test_a_child_that_ended_before_it_was_limited_is_no_failure(children: ChildProcesses, tmp_path: Path) -> None:
    for _ in range(20):
        with children.start(["true"], environment=PATH, directory=tmp_path, limits=GENEROUS, alone=True) as child:
            assert child.wait() == 0


def test_output_without_end_is_cut_and_ends_the_child(
    children: ChildProcesses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_process, "STDOUT_KEPT", MIB)

    finished = children.run(["cat", "/dev/zero"], environment=PATH, directory=tmp_path, limits=GENEROUS)

    assert (len(finished.stdout), finished.exit_code) == (MIB, -signal.SIGKILL)


def test_complaints_without_end_do_not_block_the_child_and_only_their_end_is_kept(
    children: ChildProcesses, tmp_path: Path
) -> None:
    code = "import sys\nfor n in range(200_000): sys.stderr.write(f'complaint {n}\\n')"

    finished = children.run(python(code), environment=PATH, directory=tmp_path, limits=GENEROUS)

    assert finished.exit_code == 0
    assert finished.stderr.endswith("complaint 199999")
    assert len(finished.stderr) <= child_process.STDERR_KEPT


def test_a_child_that_does_not_read_what_it_is_sent_does_no_harm(children: ChildProcesses, tmp_path: Path) -> None:
    finished = children.run(["true"], environment=PATH, directory=tmp_path, limits=GENEROUS, stdin=b"x" * 10 * MIB)

    assert finished.exit_code == 0


def test_a_program_that_is_not_there_is_told(children: ChildProcesses, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        children.run(["no-such-program"], environment=PATH, directory=tmp_path, limits=GENEROUS)
