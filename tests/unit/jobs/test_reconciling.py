from datetime import timedelta

import pytest

from tests.unit.jobs.job_examples import NOW, closed_entry, queued_entry, retrying_entry, running_entry
from watchlist import limits
from watchlist.errors import ErrorCode
from watchlist.jobs.reconciling import DeclareLost, Requeue, TimeOut, Wait, decide
from watchlist.states import JobState
from watchlist.storage.records import Entry

MOMENT = timedelta(milliseconds=1)


def test_a_queued_job_without_a_message_is_queued_again_when_its_time_is_over() -> None:
    entry = queued_entry()

    assert decide(entry, entry.due_at - MOMENT) == Wait()
    assert decide(entry, entry.due_at) == Requeue()


def test_a_job_between_two_attempts_is_queued_again_when_its_time_is_over() -> None:
    entry = retrying_entry()

    assert decide(entry, entry.due_at - MOMENT) == Wait()
    assert decide(entry, entry.due_at) == Requeue()


def test_a_worker_that_fell_silent_is_declared_lost_when_its_lease_has_run_out() -> None:
    entry = running_entry()

    assert decide(entry, entry.lease_expires_at - MOMENT) == Wait()
    remedy = decide(entry, entry.lease_expires_at)
    assert isinstance(remedy, DeclareLost)
    assert remedy.error.code is ErrorCode.WORKER_LOST
    assert remedy.error.message == "The worker fell silent without a report."


def test_a_live_lease_counts_more_than_an_overdue_sign_of_life() -> None:
    entry = running_entry()
    entry.due_at = NOW

    assert decide(entry, NOW) == Wait()


def test_a_task_that_never_claimed_is_declared_lost_when_its_time_is_over() -> None:
    entry = queued_entry(attempt=1, due_at=NOW)

    assert decide(entry, NOW - MOMENT) == Wait()
    remedy = decide(entry, NOW)
    assert isinstance(remedy, DeclareLost)
    assert remedy.error.code is ErrorCode.WORKER_NOT_STARTED
    assert remedy.error.message == "The worker was launched but never started."


@pytest.mark.parametrize("entry", [queued_entry(), running_entry(), retrying_entry()], ids=["queued", "run", "retry"])
def test_every_open_job_times_out_at_the_bound_however_lively_it_is(entry: Entry) -> None:
    bound = entry.job_queued_at + limits.PROCESSING_BOUND
    entry.due_at = bound + timedelta(days=1)

    assert not isinstance(decide(entry, bound - MOMENT), TimeOut)
    remedy = decide(entry, bound)
    assert isinstance(remedy, TimeOut)
    assert remedy.error.code is ErrorCode.PROCESSING_TIMED_OUT
    assert "6 hours" in remedy.error.message


@pytest.mark.parametrize("state", [JobState.COMPLETED, JobState.FAILED])
def test_a_closed_job_needs_nothing(state: JobState) -> None:
    assert decide(closed_entry(state), NOW + 2 * limits.PROCESSING_BOUND) == Wait()
