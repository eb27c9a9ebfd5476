"""Somebody is killed while setups, refreshes and digests are each at a point of their way, and people write.

Whatever was acknowledged is there afterwards, every job and digest comes to its end, and nothing is left behind. These
are the two that differ most; `make kills` strikes at everybody.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_service import lifeline
from tests.e2e.conftest import Forge, Serve
from tests.e2e.kills.blow import COMMITS, After, Prepared, prepare, strike
from tests.e2e.kills.matrix import DIGESTS, REFRESH, SETUP, Outcome, Victim, outcome_of, table
from tests.webhook_receiver import Receiver


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with Receiver(tmp_path_factory.mktemp("receiver")) as running:
        yield running


@pytest.fixture(scope="module")
def prepared(serve: Serve, forge: Forge, receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(serve, forge, receiver, tmp_path_factory.mktemp("prepared") / "data")


pytestmark = pytest.mark.timeout(900)  # a victim's fixture waits longer than a lease lasts

VICTIMS = tuple(Victim) if "EVERYBODY" in os.environ else (Victim.EVERYTHING, Victim.FUNCTIONS)


@pytest.fixture(scope="module", params=VICTIMS, ids=lambda victim: victim.name.lower())
def victim(request: pytest.FixtureRequest) -> Victim:
    return Victim(request.param)


@pytest.fixture(scope="module")
def after(
    victim: Victim, serve: Serve, prepared: Prepared, receiver: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> After:
    if not Path("/proc").exists():
        pytest.skip("looks for processes in /proc")
    return strike(victim, serve, prepared, receiver, tmp_path_factory.mktemp("struck"))


def test_a_job_comes_to_its_end_wherever_it_was(after: After, victim: Victim) -> None:
    expected = {point: 1 if outcome_of(point, victim) is Outcome.GOES_ON else 2 for point in (*SETUP, *REFRESH)}

    assert {point: after.status[point]["attempt"] for point in expected} == expected
    assert {after.status[point]["status"] for point in expected} == {"ready"}


def test_histories_are_whole_and_the_former_one_is_shown_until_then(after: After) -> None:
    assert after.commits == {name: COMMITS + (name in REFRESH) for name in after.status}
    assert after.meanwhile == {point: COMMITS + point.endswith("-done") for point in REFRESH}


def test_a_digest_is_told_and_told_again_only_by_the_same_id(after: After, victim: Victim) -> None:
    assert {point: len(after.told[point]) for point in DIGESTS} == dict.fromkeys(DIGESTS, 1)
    for point in DIGESTS:
        most = 1 if outcome_of(point, victim) is Outcome.ONCE else 2
        assert 1 <= after.told[point].total() <= most, point


def test_the_end_of_a_setup_is_one_alert(after: After) -> None:
    assert after.finished == dict.fromkeys(after.status, 1)


def test_what_people_wrote_meanwhile_is_there(after: After) -> None:
    assert after.acknowledged > 0
    assert list(after.lost) == []


def test_nothing_is_left_behind(after: After) -> None:
    assert (list(after.left), list(after.scratch), after.open_messages) == ([], [], 0)


def test_the_runbook_has_the_table() -> None:
    assert table() in (lifeline.ROOT / "docs/runbook.md").read_text()
