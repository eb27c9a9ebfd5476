"""What is new about a repository's tags: new releases, tags that moved, releases whose tags are gone; without I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from watchlist.git.tags import Tag
from watchlist.releases.catalog import Catalog, followers, versions_of
from watchlist.releases.kept import KeptTag


@dataclass(frozen=True, slots=True)
class NewRelease:
    """A release whose tag was not there before; `is_newest`: no release of its line is higher."""

    tag: KeptTag
    is_newest: bool


@dataclass(frozen=True, slots=True)
class MovedTag:
    """A tag that stands for something else than before; `before` is what was known of it."""

    before: KeptTag
    now: Tag


@dataclass(frozen=True, slots=True)
class News:
    """What happened between two looks.

    Attributes:
        released: new releases, in the catalog's order.
        moved: tags that moved, but for those that follow a release, as `v4` follows the newest `v4.1.2`.
        removed: releases whose tags are gone.
    """

    released: Sequence[NewRelease] = ()
    moved: Sequence[MovedTag] = ()
    removed: Sequence[KeptTag] = ()


def compare(before: Sequence[KeptTag], now: Sequence[Tag], catalog: Catalog, repository: str, *, whole: bool) -> News:
    """Return what happened.

    Args:
        before: the tags that were kept.
        now: all tags.
        catalog: of these.
        repository: its name.
        whole: whether all tags were kept before; if not, one that was not known need not be new.
    """
    known = {tag.name: tag for tag in before}
    present = {tag.name: tag for tag in now}
    return News(
        released=[
            NewRelease(tag, catalog.is_newest(tag))
            for tag in catalog.releases
            if tag.name not in known and (whole or catalog.is_newest(tag))
        ],
        moved=_moved(known, now, repository),
        removed=[tag for tag in before if tag.release is not None and tag.name not in present],
    )


def _moved(known: Mapping[str, KeptTag], now: Sequence[Tag], repository: str) -> list[MovedTag]:
    moved = [tag for tag in now if tag.name in known and known[tag.name].peeled != tag.peeled]
    if not moved:
        return []
    names = {tag.name for tag in moved}
    follow = followers(moved, (tag for tag in now if tag.name not in names), versions_of(now, repository))
    return [MovedTag(known[tag.name], tag) for tag in moved if tag.name not in follow]
