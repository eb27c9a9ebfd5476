"""A job's look at the tags of a repository: what is new is told, what is to be shown is kept.

The tags that were kept are read only where something has changed. Dates are asked for in one request, of those releases
whose date is shown or measured; a host that does not give them costs only these.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tasks.history import Repository, Tagged
from tasks.optional_parts import OptionalParts
from watchlist import limits
from watchlist.alerts import telling as alerting
from watchlist.alerts.occasions import TagsChanged
from watchlist.git.tags import Tags, TooManyTagsError
from watchlist.history.commits import Commit
from watchlist.history.dates import as_told, made_at
from watchlist.history.store import Attempt
from watchlist.releases import store as release_store
from watchlist.releases.catalog import Catalog
from watchlist.releases.comparing import compare
from watchlist.releases.distance import distance
from watchlist.releases.kept import KeptTag
from watchlist.releases.listing import Listing
from watchlist.releases.summary import LatestRelease, ReleaseSummary, releases_of
from watchlist.storage.batches import Patience
from watchlist.storage.records import Entry
from watchlist.text import some_of

_TOO_MANY = f"The repository has more than {limits.TAGS_READ} tags; nothing is known of its releases."
_NOT_ALL = f"Of the tags {limits.TAGS_KEPT} are kept, releases first."
_STRAYS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class TagsFound:
    """What a look found: attributes of the entry that change with it, and how many alerts are new."""

    attributes: Mapping[str, Any]
    alerts: int = 0


@dataclass(frozen=True, slots=True)
class TagLook:
    """A look at the tags.

    Attributes:
        entry: as it is before the job ends.
        repository: whose tags these are.
        parts: of the job, of which this is one.
        attempt: which writes.
        patience: with storage.
        check: raises when the job was taken away.
        now: of the job.
        is_news: whether what changed is told; the first look at a repository has no news.
    """

    entry: Entry
    repository: Repository
    parts: OptionalParts
    attempt: Attempt
    patience: Patience
    check: Callable[[], None]
    now: datetime
    is_news: bool = True

    def look(self, commits: Callable[[], Sequence[Commit]]) -> TagsFound:
        """Return what is found of tags; nothing where they cannot be had.

        Args:
            commits: gives the commits of HEAD's history that are stored; asked only where they are needed.
        """
        return self.parts.get("The tags could not be read", lambda: self._look(commits), otherwise=TagsFound({}))

    def _look(self, commits: Callable[[], Sequence[Commit]]) -> TagsFound:
        try:
            tags = self.repository.tags()
        except TooManyTagsError:
            summary = ReleaseSummary(tags=limits.TAGS_READ, releases=0, note=_TOO_MANY)
            return TagsFound({"tags": None, "releases": summary.model_dump(mode="json")})
        listing, summary_before = Listing.of(self.entry), releases_of(self.entry)
        if listing is None or summary_before is None or listing.digest != tags.digest:
            return self._keep(tags, commits())
        head = self.repository.head().sha
        if head == self.entry.head_sha:
            return TagsFound({})
        latest = summary_before.latest
        counted = self._since(latest.commit_sha, latest.made_at, commits()) if latest else {}
        return TagsFound({"releases": summary_before.model_copy(update=counted).model_dump(mode="json")})

    def _keep(self, tags: Tags, commits: Sequence[Commit]) -> TagsFound:
        stored = release_store.load(self.entry)
        self.check()
        release_store.clean(self.attempt, stored, self.patience)
        before = stored.tags
        of_commits = self._commit_dates(commits)
        known = of_commits | {tag.oid: tag.made_at for tag in before if tag.made_at is not None}
        certain = {tag.oid for tag in before if tag.made_at not in {None, of_commits.get(tag.peeled)}}
        named = Catalog.of(tags.tags, known, self.entry.name)
        catalog = self._looked_up(named, certain, of_commits)
        names = {tag.name for tag in named.releases}
        alerts = 0
        if self.is_news and stored.listing is not None:
            whole = stored.listing.is_whole
            news = compare(before, tags.tags, catalog, whole=whole)
            happened = TagsChanged(news=news, latest=catalog.latest, now=self.now)
            alerts = alerting.tell(self.entry.watchlist_id, happened, self.now, self.check)
        listing = release_store.save(self.attempt, catalog.tags, tags.digest, stored, self.patience)
        summary = self._summary(
            tags,
            catalog,
            commits,
            strays=[tag.name for tag in catalog.tags if tag.release is None and tag.name in names],
        )
        return TagsFound({"tags": listing.stored(), "releases": summary.model_dump(mode="json")}, alerts)

    def _commit_dates(self, commits: Sequence[Commit]) -> dict[str, datetime]:
        dated = zip(commits, made_at(commits, self.now), strict=True)
        return {commit.sha: at for commit, at in dated if at is not None}

    def _looked_up(self, catalog: Catalog, certain: Container[str], stored: Container[str]) -> Catalog:
        """Return the catalog with what the host says of annotated tags, and of what is not stored.

        Args:
            catalog: with the dates that are known.
            certain: tags whose dates are their own. Where a tag's is its commit's, the host may not have given it.
            stored: commits.
        """
        unknown = {
            tag.oid: tag.peeled
            for tag in catalog.to_be_dated
            if tag.made_at is None or (tag.is_annotated and tag.oid not in certain)
        }
        told = self.parts.get(
            "The dates of releases are missing", lambda: self.repository.tagged(unknown), otherwise=Tagged()
        )
        dates = {oid: believed for oid, at in told.dates.items() if (believed := as_told(at, self.now)) is not None}
        return catalog.looked_up(dates, {oid for oid in told.no_commits if unknown[oid] not in stored})

    def _summary(
        self, tags: Tags, catalog: Catalog, commits: Sequence[Commit], *, strays: Sequence[str]
    ) -> ReleaseSummary:
        latest = catalog.latest
        notes = [_NOT_ALL] if len(tags.tags) > limits.TAGS_KEPT else []
        if strays:
            notes.append(f"No releases, since they stand for no commit: {some_of(strays, _STRAYS_SHOWN)}.")
        summary = ReleaseSummary(
            tags=len(tags.tags),
            releases=len(catalog.releases),
            latest=_shown(latest),
            latest_prerelease=_shown(catalog.latest_prerelease),
            usual_days=catalog.usual_days,
            note=" ".join(notes) or None,
        )
        if latest is None:
            return summary
        return summary.model_copy(update=self._since(latest.peeled, latest.made_at, commits))

    def _since(self, commit: str, at: datetime | None, commits: Sequence[Commit]) -> dict[str, Any]:
        def beside() -> Mapping[str, Sequence[str]]:
            missing = "How far the latest release is away is not known"
            return self.parts.get(missing, lambda: self.repository.parents_beside(commit), otherwise={})

        far = distance(commit, at, self.repository.head().sha, commits, beside)
        return {
            "commits_since": far.commits if far else None,
            "commits_since_is_least": far.is_least if far else False,
        }


def _shown(tag: KeptTag | None) -> LatestRelease | None:
    if tag is None or tag.release is None:
        return None
    return LatestRelease(
        tag=tag.name,
        version=tag.release.version,
        product=tag.release.product,
        commit_sha=tag.peeled,
        made_at=tag.made_at,
    )
