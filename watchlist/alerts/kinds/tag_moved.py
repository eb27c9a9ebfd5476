"""A tag stands for something else than before, or is gone."""

from collections.abc import Iterator, Sequence

from watchlist import limits
from watchlist.alerts.kind import AlertLevel, Finding, KindSettings
from watchlist.alerts.occasions import TagsChanged
from watchlist.releases.kept import KeptTag
from watchlist.releases.news import MovedTag
from watchlist.text import one_line, some_of

_ID_SHOWN = 12


class TagMovedSettings(KindSettings[TagsChanged]):
    """The tag of a release stands for another commit than before, or is gone: whoever pins it gets other code.

    Tags that are no releases, as `nightly`, move for a living: of each it is told once, as long as its alert is kept.
    Of those that move together the first few are told by name; the others are counted, once as well.
    """

    OCCASION = TagsChanged

    def findings(self, occasion: TagsChanged) -> Iterator[Finding]:
        """Find the tags that moved, those of releases apart from others, and the releases whose tags are gone."""
        by_name = sorted(occasion.news.moved, key=lambda each: each.now.name)  # a host lists them in any order
        moved = [each for each in by_name if each.before.release is not None]
        others = [each for each in by_name if each.before.release is None]
        if moved:
            places = tuple(part for each in moved for part in (each.now.name, each.now.peeled))
            yield _of_moved(moved, ("moved", *places), AlertLevel.CRITICAL, "release tag")
        for each in others[: limits.TAGS_NAMED]:
            yield _of_moved([each], ("moved", each.now.name), AlertLevel.MILD, "tag")
        if more := others[limits.TAGS_NAMED :]:
            yield _of_unnamed(more)
        if occasion.news.removed:
            yield _of_removed(sorted(occasion.news.removed, key=lambda tag: tag.name))


def _of_moved(moved: Sequence[MovedTag], subject: tuple[str, ...], level: AlertLevel, what: str) -> Finding:
    named = [
        f"{one_line(each.now.name, limits.TAG_SHOWN)} (from {_short(each.before.peeled)} to {_short(each.now.peeled)})"
        for each in moved
    ]
    return Finding(
        subject=subject,
        level=level,
        metric="tags_moved",
        value=len(moved),
        threshold=1,
        commit_sha=moved[0].now.peeled,
        message=f"{_counted(named, what)} moved. Whoever uses it gets other code than before.",
    )


def _of_unnamed(moved: Sequence[MovedTag]) -> Finding:
    """Return what is told of many: as it names none of them, none is told twice."""
    return Finding(
        subject=("moved",),
        level=AlertLevel.MILD,
        metric="tags_moved",
        value=len(moved),
        threshold=1,
        message=f"{len(moved)} more of the tags that are no releases were moved.",
    )


def _of_removed(removed: Sequence[KeptTag]) -> Finding:
    named = [f"{one_line(tag.name, limits.TAG_SHOWN)} ({_short(tag.peeled)})" for tag in removed]
    return Finding(
        subject=("removed", *(part for tag in removed for part in (tag.name, tag.oid))),
        level=AlertLevel.MILD,
        metric="tags_removed",
        value=len(removed),
        threshold=1,
        commit_sha=removed[0].peeled,
        message=f"{_counted(named, 'release tag')} removed.",
    )


def _short(oid: str) -> str:
    return oid[:_ID_SHOWN]


def _counted(named: Sequence[str], what: str) -> str:
    if len(named) == 1:
        return f"The {what} {named[0]} was"
    return f"{len(named)} {what}s, {some_of(named, limits.TAGS_NAMED)}, were"
