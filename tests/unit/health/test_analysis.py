"""What is read of an analysis that was stored."""

from datetime import UTC, datetime

from watchlist.health.analysis import Analysis
from watchlist.health.scorecard import ScorecardResult, ScorecardSource
from watchlist.history.metrics import measure
from watchlist.history.people import People

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
RESULT = ScorecardResult(score=7.5, source=ScorecardSource.PUBLISHED, head="1" * 40, obtained_at=NOW)
ANALYSIS = Analysis(
    analyzed_at=NOW, head_sha="1" * 40, scorecard=RESULT, history_metrics=measure([], People(), now=NOW)
)


def test_an_analysis_is_read_as_it_was_written() -> None:
    assert Analysis.model_validate_json(ANALYSIS.model_dump_json()) == ANALYSIS
    assert (ANALYSIS.score, ANALYSIS.activity_score) == (7.5, 0)


def test_a_part_that_another_version_wrote_in_another_form_is_missing_and_hides_no_other() -> None:
    stored = ANALYSIS.model_dump(mode="json")
    del stored["history_metrics"]["activity"]
    read = Analysis.model_validate(stored)
    assert (read.scorecard, read.history_metrics, read.activity_score) == (RESULT, None, None)

    stored = ANALYSIS.model_dump(mode="json")
    stored["scorecard"]["aggregate"] = stored["scorecard"].pop("score")
    read = Analysis.model_validate(stored)
    assert (read.scorecard, read.score, read.history_metrics) == (None, None, ANALYSIS.history_metrics)
