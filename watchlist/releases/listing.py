"""What an entry has of its repository's tags: where they are kept, and by what a change is known."""

from dataclasses import dataclass
from typing import Any, Self

from watchlist.storage.records import Entry

_FORMAT = 1
"""Of the listing as it is stored."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Which segments have the tags of an entry, in the catalog's order.

    Attributes:
        digest: of all tags when they were read (`watchlist.git.tags.Tags`).
        total: how many there were.
        releases: how many of those that are kept are releases; these come first.
        segments: id and number of tags of each.
    """

    digest: str
    total: int
    releases: int
    segments: tuple[tuple[str, int], ...]

    @property
    def is_whole(self) -> bool:
        """Whether all tags are kept."""
        return sum(count for _, count in self.segments) == self.total

    @classmethod
    def of(cls, entry: Entry) -> Self | None:
        """Return the listing that an entry has; None where there is none, or of another format."""
        stored = entry.tags
        if not stored or stored.get("format") != _FORMAT:
            return None
        rows = tuple((str(name), int(count)) for name, count in stored["segments"])
        return cls(stored["digest"], stored["total"], stored["releases"], rows)

    def stored(self) -> dict[str, Any]:
        """Return it as an entry has it."""
        return {
            "format": _FORMAT,
            "digest": self.digest,
            "total": self.total,
            "releases": self.releases,
            "segments": [list(row) for row in self.segments],
        }
