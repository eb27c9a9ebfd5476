"""Where a job that has not ended stands."""

from datetime import timedelta

import pytest

from tests.unit.jobs.job_examples import NOW, queued_entry, retrying_entry, running_entry
from watchlist.jobs.open import Standing, standing_of
from watchlist.storage.records import Entry

SOON = NOW + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("entry", "standing"),
    [
        pytest.param(queued_entry(), Standing.QUEUED, id="its message waits"),
        pytest.param(queued_entry(waits_in="setup", turn="lane#1"), Standing.IN_LINE, id="others are first"),
        pytest.param(queued_entry(attempt=1), Standing.STARTING, id="a task was launched"),
        pytest.param(running_entry(), Standing.RUNNING, id="a task holds it"),
        pytest.param(running_entry(lease=-timedelta(seconds=1)), Standing.QUEUED, id="its task was lost"),
        pytest.param(retrying_entry(next_attempt_at=SOON), Standing.PAUSED, id="its next attempt has its time"),
        pytest.param(retrying_entry(next_attempt_at=NOW), Standing.QUEUED, id="the time has come"),
        pytest.param(
            retrying_entry(next_attempt_at=SOON, waits_in="setup", turn="lane#1"), Standing.IN_LINE, id="in line again"
        ),
    ],
)
def test_an_open_job_stands_where_it_is(entry: Entry, standing: Standing) -> None:
    assert standing_of(entry, NOW) is standing
