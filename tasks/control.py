"""Why a running job must stop, from whichever thread says so first; stopping it kills its child processes."""

import threading
from enum import StrEnum

from tasks.child_process import ChildProcesses
from watchlist.errors import JobCancelledError


class StopReason(StrEnum):
    """What is left to do when a job is stopped."""

    LOST = "lost"
    """The lease or the message is somebody else's: write nothing."""

    TERMINATED = "terminated"
    """The platform wants the container back: hand the job back."""

    TIMED_OUT = "timed_out"
    """The attempt took too long: it has failed."""


class JobControl:
    """The switch by which a job is stopped; the first reason stands."""

    def __init__(self, children: ChildProcesses) -> None:
        self._children = children
        self._lock = threading.Lock()
        self.reason: StopReason | None = None

    def stop(self, reason: StopReason) -> None:
        """Stop the job: kill its child processes and let `check` raise."""
        with self._lock:
            if self.reason is None:
                self.reason = reason
        self._children.kill_all()

    def check(self) -> None:
        """Raise JobCancelledError if the job was stopped."""
        if self.reason is not None:
            raise JobCancelledError
