"""The simulation behind docs/scale.md notices what gives way, and what holds."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bench.scale import LIFTED, PARTS, Measured, World, of_settings
from infra.environments import PROD
from watchlist.states import Share

SIZE = 600
FEW = replace(PROD, max_refresh_tasks=1, max_open_refreshes=2, max_setup_tasks=200)


@pytest.fixture(scope="module")
def held() -> Measured:
    return World(SIZE, LIFTED[10_000]).day()


def test_each_repository_is_looked_at_about_once_a_day_and_those_that_moved_are_refreshed(held: Measured) -> None:
    assert 0.8 * SIZE < held.checks < 1.3 * SIZE
    assert 0.3 * SIZE < held.refreshes < 0.6 * SIZE
    assert held.setups == 5000
    assert (held.timed_out, held.lag) == (0, timedelta(0))


def test_what_is_too_small_is_named_first_and_nothing_is_lost_by_it() -> None:
    measured = World(20_000, FEW).day()

    share, part = of_settings(measured, FEW)[0]

    assert measured.lag > timedelta(hours=6)
    assert measured.timed_out == 0
    assert measured.tasks[Share.REFRESH] == 1
    assert measured.open_refreshes == 2
    assert share >= 1
    assert part in PARTS


def test_a_burst_waits_in_line_where_there_are_few_tasks_and_times_nobody_out() -> None:
    measured = World(SIZE, replace(PROD, max_setup_tasks=20)).day()
    assert measured.setup_wait > timedelta(hours=2)
    assert measured.timed_out == 0
