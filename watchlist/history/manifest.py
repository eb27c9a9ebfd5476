"""Which segments make up a history, and which of them stay when the history changes; decided without I/O."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Self

from watchlist import limits

FORMAT = 1
"""Of the manifest as it is stored."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment of a history.

    Attributes:
        id: its key in the table.
        commits: how many of its commits count, from the first on; the others have left the window.
        earliest: committer's time of the oldest commit in it, Unix seconds.
        latest: of the newest.
    """

    id: str
    commits: int
    earliest: int
    latest: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """The segments of a history in git's order, newest first."""

    segments: tuple[Segment, ...] = ()

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> Self:
        """Return the manifest that an entry has; None stands for the one without segments.

        Raises:
            ValueError: it is of another format.
        """
        if stored is None:
            return cls()
        if stored["format"] != FORMAT:
            raise ValueError(f"a manifest of format {stored['format']}")
        return cls(tuple(Segment(*row) for row in stored["segments"]))

    def stored(self) -> dict[str, Any]:
        """Return it as an entry has it."""
        rows = [[each.id, each.commits, each.earliest, each.latest] for each in self.segments]
        return {"format": FORMAT, "segments": rows}

    @property
    def commits(self) -> int:
        """How many commits the history has."""
        return sum(segment.commits for segment in self.segments)


@dataclass(frozen=True, slots=True)
class Held:
    """A segment with the ids of its commits that count."""

    segment: Segment
    shas: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """Commits, by their ids, that are to be written as a segment of their own."""

    shas: tuple[str, ...]


Piece = Segment | Run


def arrange(order: Sequence[str], held: Sequence[Held]) -> list[Piece]:
    """Return the pieces that a history is to be made of.

    A segment whose commits follow each other in `order` as they do in it stays, also where its last ones have left
    the history's end. Other commits are written. What is written takes in a neighbour that is no larger than itself,
    as long as both fit into one segment: so sizes double, few small ones are left, and little is written again.

    Args:
        order: ids of all commits of the history, newest first.
        held: the segments that there are.
    """
    staying = dict(_staying(order, held))
    pieces: list[Held | Run] = []
    loose: list[str] = []
    at = 0
    while at < len(order):
        if (kept := staying.get(at)) is None:
            loose.append(order[at])
            at += 1
            continue
        pieces += [Run(tuple(loose))] if loose else []
        loose = []
        pieces.append(kept)
        at += len(kept.shas)
    pieces += [Run(tuple(loose))] if loose else []
    return [part for piece in _merged(pieces) for part in _parts(piece)]


def _staying(order: Sequence[str], held: Sequence[Held]) -> Iterator[tuple[int, Held]]:
    """Yield where in the order a segment begins that can stay, and what counts of it from now on."""
    places = {sha: place for place, sha in enumerate(order)}
    for each in held:
        start = places.get(each.shas[0])
        if start is None:
            continue
        following = order[start : start + len(each.shas)]
        if each.shas[: len(following)] == tuple(following):
            yield start, Held(replace(each.segment, commits=len(following)), tuple(following))


def _merged(pieces: Sequence[Held | Run]) -> list[Held | Run]:
    """Let each run take in its neighbours, those that follow it first."""
    merged: list[Held | Run] = []
    for piece in reversed(pieces):
        merged.append(piece)
        while len(merged) > 1 and _takes_in(merged[-1], merged[-2]):
            run, neighbour = merged.pop(), merged.pop()
            merged.append(Run(run.shas + neighbour.shas))
    merged.reverse()
    result: list[Held | Run] = []
    for piece in merged:
        result.append(piece)
        while len(result) > 1 and _takes_in(result[-1], result[-2]):
            run, neighbour = result.pop(), result.pop()
            result.append(Run(neighbour.shas + run.shas))
    return result


def _takes_in(piece: Held | Run, neighbour: Held | Run) -> bool:
    fits = len(piece.shas) + len(neighbour.shas) <= limits.SEGMENT_COMMITS
    return isinstance(piece, Run) and fits and len(neighbour.shas) <= len(piece.shas)


def _parts(piece: Held | Run) -> list[Piece]:
    """Return what stays as it is, and a run in parts of equal size."""
    if isinstance(piece, Held):
        return [piece.segment]
    number = -(-len(piece.shas) // limits.SEGMENT_COMMITS)
    bounds = [len(piece.shas) * part // number for part in range(number + 1)]
    return [Run(piece.shas[start:end]) for start, end in pairwise(bounds)]
