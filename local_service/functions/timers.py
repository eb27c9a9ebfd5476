"""What EventBridge Scheduler is to the functions that run by the clock."""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from local_service.aws.embedded import ACCOUNT, REGION
from local_service.background_loop import BackgroundLoop

_APART = 0.1
"""Which part of its interval a timer begins later than the one before it."""

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


class Timers:
    """Invokes each timer's function at its interval, first after one interval; a context manager.

    Each begins somewhat later than the one before it, so that one process can serve all whose intervals fit together.
    """

    def __init__(self, timers: tuple[Timer, ...], invoke: Callable[[str, dict[str, Any]], Any]) -> None:
        self._invoke = invoke
        self._loops = [
            BackgroundLoop(
                f"timer of {timer.function}",
                lambda timer=timer: self.fire(timer),  # type: ignore[misc] # mypy infers no type for the default
                seconds=timer.interval.total_seconds(),
                first_after=timer.interval.total_seconds() * (1 + number * _APART),
            )
            for number, timer in enumerate(timers)
        ]
        self._running = ExitStack()

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
        self._invoke(timer.function, event_of(timer, datetime.now(UTC)))
        return False
