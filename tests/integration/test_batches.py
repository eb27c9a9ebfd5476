"""Batches against a DynamoDB that takes only some, asks for fewer requests or fails."""

import time
from datetime import timedelta

import pytest
from pynamodb.exceptions import PynamoDBException

from local_service.aws.faults import Fault
from tests.integration.aws import Aws
from tests.integration.jobs.harness import clean
from watchlist.errors import JobCancelledError
from watchlist.storage import batches
from watchlist.storage.batches import Patience
from watchlist.storage.records import ActivityItem, SegmentRecord

SOON = Patience(timedelta(seconds=5))


@pytest.fixture(autouse=True)
def table(aws: Aws) -> Aws:
    clean(aws.environment, aws.variables)
    return aws


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that are made, those of the SDK included: none is waited for, and they alone move the clock."""
    made: list[float] = []
    monkeypatch.setattr(time, "sleep", made.append)
    monkeypatch.setattr(time, "monotonic", lambda: sum(made))
    return made


def segment(number: int, size: int = 10) -> SegmentRecord:
    return SegmentRecord("watchlist_1", f"SEGMENT#{number:04}", listed=b"x" * size, changes=b"", format=1)


def stored() -> int:
    return len(list(ActivityItem.query("watchlist_1", consistent_read=True)))


def throttle(aws: Aws, operation: str, times: int | None = None) -> None:
    aws.server.inject(Fault(service="dynamodb", operation=operation, harm="throttle", times=times))


def test_what_comes_back_unprocessed_is_written_after_pauses_that_grow(table: Aws, pauses: list[float]) -> None:
    throttle(table, "BatchWriteItem", times=4)
    batches.put([segment(number) for number in range(20)], SOON)
    table.server.inject()
    assert stored() == 20
    assert len(pauses) >= 4
    assert pauses[3] > pauses[0]


def test_what_is_not_read_is_read_again(table: Aws, pauses: list[float]) -> None:
    batches.put([segment(number) for number in range(130)], SOON)
    throttle(table, "BatchGetItem", times=3)
    keys = [("watchlist_1", segment(number).sk) for number in range(140)]
    found = [record.sk for record in batches.get(SegmentRecord, keys, SOON)]
    table.server.inject()
    assert sorted(found) == [segment(number).sk for number in range(130)]
    assert pauses


def test_what_is_not_deleted_is_deleted_again(table: Aws, pauses: list[float]) -> None:
    items = [segment(number) for number in range(60)]
    batches.put(items, SOON)
    throttle(table, "BatchWriteItem", times=3)
    batches.delete(items, SOON)
    table.server.inject()
    assert stored() == 0
    assert pauses


def test_a_table_that_takes_nothing_is_given_up_when_the_patience_ends(table: Aws, pauses: list[float]) -> None:
    throttle(table, "BatchWriteItem")
    with pytest.raises(PynamoDBException):
        batches.put([segment(1)], SOON)
    table.server.inject()
    of_the_last_call = 20
    assert 5 <= sum(pauses) < 5 + of_the_last_call


def test_nothing_is_written_any_more_once_the_lease_is_lost(table: Aws, pauses: list[float]) -> None:
    throttle(table, "BatchWriteItem")
    calls = iter([None, None])

    def check() -> None:
        if next(calls, True):
            raise JobCancelledError

    with pytest.raises(JobCancelledError):
        batches.put([segment(1)], batches.of_job(check))
    table.server.inject()
    assert stored() == 0
    assert pauses


@pytest.mark.usefixtures("pauses")
def test_no_more_than_a_partition_takes_is_written_in_any_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten megabytes."""
    calls: list[tuple[float, int]] = []
    connection = SegmentRecord._get_connection()  # noqa: SLF001 - to see what is sent
    write = connection.batch_write_item

    def recorded(puts: list[dict[str, dict[str, bytes]]], deletes: list[object]) -> object:
        calls.append((time.monotonic(), sum(map(batches.units, puts))))
        return write(puts, deletes)

    monkeypatch.setattr(connection, "batch_write_item", recorded)
    batches.put([segment(number, 200_000) for number in range(50)], SOON)
    assert sum(units for _, units in calls) > 9000
    for at, _ in calls:
        assert sum(units for other, units in calls if at <= other < at + 1) <= 1000


@pytest.mark.parametrize(("size", "units"), [(1, 1), (900, 1), (1024, 2), (100_000, 98)])
def test_an_item_takes_a_unit_for_each_kilobyte_begun(size: int, units: int) -> None:
    assert batches.units(segment(1, size).serialize()) == units
