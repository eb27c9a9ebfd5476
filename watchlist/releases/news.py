"""What is new about a repository's tags: new releases, tags that moved, releases whose tags are gone."""

from collections.abc import Sequence
from dataclasses import dataclass

from watchlist.git.tag import Tag
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
