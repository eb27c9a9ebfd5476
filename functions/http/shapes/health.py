"""What the health of a repository shows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from functions.http.responses import stored_as
from functions.http.shapes.fields import Moment, NextCursor, RepositoryUrl, Score, Sha, WatchlistId
from functions.http.shapes.history import HistoryAnswer
from functions.http.shapes.releases import ReleaseAnswer, Releases
from functions.http.shapes.verdict import VerdictAnswer
from watchlist import clock
from watchlist.health.analysis import Analysis
from watchlist.health.changes import changes
from watchlist.health.scorecard import ScorecardResult
from watchlist.health.store import Page as HealthPage
from watchlist.health.summary import summary_of
from watchlist.health.verdict import Thresholds, verdict_of
from watchlist.history.metrics import RECENT_WEEKS, HistoryMetrics
from watchlist.storage.records import Entry


class HealthPoint(BaseModel):
    """One analysis in short."""

    analyzed_at: Annotated[Moment, Field(description="When.")]
    score: Score
    activity_score: Annotated[
        float | None, Field(description="How much is going on, 0 to 100; null where unknown.", examples=[64])
    ]


class HealthHistoryPage(BaseModel):
    """Analyses in short, newest first, and where the next page begins."""

    items: Annotated[list[HealthPoint], Field(description="At most `limit`; fewer where analyses are large.")]
    next_cursor: NextCursor

    @classmethod
    def of(cls, page: HealthPage) -> "HealthHistoryPage":
        """Show a page."""
        return cls(items=[_point(analysis) for analysis in page.analyses], next_cursor=page.next_cursor)


class CheckChangeAnswer(BaseModel):
    """One check whose score differs; null where it was inconclusive or not there."""

    check: Annotated[str, Field(description="Scorecard's name of it.", examples=["Code-Review"])]
    before: Annotated[int | None, Field(description="0 to 10.", examples=[9])]
    after: Annotated[int | None, Field(description="0 to 10.", examples=[4])]
    since: Annotated[Moment, Field(description="The analysis that found the present score first.")]
    reason: Annotated[
        str | None,
        Field(description="Scorecard's line on the present score.", examples=["found 12 unreviewed changesets"]),
    ]


class HealthChangesAnswer(BaseModel):
    """What changed between two analyses."""

    before: Annotated[HealthPoint | None, Field(description="The older one; null without analyses.")]
    after: Annotated[HealthPoint | None, Field(description="The newer one.")]
    checks: Annotated[list[CheckChangeAnswer], Field(description="Those that differ, the largest drop first.")]

    @classmethod
    def of(cls, analyses: Sequence[Analysis]) -> "HealthChangesAnswer":
        """Compare the last with the first of the analyses, which are newest first."""
        scored = [(each.analyzed_at, each.scorecard) for each in reversed(analyses) if each.scorecard]
        return cls(
            before=_point(analyses[-1]) if analyses else None,
            after=_point(analyses[0]) if analyses else None,
            checks=[
                CheckChangeAnswer(
                    check=each.check, before=each.before, after=each.after, since=each.since, reason=each.reason
                )
                for each in changes(scored)
            ],
        )


class ComparedAnswer(BaseModel):
    """One of the repositories that are compared; null stands for what is not known."""

    watchlist_id: WatchlistId
    repository_url: RepositoryUrl
    name: Annotated[str, Field(description="Owner and name.", examples=["pallets/flask"])]
    verdict: VerdictAnswer
    score: Score
    activity_score: Annotated[int | None, Field(description="0 to 100.", examples=[64])]
    commits_last_quarter: Annotated[int | None, Field(description="By people, in 13 weeks.", examples=[42])]
    commits_last_year: Annotated[
        int | None, Field(description="By people; null where not all of the year are known.", examples=[310])
    ]
    people_active: Annotated[int | None, Field(description="With a commit in 13 weeks.", examples=[7])]
    absence_factor: Annotated[
        int | None, Field(description="The fewest people who made half of the year's commits.", examples=[2])
    ]
    last_commit_by_person_at: Annotated[Moment | None, Field(description="Committer date.")]
    weeks: Annotated[
        list[int] | None, Field(description="As in the watchlist: 52 weeks that end now.", examples=[[0, 3, 1]])
    ]
    release: Releases
    stars: Annotated[int | None, Field(description="Where the host tells.", examples=[71000])]
    license: Annotated[str | None, Field(description="Where the host tells.", examples=["BSD-3-Clause"])]
    analyzed_at: Annotated[Moment | None, Field(description="When the numbers were computed.")]

    @classmethod
    def of(cls, entry: Entry, thresholds: Thresholds, now: datetime) -> "ComparedAnswer":
        """Show an entry beside others."""
        summary, package = summary_of(entry), entry.package
        weeks = summary.weeks_until(now) if summary else None
        return cls(
            watchlist_id=entry.watchlist_id,
            repository_url=entry.repository.url,
            name=f"{entry.owner}/{entry.name}",
            verdict=VerdictAnswer.of(verdict_of(entry, thresholds, now)),
            score=entry.score,
            activity_score=summary and summary.activity,
            commits_last_quarter=sum(weeks[-RECENT_WEEKS:]) if weeks else None,
            commits_last_year=sum(weeks) if weeks and summary and summary.covered_weeks >= len(weeks) else None,
            people_active=summary and summary.people_active,
            absence_factor=summary and summary.absence_factor,
            last_commit_by_person_at=summary and summary.last_commit_by_person_at,
            weeks=list(weeks) if weeks else None,
            release=ReleaseAnswer.of(entry, now),
            stars=package and package.stars,
            license=package and package.license,
            analyzed_at=entry.analyzed_at,
        )


class CompareAnswer(BaseModel):
    """Repositories on the same axes."""

    items: Annotated[list[ComparedAnswer], Field(description="In the order that they were named in.")]


class HealthAnswer(BaseModel):
    """The latest analysis and the history of the scores."""

    watchlist_id: WatchlistId
    analyzed_at: Annotated[Moment | None, Field(description="Null until the first analysis.")]
    head_sha: Annotated[Sha | None, Field(description="The commit that was analysed.")]
    scorecard: Annotated[
        Annotated[ScorecardResult, stored_as(ScorecardResult)] | None,
        Field(description="OpenSSF Scorecard's result, or why there is none; null until the first analysis."),
    ]
    history_metrics: Annotated[
        Annotated[HistoryMetrics, stored_as(HistoryMetrics)] | None,
        Field(description="The metrics of the last year's commits; null until the first analysis."),
    ]
    history_outline: Annotated[
        HistoryAnswer | None,
        Field(description="What these are the metrics of: how far the history is known, its last commits."),
    ]
    release: Releases
    history: Annotated[list[HealthPoint], Field(description="The last analyses, newest first.")]

    @classmethod
    def of(cls, entry: Entry, analyses: Sequence[Analysis]) -> "HealthAnswer":
        """Show the analyses of an entry, newest first."""
        latest = analyses[0] if analyses else None
        return cls(
            watchlist_id=entry.watchlist_id,
            analyzed_at=latest.analyzed_at if latest else None,
            head_sha=latest.head_sha if latest else None,
            scorecard=latest.scorecard if latest else None,
            history_metrics=latest.history_metrics if latest else None,
            history_outline=HistoryAnswer.of(entry),
            release=ReleaseAnswer.of(entry, clock.now()),
            history=[_point(analysis) for analysis in analyses],
        )


def _point(analysis: Analysis) -> HealthPoint:
    return HealthPoint(analyzed_at=analysis.analyzed_at, score=analysis.score, activity_score=analysis.activity_score)
