import threading
from datetime import UTC, datetime, timedelta
from typing import Any

from local_service.functions.timers import Timer, Timers, event_of

RECONCILER = Timer("reconciler", timedelta(seconds=0.01))


def test_a_schedule_s_event_has_the_shape_that_eventbridge_gives_it() -> None:
    event = event_of(RECONCILER, datetime(2026, 3, 1, 10, 0, 0, tzinfo=UTC))

    assert event.pop("id")
    assert event == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2026-03-01T10:00:00Z",
        "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:123456789012:rule/reconciler"],
        "detail": {},
    }


def test_a_timer_invokes_its_function_again_and_again() -> None:
    twice = threading.Event()
    invoked: list[str] = []

    def invoke(name: str, event: dict[str, Any]) -> None:
        assert event["detail-type"] == "Scheduled Event"
        invoked.append(name)
        if len(invoked) == 2:
            twice.set()

    with Timers((RECONCILER,), invoke):
        assert twice.wait(10)

    assert set(invoked) == {"reconciler"}


def test_each_timer_invokes_its_own_function() -> None:
    invoked: set[str] = set()
    both = threading.Event()

    def invoke(name: str, _event: dict[str, Any]) -> None:
        invoked.add(name)
        if len(invoked) == 2:
            both.set()

    with Timers((RECONCILER, Timer("refresher", timedelta(seconds=0.01))), invoke):
        assert both.wait(10)


def test_a_timer_does_not_fire_before_its_first_interval() -> None:
    invoked: list[str] = []

    with Timers((Timer("reconciler", timedelta(hours=1)),), lambda name, _event: invoked.append(name)):
        pass

    assert invoked == []


def test_timers_of_one_interval_begin_one_after_the_other() -> None:
    invoked: list[str] = []
    all_three = threading.Event()

    def invoke(name: str, _event: dict[str, Any]) -> None:
        invoked.append(name)
        if len(invoked) == 3:
            all_three.set()

    with Timers(tuple(Timer(name, timedelta(seconds=1)) for name in ("first", "second", "third")), invoke):
        assert all_three.wait(10)

    assert invoked == ["first", "second", "third"]
