"""Keeps a running job's lease, message and slot, and stops the job when the lease or the message is lost."""

import threading
import time
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from aws_lambda_powertools import Logger

from tasks.control import JobControl, StopReason
from watchlist import clock
from watchlist.errors import JobCancelledError
from watchlist.jobs import task_slots
from watchlist.jobs.protocol import Lease, SupersededError
from watchlist.jobs.queue import HeldMessage, JobQueue, MessageGoneError
from watchlist.metrics import Metric, publisher_of_a_thread
from watchlist.states import Share

MARGIN = timedelta(seconds=5)
"""A lease with less time left than this is not trusted for another write: clocks differ and calls take time."""


class Heartbeat:
    """Beats in a thread of its own while it is entered as a context."""

    def __init__(  # noqa: PLR0913 - all that it keeps alive
        self,
        lease: Lease,
        held: HeldMessage,
        slot: int,
        *,
        queue: JobQueue,
        control: JobControl,
        interval: timedelta,
        logger: Logger,
    ) -> None:
        self._lease = lease
        self._held = held
        self._slot = slot
        self._queue = queue
        self._control = control
        self._interval = interval
        self._logger = logger
        self._ended = threading.Event()
        self._metrics = publisher_of_a_thread()
        self._started_at = time.monotonic()
        self._good_until = time.monotonic() + lease.duration.total_seconds()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._hold_slot_no_longer_than_lease()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(timeout=self._interval.total_seconds())

    def check(self) -> None:
        """Raise JobCancelledError unless the lease is known to last for another write."""
        if time.monotonic() > self._good_until - self._margin:
            self._control.stop(StopReason.LOST)
        self._control.check()

    @property
    def _margin(self) -> float:
        return min(MARGIN, self._lease.duration / 10).total_seconds()

    def _run(self) -> None:
        while not self._ended.wait(self._interval.total_seconds()):
            try:
                self._beat()
            except (SupersededError, MessageGoneError) as error:
                self._logger.warning("the job is somebody else's now", reason=repr(error))
                self._control.stop(StopReason.LOST)
                return
            except Exception:
                # The lease lasts for several beats; if none gets through, `check` stops the job before it ends.
                self._logger.exception("heartbeat failed")
            try:
                self.check()
            except JobCancelledError:
                return

    def _hold_slot_no_longer_than_lease(self) -> None:
        """Let the slot lapse with the lease and not with the launch, which is later.

        The slot of a task that dies before its first beat would else be taken when its job is tried again.
        """
        try:
            self._renew_slot(clock.now())
        except Exception:
            self._logger.exception("the slot could not be renewed; the next heartbeat tries again")

    def _beat(self) -> None:
        """Extend the lease first: it decides. The message follows, unless a copy has taken its place."""
        now, beaten_at = clock.now(), time.monotonic()
        entry = self._lease.extend(now)
        self._good_until = beaten_at + self._lease.duration.total_seconds()
        self._metrics.add_metric(Metric.TASK_AGE, Metric.TASK_AGE.unit, beaten_at - self._started_at)
        self._metrics.flush_metrics()
        self._renew_slot(now)
        if entry.delivery == self._lease.launch.message.delivery:
            self._queue.hide(self._held, self._lease.duration)

    def _renew_slot(self, now: datetime) -> None:
        share = Share.of(self._lease.launch.message.kind)
        if not task_slots.renew_slot(share, self._slot, self._lease.launch.owner, now + self._lease.duration, now):
            self._logger.warning("the slot is somebody else's now: more tasks run than should", slot=self._slot)
