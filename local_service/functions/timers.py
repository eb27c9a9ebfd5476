"""What EventBridge Scheduler is to the functions that run by the clock."""

import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from local_service.aws.embedded import ACCOUNT, REGION
from local_service.background_loop import BackgroundLoop

_APART = 0.1
"""Which part of its interval a timer begins later than the one before it."""

_SOON_SECONDS = 5
"""How long after a start the first run begins that was due before, and how much later the one of the next timer."""

_LAST_RUNS = "timers.json"

_TIMES = TypeAdapter(dict[str, AwareDatetime])

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timer:
    """A function and how often it runs."""

    function: str
    interval: timedelta


def event_of(timer: Timer, at: datetime) -> dict[str, Any]:
    """Return the event of a schedule that fires (EventBridge guide, "Scheduled Event")."""
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{timer.function}"],
        "detail": {},
    }


class LastRuns:
    """When each timer's function ran last, kept in the data folder: it is due also where no service runs for long."""

    def __init__(self, folder: Path | None) -> None:
        """Read what the folder has; without a folder nothing is kept, and a damaged file is none."""
        self._file = None if folder is None else folder / _LAST_RUNS
        self._lock = threading.Lock()
        self._times = {} if self._file is None else _read(self._file)

    def of(self, timer: Timer) -> datetime | None:
        """Return when it was; None if that is not known."""
        return self._times.get(timer.function)

    def note(self, timer: Timer, at: datetime) -> None:
        """Keep that it was then; where that cannot be written, the next start knows an earlier time."""
        with self._lock:
            self._times[timer.function] = at
            if self._file is None:
                return
            new = self._file.with_suffix(".new")
            try:
                new.write_bytes(_TIMES.dump_json(self._times))
                new.replace(self._file)
            except OSError as error:
                _LOGGER.warning("%s cannot be written: %s", self._file, error.strerror)


def _read(file: Path) -> dict[str, datetime]:
    try:
        return _TIMES.validate_json(file.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError) as error:
        _LOGGER.warning("%s cannot be read, so that no timer is due at once: %s", file, error)
        return {}


def first_after(number: int, timer: Timer, last: datetime | None, now: datetime) -> float:
    """Return how many seconds after a start a timer first fires.

    Args:
        number: how many timers come before it. It begins somewhat later than those, so that one process can serve all
            whose intervals fit together.
        timer: the timer.
        last: when its function ran last, or None.
        now: when the service starts.
    """
    interval = timer.interval.total_seconds()
    most = interval * (1 + number * _APART)
    left = most if last is None else (last + timer.interval - now).total_seconds()
    soon = min(interval, _SOON_SECONDS * (number + 1))
    return max(soon, min(left, most))  # whose clock was set back waits no longer than at first


class Timers:
    """Invokes each timer's function at its interval, first when it is due; a context manager."""

    def __init__(
        self,
        timers: tuple[Timer, ...],
        invoke: Callable[[str, dict[str, Any]], Any],
        folder: Path | None = None,
    ) -> None:
        """Prepare timers.

        Args:
            timers: what is invoked, and how often.
            invoke: calls a function by its name with an event.
            folder: keeps when that was. Without it, each is due one interval after each start.
        """
        self._invoke = invoke
        self._last_runs = LastRuns(folder)
        self._loops = [self._loop(number, timer) for number, timer in enumerate(timers)]
        self._running = ExitStack()

    def _loop(self, number: int, timer: Timer) -> BackgroundLoop:
        now, last = datetime.now(UTC), self._last_runs.of(timer)
        after = first_after(number, timer, last, now)
        if last is None:  # it would never be due where each service ends before that
            self._last_runs.note(timer, now + timedelta(seconds=after) - timer.interval)
        return BackgroundLoop(
            f"timer of {timer.function}",
            lambda: self.fire(timer),
            seconds=timer.interval.total_seconds(),
            first_after=after,
        )

    def __enter__(self) -> Self:
        for loop in self._loops:
            self._running.enter_context(loop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    def fire(self, timer: Timer) -> bool:
        """Run the timer's function now; return False, since nothing is left to do before the next interval."""
        at = datetime.now(UTC)
        self._invoke(timer.function, event_of(timer, at))
        self._last_runs.note(timer, at)
        return False
