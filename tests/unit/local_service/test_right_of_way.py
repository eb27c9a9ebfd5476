import contextlib
import threading
from collections.abc import Callable

from local_service.background_loop import BackgroundLoop
from local_service.right_of_way import RightOfWay

LONG = 60


def saying(what: Callable[[], object]) -> Callable[[], bool]:
    def step() -> bool:
        what()
        return False

    return step


def test_nothing_is_held_up_while_nobody_waits_for_an_answer() -> None:
    began = threading.Event()

    with BackgroundLoop("test", saying(began.set), seconds=LONG).give_way_to(RightOfWay()):
        assert began.wait(10)


def test_a_round_begins_when_the_last_request_is_answered() -> None:
    right_of_way = RightOfWay(LONG)
    began = threading.Event()
    loop = BackgroundLoop("test", saying(began.set), seconds=LONG).give_way_to(right_of_way)

    with right_of_way.taken():
        with right_of_way.taken():
            loop.__enter__()
        assert not began.wait(0.05)
    assert began.wait(10)
    loop.__exit__(None, None, None)


def test_requests_that_never_pause_do_not_hold_up_for_ever() -> None:
    right_of_way = RightOfWay(0.05)
    began = threading.Event()

    with (
        right_of_way.taken(),
        BackgroundLoop("test", saying(began.set), seconds=LONG).give_way_to(right_of_way),
    ):
        assert began.wait(10)


def test_what_was_held_up_for_long_catches_up_without_giving_way_again() -> None:
    right_of_way = RightOfWay(1)
    caught_up = threading.Event()
    rounds: list[int] = []

    def step() -> bool:
        rounds.append(len(rounds))
        if len(rounds) == 100:
            caught_up.set()
        return len(rounds) < 100

    with right_of_way.taken(), BackgroundLoop("test", step, seconds=LONG).give_way_to(right_of_way):
        assert caught_up.wait(50)


def test_what_has_caught_up_gives_way_again() -> None:
    right_of_way = RightOfWay(LONG)
    rounds = threading.Semaphore(0)

    with BackgroundLoop("test", saying(rounds.release), seconds=LONG).give_way_to(right_of_way) as loop:
        assert rounds.acquire(timeout=10)
        with right_of_way.taken():
            loop.wake()
            assert not rounds.acquire(timeout=0.05)
        assert rounds.acquire(timeout=10)


def test_a_round_that_failed_gives_way_again() -> None:
    right_of_way = RightOfWay(LONG)
    failed, may_fail = threading.Semaphore(0), threading.Event()

    def step() -> bool:
        failed.release()
        assert may_fail.wait(10)
        raise RuntimeError

    with BackgroundLoop("test", step, seconds=0.001).give_way_to(right_of_way):
        assert failed.acquire(timeout=10)
        with right_of_way.taken():
            may_fail.set()
            assert not failed.acquire(timeout=0.05)
        assert failed.acquire(timeout=10)


def test_a_request_that_fails_holds_up_nobody() -> None:
    right_of_way = RightOfWay(LONG)
    began = threading.Event()

    with contextlib.suppress(ValueError), right_of_way.taken():
        raise ValueError
    with BackgroundLoop("test", saying(began.set), seconds=LONG).give_way_to(right_of_way):
        assert began.wait(10)
