import signal
import subprocess
import sys
from types import FrameType

import pytest

from local_service import lifeline

_SILENT = "import sys; sys.stdin.read()"


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
