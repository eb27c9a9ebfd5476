"""Two halves of one piece of work at the same time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from typing import TypeVar

AT_ONCE = 2
"""Connections and git processes that work at the same time: what is polite to a host, and fits a small task."""

_WORTH_A_HALF = 128

T = TypeVar("T")
R = TypeVar("R")


def in_parallel(work: Callable[[Sequence[T]], R], items: Sequence[T]) -> list[R]:
    """Do `work` on the halves of `items`, or on all of them if they are few; return its results in order."""
    parts = max(1, min(AT_ONCE, len(items) // _WORTH_A_HALF))
    size = max(1, ceil(len(items) / parts))
    with ThreadPoolExecutor(parts) as pool:
        return list(pool.map(work, [items[at : at + size] for at in range(0, len(items), size)]))
