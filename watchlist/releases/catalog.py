"""All tags of a repository in order, with its latest release and the rhythm of its releases; decided without I/O.

A release is a tag whose name is a version (`watchlist.releases.version`). A repository can hold several products, and
number them anew: only versions of one **line** are compared, that is of one product and one scheme of numbers. The
**main line** is that of the repository as a whole, as long as its highest version was made within a year of the newest
one; else it is the line of the newest one. Revisions, as `r160`, are it only where there is no other such line. The
**latest release** is the highest version of the main line that is no pre-release. The **rhythm** is the median of the
days between the last `limits.RELEASES_MEASURED` releases of that line.
"""

import re
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import pairwise, zip_longest
from statistics import median

from watchlist import limits
from watchlist.git.tag import Tag
from watchlist.releases.kept import KeptTag, Release
from watchlist.releases.version import Scheme, Version, parse

_POINT = re.compile(r"[._]")
_DAY = timedelta(days=1)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_Line = tuple[str, Scheme]


@dataclass(frozen=True, slots=True)
class _Versioned:
    tag: KeptTag
    version: Version


@dataclass(frozen=True)
class Catalog:
    """The tags of a repository.

    Attributes:
        tags: releases first, those with the latest date first, then those without a date, the highest first; then all
            other tags by name.
    """

    tags: tuple[KeptTag, ...]
    _versions: Mapping[str, Version]
    """What was read from the names of tags, also of those that are no releases."""

    @classmethod
    def of(cls, tags: Sequence[Tag], dates: Mapping[str, datetime], repository: str) -> "Catalog":
        """Return the catalog of these tags.

        Args:
            tags: each name once.
            dates: when tags and commits were made, by their ids; that of a tag counts before that of its commit.
            repository: its name.
        """
        read = ((tag.name, parse(tag.name, repository)) for tag in tags)
        versions = {name: version for name, version in read if version is not None}
        follow = _followers(tags, tags, versions)
        releases = {name: _release(version) for name, version in versions.items() if name not in follow}
        kept = [KeptTag(tag.name, tag.oid, tag.peeled, _date(tag, dates), releases.get(tag.name)) for tag in tags]
        return cls(_in_order(kept, versions), versions)

    def looked_up(self, dates: Mapping[str, datetime], no_commits: Container[str] = ()) -> "Catalog":
        """Return the catalog with what has become known.

        Args:
            dates: as for `of`.
            no_commits: objects that tags name which stand for no commit: such a tag is no release, and has no date.
        """
        known = [
            replace(tag, made_at=None, release=None)
            if tag.oid in no_commits
            else replace(tag, made_at=_date(tag, dates) or tag.made_at)
            for tag in self.tags
        ]
        return Catalog(_in_order(known, self._versions), self._versions)

    def followers(self, tags: Iterable[Tag], leaders: Iterable[Tag]) -> set[str]:
        """Return names of tags that stand where a more special version of `leaders` stands, as `v4` does with `v4.1.2`.

        Args:
            tags: of this catalog.
            leaders: of this catalog.
        """
        return _followers(tags, leaders, self._versions)

    @cached_property
    def releases(self) -> Sequence[KeptTag]:
        """Those of the tags that are releases, in their order."""
        return [tag for tag in self.tags if tag.release is not None]

    @property
    def to_be_dated(self) -> Sequence[KeptTag]:
        """The releases whose dates matter most: the highest of each line, more of those of the whole repository."""
        most = limits.RELEASES_DATED // 2
        own = [each.tag for line, versions in self._lines.items() if not line[0] for each in versions[:most]]
        turns = zip_longest(*(versions[: limits.RELEASES_DATED] for versions in self._lines.values()))
        others = (each.tag for turn in turns for each in turn if each is not None)
        return list(dict.fromkeys([*own[:most], *others]))[: limits.RELEASES_DATED]

    @cached_property
    def latest(self) -> KeptTag | None:
        """The latest release; None where there is none."""
        return _highest(self._main)

    @property
    def latest_prerelease(self) -> KeptTag | None:
        """The highest pre-release of the main line, if it is higher than the latest release."""
        return self._main[0].tag if self._main and self._main[0].version.is_prerelease else None

    @property
    def usual_days(self) -> float | None:
        """The median of the days between releases of different commits; None where fewer than three dates are known."""
        dates = {each.tag.peeled: each.tag.made_at for each in self._main if not each.version.is_prerelease}
        newest = sorted((at for at in dates.values() if at is not None), reverse=True)[: limits.RELEASES_MEASURED + 1]
        gaps = [(later - earlier) / _DAY for later, earlier in pairwise(newest)]
        return round(median(gaps), 2) if len(gaps) > 1 else None

    def is_newest(self, tag: KeptTag) -> bool:
        """Whether no release of its line is higher than this release."""
        version = self._versions[tag.name]
        highest = self._highest[version.line]
        return highest is None or self._versions[highest.name].rank <= version.rank

    @cached_property
    def _lines(self) -> Mapping[_Line, Sequence[_Versioned]]:
        """The releases of each line, the highest version first."""
        lines: defaultdict[_Line, list[_Versioned]] = defaultdict(list)
        for tag in self.releases:
            version = self._versions[tag.name]
            lines[version.line].append(_Versioned(tag, version))
        return {
            line: sorted(versions, key=lambda each: (each.version.rank, each.tag.name), reverse=True)
            for line, versions in sorted(lines.items())
        }

    @cached_property
    def _highest(self) -> Mapping[_Line, KeptTag | None]:
        return {line: _highest(versions) for line, versions in self._lines.items()}

    @cached_property
    def _main(self) -> Sequence[_Versioned]:
        """The releases of the main line, the highest version first."""
        newest_of_all = max(map(_newest, self._lines.values()), default=_LONG_AGO)
        own = [versions for line, versions in self._lines.items() if not line[0]]
        candidates = [versions for versions in own if newest_of_all - _newest(versions) <= limits.MAIN_LINE_RESTS]
        return max(candidates or self._lines.values(), key=_claim, default=())


def _followers(tags: Iterable[Tag], leaders: Iterable[Tag], versions: Mapping[str, Version]) -> set[str]:
    led = {
        (tag.peeled, version.product, version.is_prerelease, text)
        for tag in leaders
        if (version := versions.get(tag.name)) is not None
        for text in _beginnings(version.text)
    }
    return {
        tag.name
        for tag in tags
        if (version := versions.get(tag.name)) is not None
        and (tag.peeled, version.product, version.is_prerelease, version.text) in led
    }


def _beginnings(text: str) -> Iterator[str]:
    return (text[: point.start()] for point in _POINT.finditer(text))


def _highest(versions: Sequence[_Versioned]) -> KeptTag | None:
    return next((each.tag for each in versions if not each.version.is_prerelease), None)


def _claim(versions: Sequence[_Versioned]) -> tuple[bool, datetime, int]:
    """Return a key by which the main line is the greatest one."""
    return versions[0].version.scheme is not Scheme.REVISIONS, _newest(versions), len(versions)


def _newest(versions: Sequence[_Versioned]) -> datetime:
    """Return when the highest release was made, or pre-release where there is no release."""
    return (_highest(versions) or versions[0].tag).made_at or _LONG_AGO


def _release(version: Version) -> Release:
    return Release(version.text, version.product, version.is_prerelease)


def _date(tag: Tag, dates: Mapping[str, datetime]) -> datetime | None:
    return dates.get(tag.oid) or dates.get(tag.peeled)


def _in_order(tags: Sequence[KeptTag], versions: Mapping[str, Version]) -> tuple[KeptTag, ...]:
    releases = [tag for tag in tags if tag.release is not None]
    releases.sort(key=lambda tag: (tag.made_at or _LONG_AGO, versions[tag.name].rank, tag.name), reverse=True)
    return (*releases, *sorted((tag for tag in tags if tag.release is None), key=lambda tag: tag.name))
