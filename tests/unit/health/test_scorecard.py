from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from watchlist.health.scorecard import (
    DETAIL_BYTES,
    MAX_CHECKS,
    MAX_DETAILS,
    MAX_RESULT_BYTES,
    CheckMove,
    CheckResult,
    PassedOver,
    ScorecardResult,
    ScorecardSource,
    aggregate,
    compare,
    last_known,
    no_score,
    not_run,
)
from watchlist.text import TEXT_BYTES, shorten

NOW = datetime(2026, 11, 24, tzinfo=UTC)
HEAD = "a" * 40


def check(name: str, score: int | None) -> CheckResult:
    return CheckResult(name=name, score=score, reason="because", documentation_url=None)


def result(**scores: int | None) -> ScorecardResult:
    checks = tuple(check(name.replace("_", "-"), score) for name, score in scores.items())
    return ScorecardResult(score=5.0, source=ScorecardSource.FORGE, head=HEAD, obtained_at=NOW, checks=checks)


def test_aggregate_is_the_mean_weighted_by_risk() -> None:
    # Dangerous-Workflow 10 x 10 + Binary-Artifacts 7.5 x 9 + SAST 5 x 0 + License 2.5 x 10 = 192.5, by 25
    scores = {"Dangerous-Workflow": 10, "Binary-Artifacts": 9, "SAST": 0, "License": 10}
    assert aggregate(scores) == 7.7


def test_aggregate_of_nothing_is_none_and_not_zero() -> None:
    assert aggregate({}) is None
    assert aggregate({"A-Check-Of-The-Future": 3}) is None


def test_a_result_counts_its_checks_and_how_many_came_to_a_score() -> None:
    one = result(License=10, SAST=None, Fuzzing=0)
    assert (one.checks_run, one.checks_conclusive) == (3, 2)


def test_a_result_survives_json() -> None:
    one = result(License=10, SAST=None)
    assert ScorecardResult.model_validate_json(one.model_dump_json()) == one


@pytest.mark.parametrize(
    "fields",
    [
        {"score": -1.0, "source": ScorecardSource.FORGE},
        {"score": None},
        {"score": None, "reason": "x", "source": ScorecardSource.LOCAL},
        {"score": 3.0, "source": ScorecardSource.LOCAL, "reason": "x"},
        {"score": 3.0},
        {"score": 3.0, "source": ScorecardSource.LOCAL, "unknown": 1},
    ],
)
def test_a_result_has_either_a_score_with_its_source_or_a_reason(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ScorecardResult.model_validate({"head": HEAD, "obtained_at": NOW, **fields})


def test_no_score_says_why() -> None:
    missing = no_score("nobody knows", head=HEAD, obtained_at=NOW)
    assert (missing.score, missing.reason, missing.source) == (None, "nobody knows", None)


def test_comparison_names_the_checks_that_moved_largest_drop_first() -> None:
    moves = compare(result(License=10, SAST=0, Fuzzing=10), result(License=0, SAST=7, Fuzzing=10)).moved
    assert moves == (CheckMove(name="License", old=10, new=0), CheckMove(name="SAST", old=0, new=7))


def test_comparison_is_over_the_checks_that_both_have() -> None:
    forge = result(License=10, Maintained=0, SAST=4, Fuzzing=None)
    local = result(License=10, SAST=4, Fuzzing=10)
    difference = compare(forge, local)
    assert difference.compared == ("License", "SAST")
    assert difference.not_compared == ("Fuzzing", "Maintained")
    # License 2.5 x 10 + SAST 5 x 4 = 45, by 7.5
    assert (difference.old_score, difference.new_score, difference.change) == (6.0, 6.0, 0.0)
    assert difference.moved == ()


def test_comparison_of_results_without_common_checks_has_no_scores() -> None:
    difference = compare(result(License=10), result(SAST=10))
    assert (difference.old_score, difference.new_score, difference.change) == (None, None, None)


def test_the_largest_result_fits_into_half_an_item() -> None:
    text, detail = '"' * TEXT_BYTES, '"' * DETAIL_BYTES
    worst = CheckResult(
        name="n" * 100,
        score=10,
        reason=text,
        documentation_url=text,
        details=(detail,) * MAX_DETAILS,
    )
    passed_over = tuple(PassedOver(source=source, reason=text) for source in ScorecardSource)
    largest = ScorecardResult(
        score=1.0,
        source=ScorecardSource.LOCAL,
        head=HEAD,
        obtained_at=NOW,
        checks=(worst,) * MAX_CHECKS,
        passed_over=passed_over,
    )
    assert len(largest.model_dump_json()) < MAX_RESULT_BYTES


@given(st.text(), st.integers(min_value=3, max_value=50))
def test_shortened_text_is_one_printable_line_within_its_bytes(text: str, most: int) -> None:
    short = shorten(text, most)
    assert len(short.encode()) <= most
    assert short.isprintable()


def test_short_text_is_left_alone() -> None:
    assert shorten("binary detected: tool.so:1") == "binary detected: tool.so:1"


def test_what_is_known_of_a_check_that_failed_to_run_is_its_last_score() -> None:
    results = [scored(3, SAST=None, License=5), scored(2, SAST=4), scored(1, SAST=9, License=8)]
    known = last_known(results)
    assert known
    assert {check.name: check.score for check in known.checks} == {"SAST": 4, "License": 5}
    assert known.obtained_at == results[0].obtained_at
    fallen = compare(known, scored(4, SAST=0, License=5))
    assert [(move.name, move.old, move.new) for move in fallen.moved] == [("SAST", 4, 0)]


def test_without_any_score_nothing_is_known() -> None:
    assert last_known([no_score("not asked", head="", obtained_at=day(1))]) is None


def test_a_check_has_failed_to_run_if_it_is_there_without_a_score_and_had_one() -> None:
    results = [scored(2, SAST=None), scored(1, SAST=9, License=8)]
    (failed,) = not_run(results, scored(3, SAST=None, Fuzzing=None))
    assert (failed.name, failed.last_run) == ("SAST", day(1))


def day(number: int) -> datetime:
    return datetime(2026, 3, number, tzinfo=UTC)


def scored(number: int, **scores: int | None) -> ScorecardResult:
    """A result of the day with these checks."""
    checks = tuple(
        CheckResult(name=name, score=score, reason="", documentation_url=None) for name, score in scores.items()
    )
    return ScorecardResult(
        score=5.0, source=ScorecardSource.LOCAL, head="a" * 40, obtained_at=day(number), checks=checks
    )
