"""What an entry knows of its repository's releases: kept on the entry by the job, so that lists read nothing else."""

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, ValidationError

from watchlist.storage.records import Entry


class LatestRelease(BaseModel):
    """One release.

    Attributes:
        tag: its name.
        version: without prefix.
        product: what it is a version of; empty for the repository as a whole.
        commit_sha: what it stands for.
        made_at: when the tag was made, or its commit; None where that is not known.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    tag: str
    version: str
    product: str = ""
    commit_sha: str
    made_at: datetime | None = None


class ReleaseSummary(BaseModel):
    """The releases in short.

    Attributes:
        tags: all tags.
        releases: those of them that are versions, pre-releases included.
        latest: the latest release; None where there is none.
        latest_prerelease: the latest pre-release, if it is of a higher version.
        usual_days: the median of the days between the last releases; None where that is not known.
        commits_since: commits of HEAD that the latest release has not; None where that is not known.
        commits_since_is_least: whether there are at least so many.
        note: what is missing, for a person.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    tags: int
    releases: int
    latest: LatestRelease | None = None
    latest_prerelease: LatestRelease | None = None
    usual_days: float | None = None
    commits_since: int | None = None
    commits_since_is_least: bool = False
    note: str | None = None

    def days_since(self, now: datetime) -> int | None:
        """Return the whole days since the latest release; None where its date is not known."""
        if self.latest is None or self.latest.made_at is None:
            return None
        return max(now - self.latest.made_at, timedelta(0)).days


def releases_of(entry: Entry) -> ReleaseSummary | None:
    """Return what the entry knows; None before the first look, and where another version wrote something else."""
    if not entry.releases:
        return None
    try:
        return ReleaseSummary.model_validate(entry.releases)
    except ValidationError:
        return None
