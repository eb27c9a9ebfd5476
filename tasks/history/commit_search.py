"""Finds the window's commits: fetches, walks, and asks for what the walk lacks until it lacks nothing that matters."""

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from tasks.history.protocol import FetchRefusedError
from tasks.history.source import Source, may_be_for_its_objects
from tasks.history.walk import Node, Walk, walk
from watchlist.errors import ErrorCode, JobError

# What the numbers trade was measured by `python -m bench.search_constants` on 41 public repositories: as they are, a
# window takes 3 to 7 requests and 14 kB to 3.8 MB. The same request of a server brings some percent more or less from
# run to run.

ROUNDS = 64
"""Requests that close a window. With four all 41 windows are those of git; with two prometheus misses 11 commits of
1000, and with one a fifth of those of logrus. So this bounds only what a host is asked that always leaves something
out."""

TOLERATED_PART = 4
"""Part of a full window that may be missing when the first answer is broken off: it is asked for by name. To wait until
nothing is missing saves seven such windows 10 of 31 requests, and reads an eighth more. An eighth or half instead of a
quarter takes as many requests."""

LOOK_BEHIND = 36 * 86_400
"""Seconds that the first request reaches behind the window, a tenth of the year: likely the older commits that are
looked at anyway are there. With half of it six of the 41 take a request more, with twice of it six one less, and 2 %
less or more is read."""

WORTHWHILE_DEPTH = 4
"""Fewer generations than this are not worth a request of their own to look behind the window: with 2, two of the 41
take one more; with 8 none takes fewer."""

AHEAD = 4
LAST_FEW = 12
"""Generations at once, where so few parents of a full window are missing. One at a time costs seven such windows five
requests more, up to three each; eight at a time save two, and read a tenth more."""

_EVER = -sys.maxsize
"""Before all commits, as their dates are read."""

_NOTHING_STORED: dict[str, Node] = {}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the window holds.

    Attributes:
        since: the earliest committer's time, Unix seconds.
        limit: the most commits.
        older: see FetchLimits.older_commits.
        older_after_leap: see FetchLimits.older_commits_after_leap.
    """

    since: int
    limit: int
    older: int
    older_after_leap: int

    def older_left(self, found: Walk) -> int:
        """Return how many commits older than the window are still to be looked at."""
        if found.full:
            return 0
        most = self.older if found.leap is None else self.older_after_leap
        return max(0, most - len(found.older))


def search_window(source: Source, head: str, bounds: Bounds) -> Walk:
    """Find the window from nothing; `source.known` then holds its commits and all their parents.

    Raises:
        JobError: the transfer failed or broke a limit.
    """
    # What is missing from a full window is cheaper to ask for by name than the rest of the year to receive.
    tolerated = bounds.limit // TOLERATED_PART if source.deepens else 0

    def enough() -> bool:
        found = walk(source.known, head, since=bounds.since, limit=bounds.limit)
        if found.full:
            return len(found.missing) <= tolerated
        return bool(not found.missing and found.older) and not bounds.older_left(found)

    # Servers refuse when no commit is young enough; closing the window then starts from HEAD itself.
    _is_served(source, [head], since=bounds.since - LOOK_BEHIND, stop=enough)
    return _close(source, head, bounds, _NOTHING_STORED, outside=set())


def search_after(source: Source, head: str, bounds: Bounds, *, old: str, stored: Mapping[str, Node]) -> Walk | None:
    """Find the window from what is stored and what came after `old`; None when `head` is not known to continue `old`.

    Raises:
        JobError: the transfer failed or broke a limit.
    """

    def enough() -> bool:
        found = walk({**stored, **source.known}, head, since=bounds.since, limit=bounds.limit)
        return found.full and len(found.missing) <= bounds.limit // TOLERATED_PART

    if head != old:
        if not source.fetch_commits_after(old, stop=enough):
            return None
        # A server agrees as soon as HEAD reaches a parent of a commit that it has itself, as of one that was amended.
        is_reached = any(old in commit.parents for commit in source.known.values())
        if not is_reached and not (enough() and _has_nothing_beside_head(source, old)):
            return None
    outside = {old, *(parent for node in stored.values() for parent in node.parents)} - stored.keys()
    return _close(source, head, bounds, stored, outside)


def _has_nothing_beside_head(source: Source, old: str) -> bool:
    """Whether the server, which has agreed that HEAD reaches `old`, has nothing that `old` alone reaches."""
    try:
        return not source.reached_beside_head(old)
    except FetchRefusedError:
        return True
    except JobError as error:
        if error.code is ErrorCode.REPOSITORY_TOO_LARGE:
            return False
        if not may_be_for_its_objects(error):
            raise
        return True


def search_behind(source: Source, head: str, window: Collection[str], most: int) -> tuple[str, ...]:
    """Return the ids of up to `most` commits that `head` reaches beside those of the window, newest first.

    They are fewer where the host does not give them; `source.known` then holds them.

    Raises:
        JobError: the transfer failed or broke a limit.
    """
    found = walk(source.known, head, since=_EVER, limit=len(window) + most)
    for _ in range(ROUNDS):
        wants = _obtainable(found.missing, source)
        # What is missing once there are enough lies on side branches, and may be newer than the last of them.
        depth = AHEAD if found.full else most
        if not wants or not _fetch_more(source, wants, depth=depth, most=most):
            break
        found = walk(source.known, head, since=_EVER, limit=len(window) + most)
    return tuple(sha for sha in found.shown if sha not in window)


def _close(source: Source, head: str, bounds: Bounds, stored: Mapping[str, Node], outside: set[str]) -> Walk:
    """Ask for unknown parents until the walk misses none, and look behind commits that are too old.

    The looking behind is bounded: in histories whose dates are in order nothing is there to be found.
    """
    found = _walk(source, head, bounds, stored, outside)
    for _ in range(ROUNDS):
        left = bounds.older_left(found)
        wants = _obtainable(found.missing, source) or _obtainable(found.behind, source)
        depth = left // len(wants) if wants else 0
        is_needed = wants and wants[0] in found.missing
        if not wants or not source.deepens or (not is_needed and depth < WORTHWHILE_DEPTH):
            break
        # The last few of a full window are each other's parents: some generations at once spare as many requests.
        ahead = AHEAD if len(found.shown) == bounds.limit and len(wants) <= LAST_FEW else 1
        most = 2 * left + len(wants) * 2**ahead
        if not _fetch_more(source, wants, depth=depth + ahead, most=most):
            break
        found = _walk(source, head, bounds, stored, outside)
    if head in found.missing:
        raise JobError(ErrorCode.HOST_ERROR, f"The host does not send {head}, where HEAD points.")
    return found


def _obtainable(shas: Sequence[str], source: Source) -> tuple[str, ...]:
    return tuple(sha for sha in shas if sha not in source.lost)


def _walk(source: Source, head: str, bounds: Bounds, stored: Mapping[str, Node], outside: set[str]) -> Walk:
    return walk({**stored, **source.known}, head, since=bounds.since, limit=bounds.limit, outside=outside)


def _fetch_more(source: Source, wants: Sequence[str], *, depth: int, most: int) -> bool:
    """Fetch `wants` and what lies behind them, about `most` commits; return whether anything came or was given up.

    A host that lacks a commit serves no request that would reach it: the depth is halved until one is served.
    """
    before, lost = len(source.known), len(source.lost)

    def enough() -> bool:
        return len(source.known) - before >= most

    while depth > 1 and not _is_served(source, wants, depth=depth, stop=enough):
        depth //= 2
    if depth <= 1:
        source.fetch_named_commits(wants)
    return len(source.known) > before or len(source.lost) > lost


def _is_served(
    source: Source,
    wants: Sequence[str],
    *,
    since: int | None = None,
    depth: int | None = None,
    stop: Callable[[], bool],
) -> bool:
    """Fetch commits; return False if the request has failed, perhaps for what it asked for."""
    try:
        source.fetch_commits(wants, since=since, depth=depth, stop=stop)
    except FetchRefusedError:
        return False
    except JobError as error:
        if not may_be_for_its_objects(error):
            raise
        return False
    return True
