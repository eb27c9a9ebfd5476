"""What a page of a user's watchlist shows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from functions.http.shapes.fields import (
    Alerts,
    Moment,
    NextCursor,
    RepositoryUrl,
    Score,
    ShownStatus,
    UserWatchlistId,
    WatchlistId,
    shown_status,
)
from functions.http.shapes.releases import ReleaseAnswer, Releases
from functions.http.shapes.status import LastCheckAnswer
from functions.http.shapes.verdict import VerdictAnswer
from watchlist.alerts.kind import AlertLevel
from watchlist.health.verdict import VerdictState
from watchlist.states import Stage
from watchlist.watching.overview import Overview, Row


class OpenAlertsAnswer(BaseModel):
    """The user's alerts that are not resolved, by level."""

    critical: Annotated[int, Field(description="Of this level.", examples=[1])]
    mild: Annotated[int, Field(description="Of this level.", examples=[0])]

    @classmethod
    def of(cls, levels: Mapping[AlertLevel, int]) -> "OpenAlertsAnswer":
        """Show the numbers."""
        return cls(critical=levels.get(AlertLevel.CRITICAL, 0), mild=levels.get(AlertLevel.MILD, 0))


class WatchedAnswer(BaseModel):
    """One repository that a user watches, as a row of a table needs it."""

    user_watchlist_id: UserWatchlistId
    watchlist_id: WatchlistId
    repository_url: RepositoryUrl
    name: Annotated[str, Field(description="Owner and name.", examples=["pallets/flask"])]
    description: Annotated[str | None, Field(description="In the words of its owner.", examples=["A microframework"])]
    status: Annotated[ShownStatus, Field(description="The entry's status.")]
    stage: Annotated[
        Stage | None, Field(description="What its job does; null while there is none.", examples=[Stage.ANALYZING])
    ]
    verdict: VerdictAnswer
    score: Score
    score_change: Annotated[
        float | None,
        Field(
            description="Since the analysis before, over the checks that both have; null where there are none.",
            examples=[-0.4],
        ),
    ]
    activity_score: Annotated[
        int | None, Field(description="How much is going on, 0 to 100; null where unknown.", examples=[64])
    ]
    weeks: Annotated[
        list[int] | None,
        Field(
            description="Commits by people in each of the 52 weeks that end now, oldest first; null before the first "
            "analysis.",
            examples=[[0, 3, 1]],
        ),
    ]
    covered_weeks: Annotated[
        int | None,
        Field(
            description="The latest weeks of which all commits are known; earlier numbers are too low.", examples=[52]
        ),
    ]
    last_commit_by_person_at: Annotated[Moment | None, Field(description="Null where none is known.")]
    last_commit_by_bot_at: Annotated[Moment | None, Field(description="Null where none is known.")]
    absence_factor: Annotated[
        int | None, Field(description="The fewest people who made half of the year's commits.", examples=[2])
    ]
    release: Releases
    open_alerts: OpenAlertsAnswer
    last_check: Annotated[
        LastCheckAnswer | None, Field(description="The last look at the repository; null before the first.")
    ]
    analyzed_at: Annotated[Moment | None, Field(description="When the last analysis ended.")]
    added_at: Annotated[Moment, Field(description="When the user added it.")]
    notes: Annotated[str | None, Field(description="Why, in the user's words.", examples=["We depend on it."])]
    labels: Annotated[list[str], Field(description="The user's own.", examples=[["production"]])]
    alerts: Alerts

    @classmethod
    def of(cls, row: Row, now: datetime) -> "WatchedAnswer":
        """Show a row."""
        user_entry, entry, summary = row.user_entry, row.entry, row.summary
        return cls(
            user_watchlist_id=user_entry.user_watchlist_id,
            watchlist_id=entry.watchlist_id,
            repository_url=entry.repository.url,
            name=f"{entry.owner}/{entry.name}",
            description=entry.package and entry.package.description,
            status=shown_status(entry.entry_status),
            stage=entry.stage if entry.state.is_open else None,
            verdict=VerdictAnswer.of(row.verdict),
            score=entry.score,
            score_change=summary and summary.score_change,
            activity_score=summary and summary.activity,
            weeks=list(summary.weeks_until(now)) if summary else None,
            covered_weeks=summary and summary.covered_weeks,
            last_commit_by_person_at=summary and summary.last_commit_by_person_at,
            last_commit_by_bot_at=summary and summary.last_commit_by_bot_at,
            absence_factor=summary and summary.absence_factor,
            release=ReleaseAnswer.of(entry, now),
            open_alerts=OpenAlertsAnswer.of(row.open_alerts),
            last_check=LastCheckAnswer.of(entry),
            analyzed_at=entry.analyzed_at,
            added_at=user_entry.added_at,
            notes=user_entry.notes,
            labels=list(row.labels),
            alerts=user_entry.alerts,
        )


class TotalsAnswer(BaseModel):
    """How many repositories the user watches, whatever was filtered."""

    by_verdict: Annotated[
        dict[VerdictState, int],
        Field(description="Each verdict, the most worrying first.", examples=[{"gone": 0, "quiet": 3, "active": 12}]),
    ]
    watched: Annotated[int, Field(description="All of them.", examples=[40])]
    matching: Annotated[int, Field(description="Those that the filters leave.", examples=[3])]
    complete: Annotated[
        bool,
        Field(
            description="Whether all were counted. Up to 1000 are sorted and counted together; whoever watches more "
            "gets the next ones, sorted among themselves, on later pages.",
            examples=[True],
        ),
    ]
    alerts_complete: Annotated[
        bool, Field(description="Whether all open alerts were counted, or the newest thousand.", examples=[True])
    ]

    @classmethod
    def of(cls, overview: Overview) -> "TotalsAnswer":
        """Show the numbers."""
        return cls(
            by_verdict={state: overview.totals.get(state, 0) for state in VerdictState},
            watched=sum(overview.totals.values()),
            matching=overview.matching,
            complete=overview.is_whole,
            alerts_complete=overview.alerts_are_whole,
        )


class WatchlistPage(BaseModel):
    """What a user watches, in the order that was asked for, and where the next page begins."""

    items: Annotated[list[WatchedAnswer], Field(description="Can be fewer than `limit` on any page.")]
    totals: TotalsAnswer
    shifted: Annotated[
        bool,
        Field(
            description="Whether the rows in front of this page are others than when the page before was given: one "
            "that moved may be missed, or come twice, so begin anew. By `added`, and by `name`, rows do not move.",
            examples=[False],
        ),
    ]
    next_cursor: NextCursor

    @classmethod
    def of(cls, overview: Overview, now: datetime) -> "WatchlistPage":
        """Show a page."""
        return cls(
            items=[WatchedAnswer.of(row, now) for row in overview.rows],
            totals=TotalsAnswer.of(overview),
            shifted=overview.has_shifted,
            next_cursor=overview.next_cursor,
        )
