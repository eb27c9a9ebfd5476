"""The container's job, which can be held: `python -m tests.e2e.kills.job FOLDER`.

A job of a repository that is called by one of the points is held there.
"""

import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tasks import job
from tests.e2e.kills.holding import Holds
from tests.e2e.kills.places import LAUNCHED
from watchlist.jobs.message import JobMessage
from watchlist.jobs.protocol import Launch, Lease
from watchlist.jobs.queue import HeldMessage, JobQueue
from watchlist.jobs.stopped_tasks import launch_of
from watchlist.settings import JobSettings, load
from watchlist.states import Stage

HOLDS = Holds(Path(sys.argv[1]))


def reach(message: JobMessage, stage: str) -> None:
    """Stay here if this is the point that the repository is called by."""
    point = f"{'refresh' if message.kind.is_refresh else 'setup'}-{stage}"
    if f"_{point}_" in message.watchlist_id:
        HOLDS.reach(point)


class HeldLease(Lease):
    """A lease that is held when it is about to be claimed, when it was, and at each stage."""

    @classmethod
    def claim(cls, launch: Launch, duration: timedelta, at: datetime) -> tuple[Any, Any]:
        """Claim the attempt."""
        reach(launch.message, LAUNCHED)
        claimed = super().claim(launch, duration, at)
        reach(launch.message, Stage.STARTING)
        return claimed

    def report(self, stage: Stage, done: int, total: int | None) -> None:
        """Show progress."""
        super().report(stage, done, total)
        reach(self.launch.message, stage)


class HeldQueue(JobQueue):
    """A queue that is held when the message of a job that is done is about to be deleted."""

    def delete(self, message: HeldMessage) -> None:
        """Delete a message."""
        reach(launch_of(load(JobSettings)).message, Stage.DONE)
        super().delete(message)


if __name__ == "__main__":
    setattr(job, "Lease", HeldLease)  # noqa: B010 - mypy allows no assignment to a class
    setattr(job, "JobQueue", HeldQueue)  # noqa: B010 - as above
    sys.exit(job.main())
