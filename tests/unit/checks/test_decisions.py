from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchlist import limits
from watchlist.checks import decisions as checking
from watchlist.checks.decisions import AskHead, Failed, Forget, Looked, Policy, Rest, Start, Unchanged
from watchlist.errors import ErrorCode, JobError
from watchlist.git.protocol import Head
from watchlist.job_kinds import JobKind
from watchlist.releases.listing import Listing
from watchlist.settings import CheckSettings
from watchlist.storage.last_check import LastCheck
from watchlist.storage.records import Entry, LastError

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
POLICY = Policy(commits_interval=DAY, health_interval=DAY, unchanged_health_interval=7 * DAY, jitter=0.1)
NOON_BEFORE = NOW - DAY
SHA, OTHER_SHA = "a" * 40, "b" * 40


def no_jitter() -> float:
    return 0.0


def an_entry(**attributes: Any) -> Entry:
    """Return a ready entry that was checked and analysed an hour ago."""
    ready: dict[str, Any] = {
        "status": "ready",
        "created_at": NOW - 30 * DAY,
        "processing_completed_at": NOW - 30 * DAY,
        "checked_at": NOW - HOUR,
        "scorecard_checked_at": NOW - HOUR,
        "head_sha": SHA,
        "scorecard_head_sha": SHA,
    }
    return Entry("watchlist_a_b_1", "ENTRY", **(ready | attributes))


def failed(code: ErrorCode, *, ago: timedelta, failures: int, **attributes: Any) -> Entry:
    last_check = LastCheck.failed(NOW - ago, code, "Why.")
    return an_entry(last_check=last_check, check_failures=failures, **attributes)


def plan(entry: Entry) -> object:
    return checking.plan(entry, NOW, POLICY, no_jitter)


def judge(entry: Entry, sha: str | None, tags: str | None = None) -> object:
    return checking.judge(entry, Looked(Head(sha, "main", "sha1"), tags), NOW, POLICY, no_jitter)


def test_an_entry_rests_until_its_commits_are_due() -> None:
    assert plan(an_entry()) == Rest(NOW - HOUR + DAY)


def test_head_is_asked_for_when_the_interval_has_passed() -> None:
    assert plan(an_entry(checked_at=NOW - DAY)) == AskHead()


def test_an_entry_without_a_check_is_due_an_interval_after_its_setup() -> None:
    completed = NOW - 2 * HOUR
    entry = an_entry(checked_at=None, scorecard_checked_at=None, processing_completed_at=completed)
    assert plan(entry) == Rest(completed + DAY)


def a_failed_setup(code: ErrorCode, *, ago: timedelta, failures: int) -> Entry:
    reason = LastError.of(JobError(code, "Why."), None, NOW - ago)
    return an_entry(status="failed", checked_at=None, last_error=reason, check_failures=failures)


def test_a_setup_that_no_retry_cures_is_left_alone() -> None:
    assert plan(a_failed_setup(ErrorCode.REPOSITORY_NOT_FOUND, ago=DAY, failures=1)) == Forget()


@pytest.mark.parametrize(
    ("failures", "pause"),
    [
        (1, timedelta(minutes=10)),
        (2, timedelta(minutes=20)),
        (4, timedelta(minutes=80)),
        (12, 7 * DAY),
        (1000, 7 * DAY),
    ],
)
@pytest.mark.parametrize(
    "code",
    [
        ErrorCode.HOST_UNREACHABLE,
        ErrorCode.HOST_RATE_LIMITED,
        ErrorCode.STORAGE_UNAVAILABLE,
        ErrorCode.WORKER_LOST,
        ErrorCode.PROCESSING_TIMED_OUT,
    ],
)
def test_a_setup_that_failed_by_something_that_passes_is_tried_again_ever_more_rarely(
    code: ErrorCode, failures: int, pause: timedelta
) -> None:
    assert plan(a_failed_setup(code, ago=pause - HOUR / 60, failures=failures)) == Rest(NOW + HOUR / 60)
    assert plan(a_failed_setup(code, ago=pause, failures=failures)) == Start(JobKind.REPOSITORY_SETUP)


def test_a_health_that_is_due_between_checks_is_renewed_without_asking_for_head() -> None:
    entry = an_entry(scorecard_checked_at=NOW - DAY, scorecard_head_sha=OTHER_SHA)
    assert plan(entry) == Start(JobKind.HEALTH_ANALYSIS)


def test_the_health_of_an_unchanged_head_stands_longer() -> None:
    assert plan(an_entry(scorecard_checked_at=NOW - 6 * DAY)) == Rest(NOW - HOUR + DAY)
    assert plan(an_entry(scorecard_checked_at=NOW - 7 * DAY)) == Start(JobKind.HEALTH_ANALYSIS)


@pytest.mark.parametrize("age", [DAY, 8 * DAY])
def test_a_head_that_moved_starts_one_job_also_for_a_health_that_is_due_then(age: timedelta) -> None:
    both = Start(JobKind.COMMIT_BACKFILL, with_health=True)
    assert judge(an_entry(scorecard_checked_at=NOW - age), OTHER_SHA) == both


def test_a_head_that_moved_leaves_a_young_health_as_it_is() -> None:
    assert judge(an_entry(scorecard_checked_at=NOW - DAY + HOUR), OTHER_SHA) == Start(JobKind.COMMIT_BACKFILL)


def test_a_repository_that_was_emptied_has_moved() -> None:
    assert judge(an_entry(), None) == Start(JobKind.COMMIT_BACKFILL)


def test_an_empty_repository_that_is_still_empty_has_not() -> None:
    assert judge(an_entry(head_sha=None, scorecard_head_sha=None), None) == Unchanged(NOW + DAY)


def test_an_unchanged_head_is_looked_at_again_after_an_interval_or_when_the_health_is_due() -> None:
    assert judge(an_entry(), SHA) == Unchanged(NOW + DAY)
    assert judge(an_entry(scorecard_checked_at=NOW - 7 * DAY + HOUR), SHA) == Unchanged(NOW + HOUR)


def test_an_unchanged_head_with_a_health_that_is_due_starts_the_analysis() -> None:
    assert judge(an_entry(scorecard_checked_at=NOW - 7 * DAY), SHA) == Start(JobKind.HEALTH_ANALYSIS)


def test_after_a_failure_head_is_asked_for_again_only_when_the_pause_is_over() -> None:
    due = {"checked_at": NOW - 3 * DAY}
    assert plan(failed(ErrorCode.HOST_ERROR, ago=HOUR / 2, failures=1, **due)) == Rest(NOW + HOUR / 2)
    assert plan(failed(ErrorCode.HOST_ERROR, ago=HOUR, failures=1, **due)) == AskHead()


def test_after_a_failed_job_head_is_asked_for_before_another_job_starts() -> None:
    entry = failed(ErrorCode.OUT_OF_MEMORY, ago=DAY, failures=1, scorecard_checked_at=NOW - 9 * DAY)
    assert plan(entry) == AskHead()


def test_a_failing_job_is_not_started_again_at_once() -> None:
    entry = failed(ErrorCode.OUT_OF_MEMORY, ago=timedelta(0), failures=1, scorecard_checked_at=NOW - 9 * DAY)
    assert plan(entry) == Rest(NOW + DAY)


@pytest.mark.parametrize(
    ("code", "failures", "pause"),
    [
        (ErrorCode.HOST_UNREACHABLE, 1, HOUR),
        (ErrorCode.HOST_UNREACHABLE, 3, 4 * HOUR),
        (ErrorCode.HOST_RATE_LIMITED, 50, DAY),
        (ErrorCode.REPOSITORY_NOT_FOUND, 1, HOUR),
        (ErrorCode.REPOSITORY_NOT_FOUND, 2, DAY),
        (ErrorCode.REPOSITORY_REQUIRES_LOGIN, 4, 4 * DAY),
        (ErrorCode.REPOSITORY_MOVED, 50, limits.RAREST_CHECK),
        (ErrorCode.OUT_OF_MEMORY, 1, DAY),
        (ErrorCode.OUT_OF_MEMORY, 2, 2 * DAY),
    ],
)
def test_the_pause_after_failures(code: ErrorCode, failures: int, pause: timedelta) -> None:
    assert checking.pause_after(failures, code, POLICY) == pause


@given(st.sampled_from(ErrorCode), st.integers(1, 10_000), st.floats(0.0001, 10_000))
def test_pauses_never_shrink_and_never_exceed_the_rarest_check(code: ErrorCode, failures: int, hours: float) -> None:
    policy = Policy(hours * HOUR, HOUR, HOUR, jitter=0)
    pause, next_pause = (checking.pause_after(count, code, policy) for count in (failures, failures + 1))
    assert timedelta(0) < pause <= next_pause <= max(limits.RAREST_CHECK, policy.commits_interval)


def after(entry: Entry, *codes: ErrorCode) -> list[bool]:
    """Say after each failure in turn whether the repository is gone for sure."""
    certain = []
    for code in codes:
        outcome = checking.judge_failure(entry, JobError(code, "Why."), NOW, POLICY, no_jitter)
        entry.check_failures, entry.gone_since = outcome.check_failures, outcome.gone_since
        certain.append(checking.is_gone_for_sure(outcome))
    return certain


GONE, TROUBLE = ErrorCode.REPOSITORY_NOT_FOUND, ErrorCode.HOST_ERROR


def test_a_second_answer_in_a_row_makes_sure_that_a_repository_is_gone() -> None:
    assert after(an_entry(), GONE, GONE, GONE) == [False, True, True]


def test_trouble_of_the_host_confirms_nothing() -> None:
    assert after(an_entry(), GONE, TROUBLE, GONE, GONE) == [False, False, False, True]
    assert after(an_entry(), TROUBLE, TROUBLE, GONE) == [False, False, False]


def test_a_repository_that_is_gone_stays_so_through_trouble_of_its_host() -> None:
    assert after(an_entry(), GONE, GONE, TROUBLE, GONE) == [False, True, True, True]


def test_an_absence_is_named_by_its_beginning() -> None:
    began = NOW - 3 * DAY
    outcome = checking.judge_failure(
        an_entry(check_failures=4, gone_since=began), JobError(GONE, "Why."), NOW, POLICY, no_jitter
    )
    assert outcome.gone_since == began


def test_the_next_try_comes_after_the_pause_for_this_failure() -> None:
    entry = an_entry(check_failures=2)

    busy = checking.judge_failure(entry, JobError(TROUBLE, "Why."), NOW, POLICY, no_jitter)
    broken = checking.judge_failure(entry, JobError(ErrorCode.OUT_OF_MEMORY, "Why."), NOW, POLICY, no_jitter)

    assert busy == Failed(3, None, NOW + checking.pause_after(3, TROUBLE, POLICY))
    assert broken == Failed(3, None, NOW + checking.pause_after(3, ErrorCode.OUT_OF_MEMORY, POLICY))


@pytest.mark.parametrize("with_health", [False, True])
def test_a_start_that_is_put_off_is_kept_as_it_is(with_health: bool) -> None:  # noqa: FBT001 - a parameter of the test
    start = Start(JobKind.COMMIT_BACKFILL, with_health=with_health)

    assert start.to_json() == {"kind": JobKind.COMMIT_BACKFILL.value, "with_health": with_health}
    assert Start.of(start.to_json()) == start


def test_a_repository_is_at_rest_where_its_health_was_renewed_last() -> None:
    assert checking.is_at_rest(an_entry())
    assert not checking.is_at_rest(an_entry(head_sha=OTHER_SHA))
    assert not checking.is_at_rest(an_entry(head_sha=None, scorecard_head_sha=None))


def test_a_published_score_is_news_while_it_is_neither_older_than_the_known_one_nor_too_old() -> None:
    known = an_entry(scorecard_date=NOON_BEFORE)

    assert checking.renews(NOON_BEFORE, known, NOW)
    assert checking.renews(NOON_BEFORE, an_entry(scorecard_date=None), NOW)
    assert not checking.renews(NOON_BEFORE - HOUR, known, NOW)
    oldest = NOW - limits.PUBLISHED_SCORE_AGE
    assert checking.renews(oldest, an_entry(scorecard_date=None), NOW)
    assert not checking.renews(oldest - HOUR, an_entry(scorecard_date=None), NOW)


def test_who_asks_for_a_check_gets_one_although_none_is_due() -> None:
    never_checked = an_entry(check_requested_at=NOW)
    checked_before = an_entry(check_requested_at=NOW, last_check=LastCheck.failed(NOW - HOUR, TROUBLE, "Why."))

    assert plan(never_checked) == AskHead()
    assert plan(checked_before) == AskHead()


def test_a_check_that_has_been_made_is_not_made_again() -> None:
    for made in (NOW, NOW + HOUR):
        entry = an_entry(check_requested_at=NOW, last_check=LastCheck.failed(made, TROUBLE, "Why."))
        assert isinstance(plan(entry), Rest)


def test_failures_whose_reason_is_not_known_make_no_pause() -> None:
    assert plan(an_entry(check_failures=3, checked_at=NOW - DAY)) == AskHead()


def test_a_health_that_was_never_computed_counts_from_the_setup_on() -> None:
    young = an_entry(scorecard_checked_at=None, processing_completed_at=NOW - HOUR)
    old = an_entry(scorecard_checked_at=None, processing_completed_at=NOW - DAY)

    assert judge(young, OTHER_SHA) == Start(JobKind.COMMIT_BACKFILL, with_health=False)
    assert judge(old, OTHER_SHA) == Start(JobKind.COMMIT_BACKFILL, with_health=True)


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 10**6))
def test_jitter_only_adds_and_no_more_than_its_share(jitter: float, random: float, seconds: int) -> None:
    interval = timedelta(seconds=seconds)
    spread = Policy(DAY, DAY, DAY, jitter).spread(interval, lambda: random)
    assert interval <= spread <= interval * (1 + jitter)


def test_the_defaults_are_a_day_for_commits_and_for_the_health_of_what_moved() -> None:
    assert Policy.of(CheckSettings()) == POLICY


def with_tags(total: int = 3, **attributes: Any) -> Entry:
    return an_entry(tags=Listing("digest", total, 0, ()).stored(), **attributes)


def test_other_tags_start_a_backfill_though_head_has_not_moved() -> None:
    assert judge(with_tags(), SHA, "digest") == Unchanged(NOW + DAY)
    assert judge(with_tags(), SHA, "other") == Start(JobKind.COMMIT_BACKFILL)
    due = with_tags(scorecard_checked_at=NOW - 7 * DAY)
    assert judge(due, SHA, "other") == Start(JobKind.COMMIT_BACKFILL, with_health=True)


def test_tags_that_are_not_known_start_nothing() -> None:
    assert judge(with_tags(), SHA, None) == Unchanged(NOW + DAY)
    assert judge(an_entry(), SHA, "other") == Unchanged(NOW + DAY)


def test_tags_are_asked_for_where_they_are_few_and_the_last_check_went_well() -> None:
    assert checking.asks_for_tags(with_tags(limits.TAGS_CHECKED))
    assert not checking.asks_for_tags(with_tags(limits.TAGS_CHECKED + 1))
    assert not checking.asks_for_tags(with_tags(check_failures=1))
    assert not checking.asks_for_tags(an_entry())
