import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_service.background_loop import BackgroundLoop

LONG = 60


def counting(reached: threading.Event, most: int) -> tuple[list[int], Callable[[], bool]]:
    rounds: list[int] = []

    def step() -> bool:
        rounds.append(len(rounds))
        if len(rounds) == most:
            reached.set()
        return len(rounds) < most

    return rounds, step


def test_rounds_follow_at_once_while_there_is_more_to_do() -> None:
    reached = threading.Event()
    rounds, step = counting(reached, most=5)

    with BackgroundLoop("test", step, seconds=LONG):
        assert reached.wait(10)

    assert len(rounds) == 5


def test_what_ails_aws_is_told_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    said, failed = "database or disk is full", threading.Event()
    answer: Any = {
        "Error": {"Code": "InternalServerError", "Message": said},
        "ResponseMetadata": {"HTTPStatusCode": 500},
    }

    def step() -> bool:
        if failed.is_set():
            return False
        failed.set()
        raise ClientError(answer, "ReceiveMessage")

    with BackgroundLoop("test", step, seconds=LONG):
        assert failed.wait(10)

    (line,) = caplog.text.splitlines()
    assert "test: a round failed" in line
    assert said in line


def test_an_error_of_one_round_does_not_end_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    recovered = threading.Event()
    failed: list[bool] = []

    def step() -> bool:
        if not failed:
            failed.append(True)
            raise RuntimeError("once")
        recovered.set()
        return False

    with BackgroundLoop("test", step, seconds=0.01):
        assert recovered.wait(10)

    assert "test: a round failed" in caplog.text
    assert "Traceback" in caplog.text


def test_no_round_begins_while_paused() -> None:
    going = threading.Semaphore(0)
    rounds: list[int] = []

    def step() -> bool:
        rounds.append(1)
        going.release()
        return True

    with BackgroundLoop("test", step, seconds=0.001) as loop:
        assert going.acquire(timeout=10)
        loop.pause()
        paused_at = len(rounds)
        assert not threading.Event().wait(0.05)
        assert len(rounds) == paused_at
        loop.resume()
        while len(rounds) == paused_at:
            assert going.acquire(timeout=10)


@pytest.mark.timeout(30)  # it would never end
def test_a_paused_loop_can_be_stopped() -> None:
    with BackgroundLoop("test", lambda: False, seconds=0.001) as loop:
        loop.pause()
        assert not threading.Event().wait(0.05)  # until the loop waits for the end of the pause


def test_a_loop_that_waits_first_can_be_stopped_before_its_first_round() -> None:
    rounds, step = counting(threading.Event(), most=1)

    with BackgroundLoop("test", step, seconds=LONG, first_after=LONG):
        pass

    assert rounds == []


def test_a_resting_loop_is_woken_at_once_and_when_something_is_due() -> None:
    rounds = threading.Semaphore(0)

    def step() -> bool:
        rounds.release()
        return False

    with BackgroundLoop("test", step, seconds=LONG) as loop:
        assert rounds.acquire(timeout=10)
        loop.wake()
        assert rounds.acquire(timeout=10)
        loop.wake(0.02)
        loop.wake(0.01)
        assert rounds.acquire(timeout=10)


def test_what_wakes_a_loop_in_a_round_or_a_pause_is_not_lost() -> None:
    rounds = threading.Semaphore(0)

    def step() -> bool:
        if not woken.is_set():
            woken.set()
            loop.wake()
        rounds.release()
        return False

    woken = threading.Event()
    loop = BackgroundLoop("test", step, seconds=LONG)
    with loop:
        assert rounds.acquire(timeout=10)
        assert rounds.acquire(timeout=10)
        loop.pause()
        loop.wake()
        assert not rounds.acquire(timeout=0.05)
        loop.resume()
        assert rounds.acquire(timeout=10)


def test_a_round_that_failed_is_repeated_after_a_pause_of_its_own() -> None:
    repeated = threading.Event()
    failed: list[bool] = []

    def step() -> bool:
        if not failed:
            failed.append(True)
            raise RuntimeError("once")
        repeated.set()
        return False

    with BackgroundLoop("test", step, seconds=LONG, retry_seconds=0.01):
        assert repeated.wait(10)


def test_what_is_told_together_is_gathered_for_one_round() -> None:
    rounds = threading.Semaphore(0)

    def step() -> bool:
        rounds.release()
        return False

    loop = BackgroundLoop("test", step, seconds=LONG, first_after=LONG, gather_seconds=0.2)
    with loop:
        for _ in range(5):
            loop.wake()
        assert rounds.acquire(timeout=10)
        assert not rounds.acquire(timeout=0.3)
        loop.wake()
        assert rounds.acquire(timeout=10)


def test_all_that_woke_a_loop_during_a_round_is_served_by_the_next_one() -> None:
    rounds = threading.Semaphore(0)
    may_end = threading.Event()

    def step() -> bool:
        rounds.release()
        assert may_end.wait(10)
        return False

    with BackgroundLoop("test", step, seconds=LONG) as loop:
        assert rounds.acquire(timeout=10)
        for _ in range(100):
            loop.wake()
        may_end.set()
        assert rounds.acquire(timeout=10)
        assert not rounds.acquire(timeout=0.05)
