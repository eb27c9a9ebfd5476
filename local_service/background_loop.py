"""A step repeated on a thread of its own until it is told to stop; an error of one step does not end the next."""

import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

_LOGGER = logging.getLogger(__name__)


class BackgroundLoop:
    """Calls `step` again and again; a context manager that stops after the running step.

    Args:
        step: does one round and returns whether there may be more to do at once.
        seconds: the pause after a round that left nothing to do, or failed.
        wait_first: whether the first round comes after a pause.
    """

    def __init__(self, name: str, step: Callable[[], bool], *, seconds: float, wait_first: bool = False) -> None:
        self._name = name
        self._step = step
        self._seconds = seconds
        self._wait_first = wait_first
        self._round = threading.Lock()
        self._going = threading.Event()
        self._going.set()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._going.set()
        self._thread.join()

    def pause(self) -> None:
        """Return when the running round has ended; no other begins until `resume`."""
        self._going.clear()
        with self._round:
            pass

    def resume(self) -> None:
        """Go on after `pause`."""
        self._going.set()

    def _run(self) -> None:
        if self._wait_first:
            self._stopped.wait(self._seconds)
        while not self._stopped.is_set():
            self._going.wait()
            with self._round:
                more = self._going.is_set() and not self._stopped.is_set() and self._run_step()
            if not more:
                self._stopped.wait(self._seconds)

    def _run_step(self) -> bool:
        try:
            return self._step()
        except Exception:
            _LOGGER.exception("%s: a round failed", self._name)
            return False
