import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local_service import lifeline
from tests import waiting

LEAVE_A_CHILD = """
import subprocess, sys
child = subprocess.Popen(["sleep", "600"], start_new_session=True)
print(child.pid, file=open(sys.argv[1], "w"), flush=True)
"""

EXIT_ON_SIGTERM = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
pathlib.Path(sys.argv[1]).touch()
time.sleep(600)
"""


def start(*argv: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "local_service.tasks.container", *argv],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=lifeline.ROOT,
    )


def python(code: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code, *arguments)


def end_of(container: subprocess.Popen[bytes]) -> int:
    exit_code = container.wait(30)
    lifeline.end(container)
    return exit_code


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIG_DFL)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("code", [0, 1, 42])
def test_the_exit_code_is_the_program_s(code: int) -> None:
    assert end_of(start(*python(f"raise SystemExit({code})"))) == code


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, 137), (signal.SIGTERM, 143)])
def test_a_program_that_a_signal_killed_has_the_exit_code_that_ecs_shows(number: signal.Signals, code: int) -> None:
    container = start(*python("import time; time.sleep(600)"))
    os.kill(int(lifeline.first_line(container)), number)

    assert end_of(container) == code


def test_a_program_stands_back_behind_what_answers_requests() -> None:
    container = start(*python("import os; raise SystemExit(os.nice(0))"))

    assert end_of(container) == min(19, os.nice(0) + 10)


def test_a_byte_on_stdin_passes_sigterm_on(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    container = start(*python(EXIT_ON_SIGTERM, str(ready)))
    waiting.until("the program is ready", ready.exists)
    assert container.stdin is not None
    container.stdin.write(b"T")
    container.stdin.flush()

    assert end_of(container) == 7


def test_the_end_of_stdin_kills_the_program() -> None:
    container = start(*python("import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"))
    program = int(lifeline.first_line(container))
    assert container.stdin is not None
    container.stdin.close()

    assert container.wait(30) == 137
    assert not is_alive(program)
    lifeline.end(container)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a signal for the death of the parent")
def test_the_program_dies_with_a_container_that_is_killed() -> None:
    container = start(*python("import time; time.sleep(600)"))
    program = int(lifeline.first_line(container))
    container.kill()
    lifeline.end(container)

    waiting.until("the program has ended", lambda: not is_alive(program))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt the orphans of its children")
def test_what_the_program_started_ends_with_it_even_in_a_session_of_its_own(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"

    assert end_of(start(*python(LEAVE_A_CHILD, str(pid_file)))) == 0

    assert not is_alive(int(pid_file.read_text()))
