import signal
import subprocess
import sys
from types import FrameType

import pytest

from local_service import lifeline

_SILENT = "import sys; sys.stdin.read()"
_BUSY = (
    "import time; from local_service import lifeline; lifeline.exit_with(0); print('busy', flush=True); time.sleep(60)"
)


def test_a_child_ends_with_an_interrupt_that_comes_before_it_is_ready() -> None:
    child = subprocess.Popen([sys.executable, "-c", _SILENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(KeyboardInterrupt):
            lifeline.first_line(child)
    finally:
        signal.signal(signal.SIGALRM, before)

    assert child.returncode is not None


def test_a_child_ends_with_whoever_started_it_while_it_works_and_before_it_has_read_everything() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", _BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=lifeline.ROOT
    )
    assert child.stdin is not None
    child.stdin.write(b"unread")
    child.stdin.flush()
    assert lifeline.first_line(child) == "busy"
    assert child.poll() is None

    child.stdin.close()

    assert child.wait(30) == 0
    lifeline.end(child)
