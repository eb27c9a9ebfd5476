"""Who is next when a task may start: users take turns, and of each user's jobs the one queued first goes first.

A job for which no task may start yet waits in the line of its share: no message of it is in a queue, and nothing is
written while it waits. Its place is a key, `<lane>#<queued at>`, where the lane stands for the user who asked for the
job, so that the line is in order of lanes and, within a lane, of time. Refreshes, which nobody asked for, share one
lane: they go oldest first.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from watchlist.storage.records import as_key

_SEPARATOR = "#"
_PAST_ALL = "$"
"""The character after the separator: a lane with it comes after all places of the lane, and before the next lane's."""

NO_LANE = ""
"""The lane of jobs that no user asked for."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a job stands."""

    watchlist_id: str
    key: str

    @property
    def lane(self) -> str:
        """Whose turn it takes."""
        return self.key.partition(_SEPARATOR)[0]


class Line(Protocol):
    """The jobs of a share that wait, in the order of their keys."""

    def first_after(self, key: str) -> Place | None:
        """Return the first place whose key is greater than `key`."""


def key_of(lane: str, queued_at: datetime) -> str:
    """Return the place of a job that was queued then."""
    return f"{lane}{_SEPARATOR}{as_key(queued_at)}"


def next_in_turn(line: Line, served: str) -> Place | None:
    """Return the first of the next lane after `served`, after the last one of the first lane; None if none waits."""
    return line.first_after(f"{served}{_PAST_ALL}") or line.first_after("")


def somebody_waits(line: Line) -> bool:
    """Return whether a job that was not called would overtake another one by taking a free slot."""
    return line.first_after("") is not None
