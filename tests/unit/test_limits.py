from datetime import timedelta

import pytest

from watchlist import limits
from watchlist.deployment import functions as function_specs
from watchlist.jobs.protocol import back_off


@pytest.mark.parametrize(("failed_attempt", "seconds"), [(1, 2), (2, 4), (3, 8)])
def test_the_pause_doubles_with_each_failed_attempt(failed_attempt: int, seconds: int) -> None:
    assert back_off(failed_attempt) == timedelta(seconds=seconds)


def test_several_heartbeats_fit_into_a_lease_even_if_the_database_hangs_now_and_then() -> None:
    hanging = limits.STORAGE_CONNECT_TIMEOUT + 4 * limits.STORAGE_READ_TIMEOUT
    assert 3 * (limits.HEARTBEAT + hanging) < limits.LEASE


def test_a_message_stays_invisible_six_times_as_long_as_the_dispatcher_may_run() -> None:
    assert limits.LEASE >= 6 * limits.DISPATCHER_TIMEOUT
    assert function_specs.DISPATCHER.timeout == limits.DISPATCHER_TIMEOUT


def test_a_task_may_take_longer_to_start_than_its_message_is_invisible_for() -> None:
    assert limits.LAUNCH_TIMEOUT > limits.LEASE


def test_dead_letters_are_kept_longer_than_messages() -> None:
    assert limits.DEAD_LETTER_RETENTION > limits.MESSAGE_RETENTION
    assert timedelta(days=14) >= limits.DEAD_LETTER_RETENTION


def test_a_message_outlives_the_bound_on_processing() -> None:
    assert limits.MESSAGE_RETENTION > limits.PROCESSING_BOUND


def test_the_bound_on_processing_leaves_time_for_all_attempts_at_their_worst() -> None:
    attempt = limits.LAUNCH_TIMEOUT + limits.JOB_TIMEOUT + limits.LEASE + limits.RECONCILE_INTERVAL
    pauses = sum((back_off(number) for number in range(1, limits.MAX_ATTEMPTS)), timedelta(0))
    start = limits.SEND_TIMEOUT + limits.RECONCILE_INTERVAL
    assert start + limits.MAX_ATTEMPTS * attempt + pauses < limits.PROCESSING_BOUND


def test_a_postponed_message_is_not_taken_for_lost() -> None:
    assert limits.QUEUE_TIMEOUT > limits.MAX_DELAY + limits.RECONCILE_INTERVAL / 2
    assert timedelta(seconds=900) >= limits.MAX_DELAY


def test_a_copy_waits_for_the_end_of_any_lease_in_one_delay() -> None:
    assert max(limits.LEASE, limits.LAUNCH_TIMEOUT) <= limits.MAX_DELAY


def test_one_receive_is_never_invisible_for_longer_than_sqs_allows() -> None:
    assert timedelta(hours=12) > limits.LAUNCH_TIMEOUT + limits.JOB_TIMEOUT + limits.LEASE


def test_job_records_outlive_the_dead_letters_that_they_explain() -> None:
    assert limits.JOB_RECORD_RETENTION > limits.DEAD_LETTER_RETENTION
