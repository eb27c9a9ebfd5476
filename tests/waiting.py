"""Waiting for what others do: threads, processes, containers."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

SECONDS = 180
"""How long anything may take before a test gives up on it: machines are shared, and what comes is not waited for."""

_LONGEST_PAUSE = 0.2


def until(
    what: str,
    look: Callable[[], T],
    holds: Callable[[T], object] = bool,
    *,
    seconds: float = SECONDS,
    said: Callable[[], str] | None = None,
) -> T:
    """Look again and again until it holds of what is seen, and return that.

    Args:
        what: is waited for, for people.
        look: returns what is to be seen now.
        holds: whether that is it.
        seconds: how long, if not as long as for anything else.
        said: returns what explains why it did not come, such as a log.

    Raises:
        AssertionError: it did not come to hold; tells what was waited for, and what was seen last.
    """
    deadline = time.monotonic() + seconds
    pause = 0.01
    while not holds(seen := look()):
        if time.monotonic() > deadline:
            more = "" if said is None else f"\n{said()}"
            raise AssertionError(f"{what}: not in {seconds} s; seen last: {seen!r}{more}")
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
    return seen
