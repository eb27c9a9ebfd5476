"""Requests come first: what goes on behind them begins in a moment in which nobody waits for an answer.

Both share a few cores, and an add has more behind it (its dispatch, the streams' consumers) than in it. Whoever calls
again as soon as he is answered leaves no such moment, so nothing is held up for long.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_MOST_SECONDS = 1.0
"""How long the page, and a job, can bear to be told nothing."""


class RightOfWay:
    """Who waits for an answer, and whoever gives way to them; for any threads.

    Args:
        most_seconds: how long requests may hold up what has something to do.
    """

    def __init__(self, most_seconds: float = _MOST_SECONDS) -> None:
        self._most_seconds = most_seconds
        self._changed = threading.Condition()
        self._answering = 0

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold up what gives way while a request is answered within."""
        with self._changed:
            self._answering += 1
        try:
            yield
        finally:
            with self._changed:
                self._answering -= 1
                if not self._answering:
                    self._changed.notify_all()

    def give(self, since: float) -> None:
        """Return when no request is being answered.

        Args:
            since: when there was something to do, by `time.monotonic`; it is not held up for long after that.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._answering, max(0, since + self._most_seconds - time.monotonic()))
