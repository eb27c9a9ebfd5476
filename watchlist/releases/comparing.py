"""What is new about a repository's tags, told from those that were kept and those that there are; without I/O."""

from collections.abc import Mapping, Sequence

from watchlist.git.tag import Tag
from watchlist.releases.catalog import Catalog
from watchlist.releases.kept import KeptTag
from watchlist.releases.news import MovedTag, NewRelease, News


def compare(before: Sequence[KeptTag], now: Sequence[Tag], catalog: Catalog, *, whole: bool) -> News:
    """Return what happened.

    Args:
        before: the tags that were kept.
        now: all tags.
        catalog: of these.
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
        moved=_moved(known, now, catalog),
        removed=[tag for tag in before if tag.release is not None and tag.name not in present],
    )


def _moved(known: Mapping[str, KeptTag], now: Sequence[Tag], catalog: Catalog) -> list[MovedTag]:
    moved = [tag for tag in now if tag.name in known and known[tag.name].peeled != tag.peeled]
    if not moved:
        return []
    names = {tag.name for tag in moved}
    follow = catalog.followers(moved, (tag for tag in now if tag.name not in names))
    return [MovedTag(known[tag.name], tag) for tag in moved if tag.name not in follow]
