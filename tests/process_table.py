"""Whether processes run, as the operating system sees it."""

import subprocess

from tests import waiting


def is_running(pid: int) -> bool:
    """Return whether the process exists and is no zombie."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.strip().startswith("Z")


def wait_until_gone(pid: int) -> None:
    """Wait until the process has ended.

    Raises:
        AssertionError: it is still there after `waiting.SECONDS`.
    """
    waiting.until(f"process {pid} has ended", lambda: not is_running(pid))
