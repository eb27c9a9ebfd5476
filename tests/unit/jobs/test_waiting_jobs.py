"""The simulation shows what the product's decisions make of a burst."""

import random
from datetime import timedelta

from bench.waiting_jobs import BURSTING, InTurn, Load, lottery

LOAD = Load(burst=300, rate=60, hours=12, slots=4, task=timedelta(minutes=3))
"""Eighty tasks an hour: the burst alone takes longer than the bound on processing."""


def test_nobody_times_out_where_users_take_turns_and_the_others_hardly_wait() -> None:
    result = InTurn(LOAD).run(random.Random(1))  # noqa: S311 - a simulation

    assert result.timed_out == 0
    assert sum(map(len, result.minutes.values())) == 300 + 60 * 11
    assert max(wait for user, waits in result.minutes.items() if user != BURSTING for wait in waits) < 60
    assert max(result.minutes[BURSTING]) > 6 * 60


def test_asking_again_at_random_loses_jobs_and_writes_for_each_that_waits() -> None:
    result = lottery(LOAD, random.Random(1))  # noqa: S311 - a simulation

    assert result.timed_out > 0
    assert result.writes > 10 * InTurn(LOAD).run(random.Random(1)).writes  # noqa: S311 - a simulation
