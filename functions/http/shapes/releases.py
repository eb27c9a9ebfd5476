"""What is shown of a repository's releases."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from functions.http.shapes.fields import Moment, NextCursor, Sha
from watchlist.releases.kept import KeptTag
from watchlist.releases.summary import LatestRelease, releases_of
from watchlist.storage.records import Entry

Tag = Annotated[str, Field(description="The tag's name.", examples=["v3.1.0"])]
VersionText = Annotated[str, Field(description="The tag without its prefix.", examples=["3.1.0"])]
Product = Annotated[
    str | None,
    Field(
        description="Of a repository with several packages, what it is a version of; null for the whole.",
        examples=[None],
    ),
]
CommitSha = Annotated[Sha, Field(description="What the tag stands for: as a rule a commit.")]
MadeAt = Annotated[
    Moment | None,
    Field(description="When an annotated tag was made, or the commit of another; null where that is not known."),
]


class LatestReleaseAnswer(BaseModel):
    """One release in short."""

    tag: Tag
    version: VersionText
    product: Product
    commit_sha: CommitSha
    made_at: MadeAt

    @classmethod
    def of(cls, release: LatestRelease | None) -> "LatestReleaseAnswer | None":
        """Show a release, if there is one."""
        if release is None:
            return None
        return cls(
            tag=release.tag,
            version=release.version,
            product=release.product or None,
            commit_sha=release.commit_sha,
            made_at=release.made_at,
        )


class ReleaseAnswer(BaseModel):
    """The releases of a repository in short, as the last job found them."""

    tags: Annotated[int, Field(description="All tags.", examples=[53])]
    releases: Annotated[int, Field(description="Those that are versions, pre-releases included.", examples=[51])]
    latest: Annotated[
        LatestReleaseAnswer | None,
        Field(description="The highest version that is no pre-release; null where there is none."),
    ]
    latest_prerelease: Annotated[
        LatestReleaseAnswer | None,
        Field(description="The highest pre-release, if it is of a higher version.", examples=[None]),
    ]
    days_since: Annotated[
        int | None, Field(description="Whole days since the latest release; null where unknown.", examples=[93])
    ]
    usual_days: Annotated[
        float | None,
        Field(description="The median of the days between the last ten releases; null where unknown.", examples=[41.5]),
    ]
    commits_since: Annotated[
        int | None,
        Field(description="Commits of HEAD that the latest release has not; null where unknown.", examples=[27]),
    ]
    commits_since_is_least: Annotated[bool, Field(description="Whether there are at least so many.", examples=[False])]
    note: Annotated[str | None, Field(description="What is missing, for a person.", examples=[None])]

    @classmethod
    def of(cls, entry: Entry, now: datetime) -> "ReleaseAnswer | None":
        """Show what is known of the entry's releases; None before the first look at them."""
        known = releases_of(entry)
        if known is None:
            return None
        return cls(
            tags=known.tags,
            releases=known.releases,
            latest=LatestReleaseAnswer.of(known.latest),
            latest_prerelease=LatestReleaseAnswer.of(known.latest_prerelease),
            days_since=known.days_since(now),
            usual_days=known.usual_days,
            commits_since=known.commits_since,
            commits_since_is_least=known.commits_since_is_least,
            note=known.note,
        )


Releases = Annotated[
    ReleaseAnswer | None, Field(description="The repository's releases in short; null until they were looked at.")
]


class ListedReleaseAnswer(BaseModel):
    """One release of the list."""

    tag: Tag
    version: VersionText
    product: Product
    prerelease: Annotated[bool, Field(description="Whether it is one before a release.", examples=[False])]
    annotated: Annotated[bool, Field(description="Whether the tag is an object of its own.", examples=[True])]
    tag_sha: Annotated[Sha, Field(description="The tag's own id; the commit's where it is not annotated.")]
    commit_sha: CommitSha
    made_at: MadeAt

    @classmethod
    def of(cls, tag: KeptTag) -> "ListedReleaseAnswer":
        """Show a tag that is a release."""
        release = tag.release
        return cls(
            tag=tag.name,
            version=release.version if release else tag.name,
            product=(release.product if release else "") or None,
            prerelease=bool(release and release.is_prerelease),
            annotated=tag.is_annotated,
            tag_sha=tag.oid,
            commit_sha=tag.peeled,
            made_at=tag.made_at,
        )


class ReleasePage(BaseModel):
    """Releases, newest first: by date, then those without a known date by version."""

    release: Releases
    items: Annotated[list[ListedReleaseAnswer], Field(description="One page of the list.")]
    next_cursor: NextCursor
