from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scorecard_reports import report
from watchlist.health.report import MIN_CONCLUSIVE, UnusableReportError, read_report
from watchlist.health.scorecard import MAX_DETAILS, MAX_RESULT_BYTES, ScorecardResult, ScorecardSource

NAME = "github.com/acme/rocket"
HEAD = "a" * 40
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def read(
    document: object, *, name: str = NAME, source: ScorecardSource = ScorecardSource.FORGE, **options: Any
) -> ScorecardResult:
    return read_report(document, name=name, source=source, head=HEAD, obtained_at=NOW, **options)


def test_a_result_says_its_source_date_commit_and_version() -> None:
    one = read(report())
    assert one.score == 5.0
    assert one.source is ScorecardSource.FORGE
    assert one.date == datetime(2026, 11, 20, 6, 33, 38, tzinfo=UTC)
    assert one.commit == "c" * 40
    assert one.version == "v5.5.0"
    assert (one.head, one.obtained_at) == (HEAD, NOW)
    assert (one.checks_run, one.checks_conclusive) == (16, 16)


def test_an_inconclusive_check_has_no_score() -> None:
    scores = dict.fromkeys([f"Check-{n}" for n in range(8)], 7) | {"Fuzzing": -1}
    fuzzing = next(check for check in read(report(scores=scores)).checks if check.name == "Fuzzing")
    assert fuzzing.score is None
    assert fuzzing.reason == "reason of Fuzzing"
    assert fuzzing.documentation_url == "https://example.org/checks.md#fuzzing"


def test_a_score_of_zero_is_a_score() -> None:
    one = read(report(score=0.0, scores={f"Check-{n}": 0 for n in range(8)}))
    assert one.score == 0.0
    assert {check.score for check in one.checks} == {0}


def test_a_perfect_score_is_a_score() -> None:
    one = read(report(score=10.0, scores={f"Check-{n}": 10 for n in range(8)}))
    assert (one.score, one.checks_conclusive) == (10.0, 8)


def test_warnings_come_before_other_details() -> None:
    assert read(report()).checks[0].details == ("Warn: not fine: b.txt:2", "Info: fine: a.txt:1")


def test_only_so_many_details_are_kept_and_the_others_counted() -> None:
    document = report()
    document["checks"][0]["details"] = [f"Info: {n}" for n in range(500)] + ["Warn: the one that matters"]
    kept = next(check for check in read(document).checks if check.details_omitted)
    assert kept.details[0] == "Warn: the one that matters"
    assert len(kept.details) == MAX_DETAILS
    assert kept.details_omitted == 501 - MAX_DETAILS


def test_another_name_is_a_renamed_repository_and_no_result() -> None:
    with pytest.raises(UnusableReportError, match=r"another repository, github\.com/acme/starship"):
        read(report("github.com/acme/starship"))


def test_the_hosts_spelling_of_the_name_is_no_rename() -> None:
    assert read(report("github.com/Acme/Rocket")).score == 5.0


@pytest.mark.parametrize("checks", [None, []])
def test_an_empty_repository_has_no_score(checks: object) -> None:
    with pytest.raises(UnusableReportError, match="empty"):
        read(report(score=-1.0, checks=checks))


@pytest.mark.parametrize("source", list(ScorecardSource))
def test_too_few_conclusive_checks_are_no_score(source: ScorecardSource) -> None:
    enough = MIN_CONCLUSIVE[source]
    scores = {f"Check-{n:02}": 5 if n < enough else -1 for n in range(16)}
    assert read(report(scores=scores), source=source).checks_conclusive == enough
    with pytest.raises(UnusableReportError, match=f"only {enough - 1} of 16"):
        read(report(scores=scores | {"Check-00": -1}), source=source)


def test_a_score_of_minus_one_is_never_a_score() -> None:
    with pytest.raises(UnusableReportError):
        read(report(score=-1.0))


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "text",
        {},
        report(score=float("nan")),
        report(score=11.0),
        report(date="yesterday"),
        report(repo=None),
        report(checks=[{"name": "License"}]),
        report(scores={"License": 11}),
    ],
)
def test_what_is_not_in_scorecards_format_is_no_result(document: object) -> None:
    with pytest.raises(UnusableReportError):
        read(document)


def test_a_local_result_is_of_head_although_scorecard_does_not_know_the_commit() -> None:
    name = "file:///scratch/tree"
    document = report(name, repo={"name": name, "commit": "unknown"})
    assert read(document, name=name, source=ScorecardSource.LOCAL).commit == HEAD


def test_texts_are_cleaned_before_they_are_kept() -> None:
    document = report()
    document["checks"][0]["reason"] = "cannot read /scratch/tree/a.txt"
    kept = read(document, clean=lambda text: text.replace("/scratch/tree/", ""))
    assert "cannot read a.txt" in [check.reason for check in kept.checks]


def test_the_date_may_be_a_day_without_time_as_in_older_published_results() -> None:
    assert read(report(date="2026-11-20")).date == datetime(2026, 11, 20, tzinfo=UTC)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(report(), _json)))
def test_any_json_is_a_small_result_or_none(changes: dict[str, object]) -> None:
    try:
        one = read(report() | changes)
    except UnusableReportError:
        return
    assert len(one.model_dump_json().encode()) < MAX_RESULT_BYTES
