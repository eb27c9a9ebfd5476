from datetime import UTC, datetime, timedelta

from watchlist.health.changes import changes
from watchlist.health.scorecard import CheckResult, ScorecardResult, ScorecardSource

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def analysis(day: int, **scores: int | None) -> tuple[datetime, ScorecardResult]:
    at = NOON + timedelta(days=day)
    checks = tuple(
        CheckResult(name=name, score=score, reason=f"{name} on day {day}", documentation_url=None)
        for name, score in sorted(scores.items())
    )
    return at, ScorecardResult(score=5, source=ScorecardSource.LOCAL, head="1" * 40, obtained_at=at, checks=checks)


def test_a_check_says_before_after_and_since_when() -> None:
    series = [analysis(0, a=9), analysis(1, a=9), analysis(2, a=4), analysis(3, a=4)]

    (change,) = changes(series)

    assert (change.check, change.before, change.after) == ("a", 9, 4)
    assert (change.since, change.reason) == (NOON + timedelta(days=2), "a on day 3")


def test_a_score_that_came_back_counts_from_its_last_coming() -> None:
    series = [analysis(0, a=9), analysis(1, a=4), analysis(2, a=6), analysis(3, a=4)]

    (change,) = changes(series)

    assert change.since == NOON + timedelta(days=3)


def test_the_largest_drop_comes_first_and_what_is_unknown_last() -> None:
    series = [analysis(0, a=9, b=9, c=2, d=5, gone=7), analysis(1, a=8, b=1, c=6, d=None, new=3)]

    assert [change.check for change in changes(series)] == ["b", "a", "c", "d", "gone", "new"]


def test_what_is_equal_in_the_end_did_not_change_and_one_analysis_has_no_changes() -> None:
    assert changes([analysis(0, a=9), analysis(1, a=1), analysis(2, a=9)]) == []
    assert changes([analysis(0, a=9)]) == []
