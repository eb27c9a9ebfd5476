"""There is a new release."""

from collections.abc import Iterator

from watchlist import limits
from watchlist.alerts.kind import AlertLevel, Finding, KindSettings
from watchlist.alerts.occasions import TagsChanged
from watchlist.releases.news import NewRelease
from watchlist.text import one_line

NAME_SHOWN = 60
"""Characters of a tag's name that a message shows."""

_NAMED = 3


class NewReleaseSettings(KindSettings[TagsChanged]):
    """There are new releases: tags that are versions; pre-releases are passed over."""

    OCCASION = TagsChanged

    def findings(self, occasion: TagsChanged) -> Iterator[Finding]:
        """Find the new releases of one look, however many, but for old ones that were tagged late."""
        told = [each for each in occasion.news.released if _is_told(each, occasion)]
        if not told:
            return
        told.sort(key=lambda each: not each.is_newest)
        first = told[0].tag
        yield Finding(
            subject=tuple(part for each in told for part in (each.tag.name, each.tag.oid)),
            level=AlertLevel.MILD,
            metric="new_releases",
            value=len(told),
            threshold=1,
            commit_sha=first.peeled,
            message=_single(told[0], occasion) if len(told) == 1 else _several(told, occasion),
        )


def _is_told(release: NewRelease, occasion: TagsChanged) -> bool:
    tag = release.tag
    if tag.release is None or tag.release.is_prerelease:
        return False
    return release.is_newest or tag.made_at is None or occasion.now - tag.made_at <= limits.RELEASE_IS_NEWS


def _single(release: NewRelease, occasion: TagsChanged) -> str:
    at = f" ({release.tag.made_at:%Y-%m-%d})" if release.tag.made_at else ""
    return f"{_named(release)} is released{at}.{'' if release.is_newest else _still(occasion)}"


def _several(told: list[NewRelease], occasion: TagsChanged) -> str:
    names = ", ".join(map(_named, told[:_NAMED]))
    more = f" and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
    is_newest = any(each.is_newest for each in told)
    return f"There are {len(told)} new releases: {names}{more}.{'' if is_newest else _still(occasion)}"


def _still(occasion: TagsChanged) -> str:
    return f" The latest is still {one_line(occasion.latest.name, NAME_SHOWN)}." if occasion.latest else ""


def _named(release: NewRelease) -> str:
    return one_line(release.tag.name, NAME_SHOWN)
