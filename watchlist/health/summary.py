"""What a row of a list needs of an analysis: kept on the entry by the job, so that a list reads no analyses.

The numbers are those of `watchlist.history.metrics.HistoryMetrics`, cut to what is shown and judged.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from watchlist.health.scorecard import ScorecardResult, compare, last_known
from watchlist.history.metrics import HistoryMetrics
from watchlist.storage.records import Entry

_WEEK = timedelta(weeks=1)


class Summary(BaseModel):
    """The last analysis in short.

    Attributes:
        measured_at: the end of the window.
        weeks: contributions by people in each of the 52 weeks before, oldest first.
        covered_weeks: the latest weeks of which all commits are known; earlier ones are 0 for lack of data.
        commits_total: all commits of the window, those of programs and merges included.
        last_commit_by_person_at: committer date; None where none is known.
        last_commit_by_bot_at: the same of programs.
        absence_factor: the fewest people who made half of the contributions; None without contributions.
        people_active: people with a contribution in the last 13 weeks.
        activity: the activity score, 0 to 100.
        score: Scorecard's score of this analysis; None where there is none.
        score_change: by how much it rose (or, negative, fell) since the last other result, over the checks that both
            have; None where they have none, or no score.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    measured_at: datetime
    weeks: tuple[int, ...]
    covered_weeks: int
    commits_total: int
    last_commit_by_person_at: datetime | None
    last_commit_by_bot_at: datetime | None
    absence_factor: int | None
    people_active: int
    activity: int
    score: float | None
    score_change: float | None = None

    def weeks_until(self, now: datetime) -> tuple[int, ...]:
        """Return the 52 weeks that end now: since the analysis there was no commit, or there would be a later one."""
        passed = min(max(now - self.measured_at, timedelta(0)) // _WEEK, len(self.weeks))
        return (*self.weeks[passed:], *[0] * passed)


def summarize(metrics: HistoryMetrics, *, score: float | None, score_change: float | None) -> Summary:
    """Return the summary of an analysis.

    Args:
        metrics: of its commits.
        score: Scorecard's, of this analysis.
        score_change: since the analysis before.
    """
    return Summary(
        measured_at=metrics.computed_at,
        weeks=metrics.commits_per_week,
        covered_weeks=metrics.covered_weeks,
        commits_total=metrics.commits_total,
        last_commit_by_person_at=metrics.last_commit_by_person_at,
        last_commit_by_bot_at=metrics.last_commit_by_bot_at,
        absence_factor=metrics.contributor_absence_factor,
        people_active=metrics.contributors_active,
        activity=metrics.activity.value,
        score=score,
        score_change=score_change,
    )


def in_short(metrics: HistoryMetrics | None, *, score: float | None, score_change: float | None) -> dict[str, Any]:
    """Return the entry's attribute that lists show of the analysis; without metrics the last one stands."""
    if metrics is None:
        return {}
    return {"summary": summarize(metrics, score=score, score_change=score_change).model_dump(mode="json")}


def of_result(result: ScorecardResult, head_sha: str | None, now: datetime) -> dict[str, Any]:
    """Return the entry's attributes that say which Scorecard result counts, as of that state of the repository."""
    return {
        "score": result.score,
        "score_reason": result.reason,
        "scorecard_date": result.date,
        "scorecard_checked_at": now,
        "scorecard_head_sha": head_sha,
        "analyzed_at": now,
    }


def score_change(entry: Entry, earlier: Sequence[ScorecardResult], result: ScorecardResult) -> float | None:
    """Return the change since the result before, over the checks that both have; of one that is kept, what it was.

    Args:
        entry: as it was before.
        earlier: the results before, newest first.
        result: the one that counts now.
    """
    if earlier and earlier[0].obtained_at == result.obtained_at:
        known = summary_of(entry)
        return known.score_change if known else None
    previous = last_known(earlier)
    return None if previous is None or result.score is None else compare(previous, result).change


def summary_of(entry: Entry) -> Summary | None:
    """Return the entry's summary; None before the first analysis, and where another version wrote other numbers."""
    if not entry.summary:
        return None
    try:
        return Summary.model_validate(entry.summary)
    except ValidationError:
        return None
