"""Which commits are the window: a walk over what is known, which says what it would have to know besides.

The rule is that of `git log --since-as-filter=<since> -n <limit>`: from HEAD, always the one with the newest committer
date of those seen and not yet shown, first come first shown among equals; a commit older than `since` is passed over,
not shown. git walks to the root for this. Here the walk goes on behind commits that are older than `since` only as far
as those are known, and `behind` names where it stopped.
"""

import heapq
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

_LEAP = 90 * 86_400
"""Seconds between two commits, one of the window and one before it, that are no ordinary pause."""


class Node(Protocol):
    """What the walk needs to know of a commit."""

    @property
    def parents(self) -> tuple[str, ...]:
        """Ids of its parents."""

    @property
    def committed(self) -> int:
        """Its committer's time, Unix seconds."""


@dataclass(frozen=True, slots=True)
class Walk:
    """What a walk found.

    Attributes:
        shown: ids of the window's commits, newest first.
        missing: unknown parents of shown commits: until they are known, `shown` is a guess.
        behind: unknown parents of commits older than the window.
        older: ids of the commits older than the window that were passed over, as a walk comes to them.
        full: `limit` commits are shown, and there are more in the window.
        leap: where dates leap from the window to years before it, the newest time from which they do, Unix seconds:
            young commits may lie behind the old dates. None where some commit just older than the window follows on
            one of it, as in any history whose dates are in order.
    """

    shown: tuple[str, ...]
    missing: tuple[str, ...]
    behind: tuple[str, ...]
    older: tuple[str, ...]
    full: bool
    leap: int | None


def walk(
    known: Mapping[str, Node], head: str, *, since: int, limit: int, outside: Collection[str] = frozenset()
) -> Walk:
    """Walk from `head` over `known`; parents in `outside` are known to be of no interest."""
    shown: list[str] = []
    missing: dict[str, None] = {}
    behind: dict[str, None] = {}
    older: list[str] = []
    leaps: list[int] = []
    full = is_gradual = False
    seen = {head}
    queue: list[tuple[int, int, str]] = []
    if head in known:
        queue.append((-known[head].committed, 0, head))
    elif head not in outside:
        missing[head] = None
    while queue and not full:
        _, _, sha = heapq.heappop(queue)
        node = known[sha]
        is_young = node.committed >= since
        if is_young and len(shown) == limit:
            full = True
            break
        (shown if is_young else older).append(sha)
        unknown = missing if is_young else behind
        for parent in node.parents:
            if is_young and parent in known and known[parent].committed < since:
                is_gradual = is_gradual or node.committed - known[parent].committed < _LEAP
                leaps.append(node.committed)
            if parent in known:
                if parent not in seen:
                    seen.add(parent)
                    heapq.heappush(queue, (-known[parent].committed, len(seen), parent))
            elif parent not in outside:
                unknown[parent] = None
    return Walk(
        shown=tuple(shown),
        missing=tuple(missing),
        behind=tuple(sha for sha in behind if sha not in missing),
        older=tuple(older),
        full=full,
        leap=max(leaps) if leaps and not is_gradual else None,
    )
