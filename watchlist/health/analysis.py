"""An analysis: what one job found out of a repository's health."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from watchlist.health.scorecard import ScorecardResult
from watchlist.history.metrics import HistoryMetrics


def _or_none(stored: Any, read: ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401 - Pydantic's
    """Leave out what another version wrote in another form: the next analysis writes it anew."""
    try:
        return read(stored)
    except ValidationError:
        return None


class Analysis(BaseModel):
    """The health of a repository at a moment, and what is not known of it.

    Attributes:
        analyzed_at: when it was computed.
        head_sha: the commit that was analysed; None where the repository is empty.
        scorecard: Scorecard's result, or why there is none; None until Scorecard was asked.
        history_metrics: of the last year's commits.
    """

    model_config = ConfigDict(frozen=True)

    analyzed_at: datetime
    head_sha: str | None
    scorecard: Annotated[ScorecardResult | None, WrapValidator(_or_none)]
    history_metrics: Annotated[HistoryMetrics | None, WrapValidator(_or_none)]

    @property
    def score(self) -> float | None:
        """Scorecard's aggregate, 0.0 to 10.0; None where there is none."""
        return self.scorecard.score if self.scorecard else None

    @property
    def activity_score(self) -> int | None:
        """How much is going on, 0 to 100; None where it is not known."""
        return self.history_metrics.activity.value if self.history_metrics else None


def scorecards_of(analyses: Iterable[Analysis]) -> list[ScorecardResult]:
    """Return the Scorecard results of these analyses in their order, each once."""
    results = [analysis.scorecard for analysis in analyses if analysis.scorecard]
    return list({result.obtained_at: result for result in results}.values())
