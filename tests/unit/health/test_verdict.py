from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from watchlist.health.summary import Summary
from watchlist.health.verdict import CheckFailure, Evidence, ReasonCode, Thresholds, VerdictState, judge
from watchlist.settings import VerdictSettings
from watchlist.states import EntryStatus

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
THRESHOLDS = Thresholds.of(VerdictSettings())
MOVED = CheckFailure("repository_moved", "It is at https://github.com/b/b now.", 2, NOW - timedelta(days=3))
GONE = CheckFailure("repository_not_found", "The host knows no such repository.", 2, NOW - timedelta(days=3))


def summary(
    *,
    earlier: int = 0,
    recent: int = 0,
    last_days: float | None = 1,
    bot_days: float | None = None,
    covered_weeks: int = 52,
) -> Summary:
    """So many commits a week in the 39 weeks before the last 13, and in these."""
    return Summary(
        measured_at=NOW,
        weeks=(*[earlier] * 39, *[recent] * 13),
        covered_weeks=covered_weeks,
        commits_total=39 * earlier + 13 * recent,
        last_commit_by_person_at=None if last_days is None else NOW - timedelta(days=last_days),
        last_commit_by_bot_at=None if bot_days is None else NOW - timedelta(days=bot_days),
        absence_factor=2,
        people_active=3,
        activity=50,
        score=7.0,
        score_change=-0.5,
    )


LIVELY = Evidence(EntryStatus.READY, summary=summary(earlier=5, recent=5), looked_at=NOW)


@pytest.mark.parametrize(
    ("evidence", "state", "reason"),
    [
        (LIVELY, VerdictState.ACTIVE, ReasonCode.RECENT_COMMITS),
        (replace(LIVELY, summary=summary(earlier=5, recent=2)), VerdictState.SLOWING, ReasonCode.FEWER_COMMITS),
        (replace(LIVELY, summary=summary(earlier=5, recent=3)), VerdictState.ACTIVE, ReasonCode.RECENT_COMMITS),
        (replace(LIVELY, summary=summary(last_days=89)), VerdictState.ACTIVE, ReasonCode.RECENT_COMMITS),
        (replace(LIVELY, summary=summary(last_days=90)), VerdictState.QUIET, ReasonCode.NO_COMMIT_BY_PEOPLE),
        (replace(LIVELY, summary=summary(last_days=365)), VerdictState.DORMANT, ReasonCode.NO_COMMIT_BY_PEOPLE),
        (
            replace(LIVELY, summary=summary(last_days=None, bot_days=1)),
            VerdictState.DORMANT,
            ReasonCode.NO_COMMIT_BY_PEOPLE,
        ),
        (
            replace(LIVELY, summary=summary(last_days=None, bot_days=1, covered_weeks=13)),
            VerdictState.QUIET,
            ReasonCode.NO_COMMIT_BY_PEOPLE,
        ),
        (
            replace(LIVELY, summary=summary(last_days=None, bot_days=1, covered_weeks=12)),
            VerdictState.UNKNOWN,
            ReasonCode.NO_COMMIT_BY_PEOPLE,
        ),
        (replace(LIVELY, summary=summary(last_days=None)), VerdictState.UNKNOWN, ReasonCode.NO_BELIEVABLE_DATE),
        (replace(LIVELY, archived=True), VerdictState.ARCHIVED, ReasonCode.DECLARED_FINISHED),
        (replace(LIVELY, summary=None), VerdictState.UNKNOWN, ReasonCode.NOT_ANALYSED_YET),
        (replace(LIVELY, is_empty=True), VerdictState.UNKNOWN, ReasonCode.NO_COMMITS),
        (replace(LIVELY, is_empty=True, is_head_missing=True), VerdictState.UNKNOWN, ReasonCode.HEAD_MISSING),
        (replace(LIVELY, looked_at=NOW - timedelta(days=14)), VerdictState.UNKNOWN, ReasonCode.NOT_LOOKED_AT),
        (replace(LIVELY, check_failure=MOVED), VerdictState.MOVED, ReasonCode.HOST_REDIRECTS),
        (replace(LIVELY, check_failure=GONE), VerdictState.GONE, ReasonCode.NOT_THERE),
        (
            replace(LIVELY, check_failure=CheckFailure("host_error", "502.", 3, None)),
            VerdictState.FAILING,
            ReasonCode.CHECKS_FAIL,
        ),
        (
            Evidence(EntryStatus.FAILED, setup_error=("repository_not_found", "No such repository.")),
            VerdictState.FAILING,
            ReasonCode.SETUP_FAILED,
        ),
        (
            Evidence(EntryStatus.FAILED, setup_error=("repository_moved", "It is elsewhere.")),
            VerdictState.MOVED,
            ReasonCode.HOST_REDIRECTS,
        ),
    ],
)
def test_the_first_rule_that_holds_is_the_verdict(evidence: Evidence, state: VerdictState, reason: ReasonCode) -> None:
    verdict = judge(evidence, THRESHOLDS, NOW)

    assert (verdict.state, verdict.reasons[0].code) == (state, reason)
    assert all(each.message.endswith(".") for each in verdict.reasons)


def test_programs_keep_nothing_alive() -> None:
    verdict = judge(replace(LIVELY, summary=summary(last_days=200, bot_days=1)), THRESHOLDS, NOW)

    assert verdict.state is VerdictState.QUIET
    assert [reason.code for reason in verdict.reasons] == [ReasonCode.NO_COMMIT_BY_PEOPLE, ReasonCode.ONLY_PROGRAMS]


@pytest.mark.parametrize(
    ("covered_weeks", "said"),
    [
        (52, "No commit by a person in the last year."),
        (14, "No commit by a person in the last 98 days; earlier ones are not known."),
        (2, "No commit by a person in the last 14 days; earlier ones are not known."),
    ],
)
def test_where_only_programs_are_known_the_silence_is_as_long_as_what_is_known(covered_weeks: int, said: str) -> None:
    known = summary(last_days=None, bot_days=1, covered_weeks=covered_weeks)

    verdict = judge(replace(LIVELY, summary=known), THRESHOLDS, NOW)

    assert verdict.reasons[0].message == said
    assert verdict.reasons[1].code is ReasonCode.ONLY_PROGRAMS


def test_one_failed_look_is_said_and_changes_nothing() -> None:
    failure = CheckFailure("host_error", "The host answered 502.", 1, None)

    verdict = judge(replace(LIVELY, check_failure=failure), THRESHOLDS, NOW)

    assert (verdict.state, verdict.reasons[1].code) == (VerdictState.ACTIVE, ReasonCode.LAST_CHECK_FAILED)


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence(
            EntryStatus.FAILED,
            setup_error=("repository_not_found", "No such repository."),
            check_failure=CheckFailure("repository_not_found", "No such repository.", 1, None),
        ),
        replace(LIVELY, check_failure=CheckFailure("host_error", "502.", 3, None)),
        replace(LIVELY, check_failure=GONE),
        replace(LIVELY, check_failure=MOVED),
    ],
    ids=["setup failed", "checks fail", "gone", "moved"],
)
def test_what_the_last_look_said_is_said_once(evidence: Evidence) -> None:
    verdict = judge(evidence, THRESHOLDS, NOW)

    assert evidence.check_failure is not None
    assert sum(evidence.check_failure.message in reason.message for reason in verdict.reasons) == 1


def test_a_lively_repository_is_judged_as_of_now_not_as_of_its_analysis() -> None:
    later = replace(LIVELY, looked_at=NOW + timedelta(days=100))

    assert judge(later, THRESHOLDS, NOW + timedelta(days=100)).state is VerdictState.QUIET


def test_a_young_repository_is_not_slowing_for_lack_of_a_past() -> None:
    young = summary(earlier=9, recent=1).model_copy(update={"covered_weeks": 20})

    assert judge(replace(LIVELY, summary=young), THRESHOLDS, NOW).state is VerdictState.ACTIVE


def test_the_weeks_since_the_analysis_have_no_commits() -> None:
    weeks = summary(earlier=1, recent=2).weeks_until(NOW + timedelta(weeks=3))

    assert (len(weeks), weeks[:2], weeks[-4:]) == (52, (1, 1), (2, 0, 0, 0))


def test_unknown_worries_more_than_what_is_known_to_live() -> None:
    worries = [state.worry for state in VerdictState]

    assert worries == sorted(worries, reverse=True)
    assert VerdictState.UNKNOWN.worry > VerdictState.ACTIVE.worry == 0
