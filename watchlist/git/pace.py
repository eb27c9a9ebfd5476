"""So many requests to one host within a second, however many threads ask."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping

_BURST_SECONDS = 0.25
"""A host that was not asked for so long may be asked for as much at once."""


class Pace:
    """Lets requests begin no faster than `a_second` for each host; may be used by several threads at once.

    `of_origins` has those of hosts that stand less, or more.
    """

    def __init__(
        self,
        a_second: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        of_origins: Mapping[str, float] | None = None,
    ) -> None:
        self._interval = 1 / a_second
        self._intervals = {origin: 1 / rate for origin, rate in (of_origins or {}).items()}
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next: defaultdict[str, float] = defaultdict(float)

    def wait(self, origin: str) -> None:
        """Return when the next request to the host may begin."""
        now = self._clock()
        with self._lock:
            turn = max(self._next[origin], now - _BURST_SECONDS)
            self._next[origin] = turn + self._intervals.get(origin, self._interval)
        if turn > now:
            self._sleep(turn - now)
