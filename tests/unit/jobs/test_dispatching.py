from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.jobs.job_examples import NOW, closed_entry, queued_entry, received, retrying_entry, running_entry
from watchlist import limits
from watchlist.errors import ErrorCode
from watchlist.jobs.dispatching import DeclareLost, Drop, LeaveToDeadLetterQueue, Postpone, Redrive, Start, decide
from watchlist.states import JobState
from watchlist.storage.records import Entry

SECOND = timedelta(seconds=1)


def test_the_first_message_of_a_job_starts_its_first_attempt() -> None:
    entry = queued_entry()

    assert decide(received(entry), entry, NOW) == Start(1)


def test_a_message_without_an_entry_is_dropped() -> None:
    assert decide(received(queued_entry()), None, NOW) == Drop("the entry is gone")


@pytest.mark.parametrize(
    "of_another_job", [{"generation": 2}, {"job_id": "1" * 32}], ids=["another generation", "another job"]
)
def test_a_message_of_another_job_is_dropped(of_another_job: dict[str, Any]) -> None:
    for entry in (queued_entry(), closed_entry(JobState.FAILED, attempts_used_up=True)):
        assert decide(received(entry, **of_another_job), entry, NOW) == Drop("another job of the entry came after it")


def test_a_message_that_a_copy_has_replaced_is_dropped() -> None:
    entry = queued_entry(delivery=2)

    assert decide(received(entry, delivery=1), entry, NOW) == Drop("a copy took its place")


def test_a_copy_that_nobody_has_adopted_yet_counts() -> None:
    entry = queued_entry(delivery=2)

    assert decide(received(entry, delivery=3), entry, NOW) == Start(1)


def test_while_a_task_is_at_work_a_copy_waits_for_the_end_of_its_lease() -> None:
    entry = running_entry(lease=70 * SECOND)

    assert decide(received(entry, receive_count=2), entry, NOW) == Postpone(
        70 * SECOND, "a task is at work on it", for_task=True
    )


def test_while_a_task_is_starting_a_copy_waits_for_the_end_of_its_time() -> None:
    entry = queued_entry(attempt=1, due_at=NOW + 70 * SECOND)

    assert decide(received(entry), entry, NOW) == Postpone(70 * SECOND, "a task is starting", for_task=True)


def test_an_attempt_whose_lease_ran_out_is_declared_lost_first() -> None:
    entry = running_entry(lease=timedelta(0))

    decision = decide(received(entry, receive_count=2), entry, NOW)

    assert isinstance(decision, DeclareLost)
    assert decision.error.code is ErrorCode.WORKER_LOST


def test_an_attempt_that_never_started_is_declared_lost_first() -> None:
    entry = queued_entry(attempt=1, due_at=NOW)

    decision = decide(received(entry), entry, NOW)

    assert isinstance(decision, DeclareLost)
    assert decision.error.code is ErrorCode.WORKER_NOT_STARTED


@pytest.mark.parametrize("attempt", range(1, limits.MAX_ATTEMPTS))
def test_after_a_failed_attempt_the_next_receive_starts_the_next_one(attempt: int) -> None:
    entry = retrying_entry(attempt)

    assert decide(received(entry, receive_count=attempt + 1), entry, NOW) == Start(attempt + 1)


def test_receives_that_were_no_attempts_are_made_up_for_by_a_copy() -> None:
    entry = retrying_entry(1)

    assert decide(received(entry, receive_count=3), entry, NOW) == Postpone(timedelta(0), "receives were lost")


def test_receives_to_spare_do_no_harm() -> None:
    entry = retrying_entry(2)

    assert decide(received(entry, receive_count=1), entry, NOW) == Start(3)


def test_a_message_of_a_completed_job_is_dropped() -> None:
    entry = closed_entry(JobState.COMPLETED)

    assert decide(received(entry), entry, NOW) == Drop("the job is completed")


def test_a_message_of_a_job_that_failed_for_good_is_dropped_even_when_an_operator_sends_it() -> None:
    entry = closed_entry(JobState.FAILED)

    failed = Drop("the job failed for good")
    assert decide(received(entry), entry, NOW) == failed
    assert decide(received(entry, message_id="other", sent_at=NOW + SECOND), entry, NOW) == failed


@pytest.mark.parametrize("remembered", ["message", None])
def test_the_message_that_used_up_the_attempts_is_left_to_the_dead_letter_queue(remembered: str | None) -> None:
    entry = closed_entry(JobState.FAILED, attempts_used_up=True, message_id=remembered)

    assert decide(received(entry), entry, NOW) == LeaveToDeadLetterQueue()


@pytest.mark.parametrize("twin", [{"message_id": "twin"}, {"delivery": 4}], ids=["another id", "another copy"])
def test_other_messages_of_a_failed_job_are_dropped(twin: dict[str, Any]) -> None:
    entry = closed_entry(JobState.FAILED, attempts_used_up=True)

    assert decide(received(entry, **twin), entry, NOW) == Drop("another message of the job is the one that failed")


def test_a_message_that_was_sent_after_its_job_had_failed_was_redriven() -> None:
    entry = closed_entry(JobState.FAILED, attempts_used_up=True)

    assert decide(received(entry, message_id="new", sent_at=NOW + SECOND), entry, NOW) == Redrive()


def test_a_message_that_was_sent_when_its_job_failed_was_not_redriven() -> None:
    entry = closed_entry(JobState.FAILED, attempts_used_up=True)

    assert isinstance(decide(received(entry, message_id="twin", sent_at=NOW), entry, NOW), Drop)


def test_what_could_start_waits_for_the_end_of_its_host_s_pause() -> None:
    entry = queued_entry()

    paused = decide(received(entry), entry, NOW, host_paused_until=NOW + 70 * SECOND)

    assert paused == Postpone(70 * SECOND, "its host asks for fewer requests")
    assert decide(received(entry), entry, NOW, host_paused_until=NOW) == Start(1)


def test_a_pause_of_its_host_changes_nothing_for_what_would_not_start() -> None:
    entry = closed_entry(JobState.COMPLETED)

    assert decide(received(entry), entry, NOW, host_paused_until=NOW + SECOND) == Drop("the job is completed")


seconds = st.integers(-1000, 1000).map(lambda value: timedelta(seconds=value))
counts = st.integers(1, 10)
open_entries = st.one_of(
    st.builds(lambda due: queued_entry(due_at=NOW + due), seconds),
    st.builds(lambda attempt, due: queued_entry(attempt=attempt, due_at=NOW + due), st.integers(1, 3), seconds),
    st.builds(running_entry, st.integers(1, 3), seconds),
    st.builds(retrying_entry, st.integers(1, 2)),
)


@given(open_entries, counts, st.integers(-2, 2), seconds)
def test_nothing_but_the_next_attempt_is_ever_started(entry: Entry, count: int, copies: int, age: timedelta) -> None:
    entry.delivery = 3
    decision = decide(received(entry, count, delivery=3 + copies, sent_at=NOW + age), entry, NOW)

    if isinstance(decision, Start):
        assert decision.attempt == entry.attempt + 1 <= limits.MAX_ATTEMPTS
        assert count <= decision.attempt
        assert not entry.has_live_lease(NOW)
        assert copies >= 0


@given(open_entries, counts)
def test_the_message_that_counts_is_never_dropped_while_its_job_is_open(entry: Entry, count: int) -> None:
    assert not isinstance(decide(received(entry, count), entry, NOW), Drop | LeaveToDeadLetterQueue | Redrive)


@given(open_entries, counts, st.integers(1, 1000))
def test_nothing_is_declared_lost_before_its_time(entry: Entry, count: int, left: int) -> None:
    if entry.lease_owner:
        entry.lease_expires_at = NOW + timedelta(seconds=left)
    entry.due_at = NOW + timedelta(seconds=left)

    assert not isinstance(decide(received(entry, count), entry, NOW), DeclareLost)


@given(st.sampled_from([JobState.COMPLETED, JobState.FAILED]), st.booleans(), counts, st.integers(0, 3))
def test_a_closed_job_never_starts_a_task(state: JobState, used_up: bool, count: int, delivery: int) -> None:  # noqa: FBT001 - hypothesis gives it
    entry = closed_entry(state, attempts_used_up=used_up)

    assert isinstance(decide(received(entry, count, delivery=delivery), entry, NOW), Drop | LeaveToDeadLetterQueue)
