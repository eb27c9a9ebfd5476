"""A step repeated on a thread of its own until it is told to stop; an error of one step does not end the next."""

import heapq
import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from local_service.right_of_way import RightOfWay
from watchlist.storage.failures import passes

_GATHERED_PART = 0.05
"""By which part of its time a round may be late that is far off. So few rounds are due, however many are asked for."""

_LOGGER = logging.getLogger(__name__)


class BackgroundLoop:
    """Calls `step` again and again; a context manager that stops after the running step.

    Args:
        step: does one round and returns whether there may be more to do at once.
        seconds: the pause after a round that left nothing to do, unless `wake` ends it earlier.
        retry_seconds: the pause after a round that failed; the same unless given.
        first_after: seconds before the first round.
        gather_seconds: how much later than asked `wake` may have a round begin, so that one serves what comes together.
    """

    def __init__(  # noqa: PLR0913 - all of them say when a round begins
        self,
        name: str,
        step: Callable[[], bool],
        *,
        seconds: float,
        retry_seconds: float | None = None,
        first_after: float = 0,
        gather_seconds: float = 0,
    ) -> None:
        self._name = name
        self._step = step
        self._seconds = seconds
        self._retry_seconds = seconds if retry_seconds is None else retry_seconds
        self._first_after = first_after
        self._gather_seconds = gather_seconds
        self._right_of_way: RightOfWay | None = None
        self._behind_since: float | None = None
        self._round = threading.Lock()
        self._changed = threading.Condition()
        self._is_paused = False
        self._is_stopped = False
        self._due: list[float] = []
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._is_stopped = True
            self._changed.notify()
        self._thread.join()

    def give_way_to(self, right_of_way: RightOfWay) -> Self:
        """Let requests go first from now on."""
        self._right_of_way = right_of_way
        return self

    def pause(self) -> None:
        """Return when the running round has ended; no other begins until `resume`."""
        with self._changed:
            self._is_paused = True
        with self._round:
            pass

    def resume(self) -> None:
        """Go on after `pause`."""
        with self._changed:
            self._is_paused = False
            self._changed.notify()

    def wake(self, seconds: float = 0) -> None:
        """Have a round begin now, or in some seconds, or a little later together with another one."""
        if seconds < self._seconds:
            with self._changed:
                soonest = time.monotonic() + seconds
                latest = soonest + max(self._gather_seconds, seconds * _GATHERED_PART)
                # What is due and has not begun serves what is there now, too.
                if not any((soonest <= due or not seconds) and due <= latest for due in self._due):
                    heapq.heappush(self._due, latest)
                    self._changed.notify()

    def _run(self) -> None:
        if self._first_after:
            self._sleep(self._first_after)
        while self._may_go_on():
            self._give_way()
            with self._round:
                pause = 0 if self._is_paused else self._run_step()
            self._sleep(pause)

    def _may_go_on(self) -> bool:
        """Wait while paused; return whether there is another round."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_stopped or not self._is_paused)
            return not self._is_stopped

    def _give_way(self) -> None:
        """Let requests come first; what follows on a round that left something to do has waited with it."""
        if self._right_of_way is not None:
            if self._behind_since is None:
                self._behind_since = time.monotonic()
            self._right_of_way.give(self._behind_since)

    def _sleep(self, seconds: float) -> None:
        """Wait some seconds or until something is due."""
        until = time.monotonic() + seconds
        with self._changed:
            while not self._is_stopped and (left := min([until, *self._due[:1]]) - time.monotonic()) > 0:
                self._changed.wait(left)

    def _run_step(self) -> float:
        """Run one round, which serves all that is due by now, and return how long to pause after it."""
        with self._changed:
            while self._due and self._due[0] <= time.monotonic():
                heapq.heappop(self._due)
        try:
            if self._step():
                return 0
            pause = self._seconds
        except Exception as error:
            if passes(error):  # what ails the embedded AWS, as a full disk, is no defect of the round
                _LOGGER.warning("%s: a round failed: %s", self._name, error)
            else:
                _LOGGER.exception("%s: a round failed", self._name)
            pause = self._retry_seconds
        self._behind_since = None
        return pause
