"""A tag as it is kept and shown."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from watchlist.git.tag import Tag


@dataclass(frozen=True, slots=True)
class Release:
    """What a tag that is a version says.

    Attributes:
        version: without prefix, as it is written.
        product: what it is a version of; empty for the repository as a whole.
        is_prerelease: whether it is one before a release.
    """

    version: str
    product: str = ""
    is_prerelease: bool = False


@dataclass(frozen=True, slots=True)
class KeptTag(Tag):
    """A tag with what was found out about it.

    Attributes:
        made_at: when it was made (an annotated tag), or its commit; None where that is not known.
        release: None where it is no version, or only follows others, as `v4` follows `v4.1` and `v4.2`.
    """

    made_at: datetime | None = None
    release: Release | None = None

    def to_row(self) -> list[Any]:
        """Return it as it is stored."""
        at = None if self.made_at is None else int(self.made_at.timestamp())
        row = [self.name, self.oid, self.peeled if self.is_annotated else "", at]
        if self.release is not None:
            row += [self.release.version, self.release.product, int(self.release.is_prerelease)]
        return row

    @classmethod
    def of_row(cls, row: list[Any]) -> Self:
        """Return what `to_row` has stored."""
        name, oid, peeled, at, *release = row
        made_at = None if at is None else datetime.fromtimestamp(at, UTC)
        said = Release(release[0], release[1], bool(release[2])) if release else None
        return cls(name, oid, peeled or oid, made_at, said)
