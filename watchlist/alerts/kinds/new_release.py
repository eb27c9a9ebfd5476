"""There is a new release."""

from collections.abc import Iterator

from watchlist import limits
from watchlist.alerts.kind import AlertLevel, Finding, KindSettings
from watchlist.alerts.occasions import TagsChanged
from watchlist.releases.news import NewRelease
from watchlist.text import one_line, some_of


class NewReleaseSettings(KindSettings[TagsChanged]):
    """There are new releases: tags that are versions; pre-releases are passed over."""

    OCCASION = TagsChanged

    def findings(self, occasion: TagsChanged) -> Iterator[Finding]:
        """Find the new releases of one look, however many, but for old ones that were tagged late."""
        told = [each for each in occasion.news.released if _is_told(each, occasion)]
        if not told:
            return
        told.sort(key=lambda each: not each.is_newest)
        by_name = sorted(told, key=lambda each: each.tag.name)  # their order here follows dates, which may be missing
        yield Finding(
            subject=tuple(part for each in by_name for part in (each.tag.name, each.tag.oid)),
            level=AlertLevel.MILD,
            metric="new_releases",
            value=len(told),
            threshold=1,
            commit_sha=told[0].tag.peeled,
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
    names = some_of([*map(_named, told)], limits.TAGS_NAMED)
    is_newest = any(each.is_newest for each in told)
    return f"There are {len(told)} new releases: {names}.{'' if is_newest else _still(occasion)}"


def _still(occasion: TagsChanged) -> str:
    return f" The latest is still {one_line(occasion.latest.name, limits.TAG_SHOWN)}." if occasion.latest else ""


def _named(release: NewRelease) -> str:
    return one_line(release.tag.name, limits.TAG_SHOWN)
