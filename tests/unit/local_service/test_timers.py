import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local_service.functions import timers
from local_service.functions.timers import LastRuns, Timer, Timers, event_of, first_after

RECONCILER = Timer("reconciler", timedelta(seconds=0.01))
SCHEDULER = Timer("scheduler", timedelta(minutes=10))
NOW = datetime(2026, 3, 1, 10, 0, 0, tzinfo=UTC)


def fired(folder: Path, timer: Timer = SCHEDULER) -> threading.Event:
    """Return what is set once the timer's function is invoked by timers that start now."""
    invoked = threading.Event()
    with Timers((timer,), lambda _name, _event: invoked.set(), folder):
        invoked.wait(0.5)
    return invoked


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


@pytest.mark.parametrize(
    ("number", "minutes", "seconds"),
    [(0, None, 600), (1, None, 660), (0, 2, 480), (1, 2, 480), (0, 11, 5), (2, 11, 15), (0, 9.99, 5), (1, -100, 660)],
)
def test_a_timer_fires_one_interval_after_its_last_run_or_soon(
    number: int, minutes: float | None, seconds: float
) -> None:
    last = None if minutes is None else NOW - timedelta(minutes=minutes)
    assert first_after(number, SCHEDULER, last, NOW) == pytest.approx(seconds)


def test_a_timer_whose_interval_is_short_is_not_held_up(tmp_path: Path) -> None:
    LastRuns(tmp_path).note(RECONCILER, NOW)
    assert fired(tmp_path, RECONCILER).is_set()


def test_a_timer_that_became_due_while_no_service_ran_fires_soon_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timers, "_SOON_SECONDS", 0.01)
    LastRuns(tmp_path).note(SCHEDULER, datetime.now(UTC) - timedelta(minutes=11))
    assert fired(tmp_path).is_set()
    assert not fired(tmp_path).is_set()


def test_services_that_never_run_for_an_interval_run_a_timer_s_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timers, "_SOON_SECONDS", 0.01)
    assert not fired(tmp_path).is_set()
    first_start = LastRuns(tmp_path).of(SCHEDULER)
    assert not fired(tmp_path).is_set()
    assert LastRuns(tmp_path).of(SCHEDULER) == first_start
    assert first_start is not None
    LastRuns(tmp_path).note(SCHEDULER, first_start - timedelta(minutes=10))  # as if so long had passed
    assert fired(tmp_path).is_set()


def test_a_function_that_failed_is_due_at_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timers, "_SOON_SECONDS", 0.01)
    LastRuns(tmp_path).note(SCHEDULER, datetime.now(UTC) - timedelta(minutes=11))
    failed = threading.Event()

    def fail(_name: str, _event: dict[str, Any]) -> None:
        failed.set()
        raise RuntimeError("it failed")

    with Timers((SCHEDULER,), fail, tmp_path):
        assert failed.wait(10)
    assert fired(tmp_path).is_set()


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"scheduler": "yesterday"}', b'{"scheduler": "2026-03-01T10:00:00"}']
)
def test_a_file_that_says_nothing_costs_nothing_but_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    (tmp_path / "timers.json").write_bytes(content)
    assert LastRuns(tmp_path).of(SCHEDULER) is None
    assert "cannot be read" in caplog.text


def test_times_that_cannot_be_kept_cost_nothing_but_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    last_runs = LastRuns(tmp_path / "gone")
    last_runs.note(SCHEDULER, NOW)
    assert last_runs.of(SCHEDULER) == NOW
    assert "cannot be written" in caplog.text
