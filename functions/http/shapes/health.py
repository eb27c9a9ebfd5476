"""What the health of a repository shows."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from functions.http.documented import stored_as
from functions.http.shapes.fields import Moment, Score, Sha, WatchlistId
from functions.http.shapes.history import HistoryAnswer
from watchlist.health.scorecard import ScorecardResult
from watchlist.history.metrics import HistoryMetrics
from watchlist.storage.records import Entry, HealthRecord


class HealthPoint(BaseModel):
    """One analysis in short."""

    analyzed_at: Annotated[Moment, Field(description="When.")]
    score: Score
    activity_score: Annotated[
        float | None, Field(description="How much is going on, 0 to 100; null where unknown.", examples=[64])
    ]


class HealthAnswer(BaseModel):
    """The latest analysis and the history of the scores."""

    watchlist_id: WatchlistId
    analyzed_at: Annotated[Moment | None, Field(description="Null until the first analysis.")]
    head_sha: Annotated[Sha | None, Field(description="The commit that was analysed.")]
    scorecard: Annotated[
        Annotated[dict[str, Any], stored_as(ScorecardResult)] | None,
        Field(description="OpenSSF Scorecard's result, or why there is none; null until the first analysis."),
    ]
    history_metrics: Annotated[
        Annotated[dict[str, Any], stored_as(HistoryMetrics)] | None,
        Field(description="The metrics of the last year's commits; null until the first analysis."),
    ]
    history_outline: Annotated[
        HistoryAnswer | None,
        Field(description="What these are the metrics of: how far the history is known, its last commits."),
    ]
    history: Annotated[list[HealthPoint], Field(description="The last analyses, newest first.")]

    @classmethod
    def of(cls, entry: Entry, records: list[HealthRecord]) -> "HealthAnswer":
        """Show the analyses of an entry, newest first."""
        latest = records[0] if records else None
        return cls(
            watchlist_id=entry.watchlist_id,
            analyzed_at=latest.analyzed_at if latest else None,
            head_sha=latest.head_sha if latest else None,
            scorecard=latest.document["scorecard"] if latest else None,
            history_metrics=latest.document["history_metrics"] if latest else None,
            history_outline=HistoryAnswer.of(entry),
            history=[_point(record) for record in records],
        )


def _point(record: HealthRecord) -> HealthPoint:
    scorecard, metrics = record.document["scorecard"], record.document["history_metrics"]
    return HealthPoint(
        analyzed_at=record.analyzed_at,
        score=scorecard["score"] if scorecard else None,
        activity_score=metrics["activity"]["value"] if metrics else None,
    )
