"""A task that has lost its lease changes nothing, whatever it still writes."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.integration.checks.harness import Watchlist
from watchlist import clock
from watchlist.errors import ErrorCode, JobError
from watchlist.git.package import Package
from watchlist.jobs import protocol as job_protocol
from watchlist.jobs.protocol import Lease, SupersededError
from watchlist.states import Stage
from watchlist.storage.records import Entry
from watchlist.watching import entries

ERROR = JobError(ErrorCode.HOST_ERROR, "Trouble.")
MANIFEST = {"format": 1, "segments": [["1.1.a", 1, 0, 0]]}

WRITES: dict[str, Callable[[Lease], object]] = {
    "extend": lambda lease: lease.extend(clock.now()),
    "report": lambda lease: lease.report(Stage.ANALYZING, 1, 2),
    "describe": lambda lease: lease.describe(Package(name="owner/name", url="https://example.org"), "main"),
    "publish": lambda lease: lease.publish(MANIFEST),
    "complete": lambda lease: lease.complete({"manifest": MANIFEST}, clock.now()),
    "fail": lambda lease: lease.fail(ERROR, Stage.ANALYZING, clock.now()),
    "give_back": lambda lease: lease.give_back(ERROR, Stage.ANALYZING, clock.now(), clock.now() + timedelta(minutes=1)),
}


READS_FIRST: dict[str, Callable[[Lease], object]] = {
    "complete": WRITES["complete"],
    "fail for good": lambda lease: lease.fail(
        JobError(ErrorCode.REPOSITORY_NOT_FOUND, "Gone."), Stage.CLONING, clock.now()
    ),
}


def test_every_write_of_a_lease_is_here() -> None:
    public = {name for name, value in vars(Lease).items() if callable(value) and not name.startswith("_")}
    assert public == set(WRITES)


@pytest.mark.parametrize("write", WRITES)
def test_a_task_whose_lease_was_taken_away_changes_nothing(watchlist: Watchlist, write: str) -> None:
    lease = watchlist.claim(watchlist.add("taken-away"))
    entry = entries.find(lease.launch.message.watchlist_id)
    job_protocol.record_lost(entry, JobError(ErrorCode.WORKER_LOST, "Silent."), clock.now())
    before = entries.find(entry.watchlist_id).serialize()
    with pytest.raises(SupersededError):
        WRITES[write](lease)
    assert entries.find(entry.watchlist_id).serialize() == before


@pytest.mark.parametrize("write", WRITES)
def test_a_task_that_holds_its_lease_does_change_something(watchlist: Watchlist, write: str) -> None:
    lease = watchlist.claim(watchlist.add("held"))
    before = entries.find(lease.launch.message.watchlist_id).serialize()
    WRITES[write](lease)
    assert entries.find(lease.launch.message.watchlist_id).serialize() != before


@pytest.mark.parametrize("write", READS_FIRST)
def test_a_lease_that_is_taken_away_between_a_read_and_its_write_changes_nothing(
    watchlist: Watchlist, monkeypatch: pytest.MonkeyPatch, write: str
) -> None:
    lease = watchlist.claim(watchlist.add("taken-away"))
    find, after = job_protocol.find_entry, []

    def found_a_moment_ago(watchlist_id: str) -> Entry | None:
        entry = find(watchlist_id)
        monkeypatch.setattr(job_protocol, "find_entry", find)
        job_protocol.record_lost(entries.find(watchlist_id), JobError(ErrorCode.WORKER_LOST, "Silent."), clock.now())
        after.append(entries.find(watchlist_id).serialize())
        return entry

    monkeypatch.setattr(job_protocol, "find_entry", found_a_moment_ago)
    with pytest.raises(SupersededError):
        READS_FIRST[write](lease)
    assert [entries.find(lease.launch.message.watchlist_id).serialize()] == after
