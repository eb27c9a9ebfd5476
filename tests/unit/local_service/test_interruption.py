"""Ctrl-C, in processes of their own."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os, signal, sys, threading
from local_service import interruption

interruption.listen(3, 30)

class Finalised:
    def __del__(self):
        {in_finaliser}

try:
    Finalised()
    print("deaf", flush=True)
    interruption.check()
    {later}
except KeyboardInterrupt:
    os.kill(os.getpid(), signal.SIGINT)
    sys.exit(0)
sys.exit(1)
"""
INTERRUPT = "os.kill(os.getpid(), signal.SIGINT)"


def end_of(in_finaliser: str, later: str) -> tuple[int, str, str]:
    program = PROGRAM.format(in_finaliser=in_finaliser, later=later)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    return ended.returncode, ended.stdout, ended.stderr


def test_it_is_raised_at_once_and_only_once() -> None:
    assert end_of("pass", f"{INTERRUPT}; print('not reached')") == (0, "deaf\n", "")


def test_what_comes_within_a_finaliser_is_silent_and_not_lost() -> None:
    assert end_of(INTERRUPT, "pass") == (0, "deaf\n", "")


def test_what_does_not_stop_in_time_is_ended() -> None:
    program = PROGRAM.format(in_finaliser="pass", later=INTERRUPT).replace("(3, 30)", "(3, 0.1)")
    program = program.replace("sys.exit(0)", "threading.Event().wait(60)")
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=30, capture_output=True).returncode == 3


@pytest.mark.parametrize(("before", "exit_code"), [("pass", 0), ("signal.signal(signal.SIGHUP, signal.SIG_IGN)", 1)])
def test_the_end_of_the_terminal_is_one_unless_who_started_it_says_otherwise(before: str, exit_code: int) -> None:
    program = PROGRAM.format(in_finaliser="pass", later="os.kill(os.getpid(), signal.SIGHUP)")
    program = program.replace("interruption.listen", f"{before}\ninterruption.listen")
    ended = subprocess.run([sys.executable, "-c", program], check=False, timeout=60, capture_output=True)
    assert ended.returncode == exit_code


def test_a_terminal_that_is_closed_is_noticed_though_no_signal_comes() -> None:
    program = PROGRAM.format(
        in_finaliser="pass", later="import time\n    while True: interruption.check(); time.sleep(0.01)"
    )
    master, slave = os.openpty()
    with subprocess.Popen([sys.executable, "-c", program], stdin=slave, stdout=subprocess.PIPE) as process:
        os.close(slave)
        assert process.stdout is not None
        assert process.stdout.readline() == b"deaf\n"
        assert process.poll() is None
        os.close(master)
        assert process.wait(60) == 0


def test_objects_that_it_leaves_half_made_say_nothing() -> None:
    half_made = f"""
    class HalfMade:
        def __init__(self):
            {INTERRUPT}
            self.whole = True
        def __del__(self):
            self.whole
    HalfMade()"""
    assert end_of("pass", half_made) == (0, "deaf\n", "")
