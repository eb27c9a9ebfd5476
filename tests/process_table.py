"""Whether processes run, as the operating system sees it."""

import subprocess
import time


def is_running(pid: int) -> bool:
    """Return whether the process exists and is no zombie."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.strip().startswith("Z")


def wait_until_gone(pid: int, seconds: float = 10) -> None:
    """Wait until the process has ended.

    Raises:
        AssertionError: it is still there after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while is_running(pid):
        if time.monotonic() > deadline:
            raise AssertionError(f"process {pid} is still there")
        time.sleep(0.02)
