"""What a container is to its program: it takes every process that the program started with it when it ends.

    python -m local_service.tasks.container ARGV...

The first line on stdout is the program's process id; its own output goes to stderr. A byte on stdin passes SIGTERM on;
the end of stdin, and so the end of whoever started this, kills all. The exit code is the one that ECS shows: 128 plus
the signal for a program that was killed by one.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_NICENESS = 10
"""How far tasks stand back: AWS has processors of their own for them, here they share those that answer requests."""

_IS_LINUX = sys.platform == "linux"
_LIBC = ctypes.CDLL(None)


def exit_code_of(returncode: int) -> int:
    """Return the exit code that ECS shows for a process's return code, which is negative for a signal."""
    return 128 - returncode if returncode < 0 else returncode


def adopt_orphans() -> None:
    """Let orphans become this process's children, so that none escapes by leaving the process group (Linux)."""
    if _IS_LINUX:
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def run(argv: list[str]) -> int:
    """Run the program to its end, kill what it left behind, and return its exit code."""
    adopt_orphans()
    os.nice(_NICENESS)
    program = subprocess.Popen(  # noqa: S603 - the starter's argv, no shell
        argv,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        start_new_session=True,
        preexec_fn=_die_with_parent,  # noqa: PLW1509 - there is no other thread yet
    )
    print(program.pid, flush=True)  # noqa: T201 - for the starter
    threading.Thread(target=_listen, args=(program.pid,), daemon=True).start()
    while True:
        pid, wait_status = os.wait()
        if pid == program.pid:
            break
    _kill_rest(program.pid)
    return exit_code_of(os.waitstatus_to_exitcode(wait_status))


def _die_with_parent() -> None:
    """Let the kernel kill the program if this process is killed and so cannot."""
    if _IS_LINUX:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    _LIBC.prctl(option, value, 0, 0, 0)


def _listen(program: int) -> None:
    while os.read(sys.stdin.fileno(), 1):  # not by sys.stdin, whose lock a thread must not hold at the end
        with contextlib.suppress(ProcessLookupError):
            os.kill(program, signal.SIGTERM)
    with contextlib.suppress(ProcessLookupError):
        os.kill(program, signal.SIGKILL)


def _kill_rest(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
    while children := _children():
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in children:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _children() -> list[int]:
    """Return this process's children; their own children follow them here when they are killed."""
    if not _IS_LINUX:
        return []
    threads = Path("/proc/self/task").glob("*/children")
    return [int(pid) for thread in threads for pid in thread.read_text().split()]


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
