"""A conditional update knows its own first try, and nobody else's."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from local_service.aws.faults import Fault
from tests.integration.aws import Aws
from tests.integration.jobs.harness import clean
from watchlist.jobs import task_slots
from watchlist.states import Share
from watchlist.storage import rights
from watchlist.storage.records import SchedulerRun, Usage
from watchlist.storage.updates import update

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _nothing_stored(aws: Aws) -> Iterator[None]:
    clean(aws.environment, aws.variables)
    yield
    aws.server.inject()


def lose_an_answer(aws: Aws, operation: str) -> None:
    aws.server.inject(Fault(service="dynamodb", operation=operation, moment="after", times=1))


def usage(user: str = "ada") -> Usage:
    return Usage(Usage.pk_of(user), Usage.sk_of(NOON))


def first(item: Usage, number: int = 1) -> bool:
    return update(item, [Usage.adds.set(number), Usage.type.set(Usage)], Usage.adds.does_not_exist())


def test_a_write_whose_answer_was_lost_is_known_again(aws: Aws) -> None:
    lose_an_answer(aws, "UpdateItem")
    written = usage()

    assert first(written)
    assert written.adds == 1


def test_a_number_that_is_added_although_the_answer_was_lost_is_added_once(aws: Aws) -> None:
    lose_an_answer(aws, "UpdateItem")

    assert update(usage(), [Usage.adds.add(1), Usage.type.set(Usage)], Usage.retries.does_not_exist())

    assert Usage.get(usage().pk, usage().sk).adds == 1


def test_what_somebody_else_has_written_is_not_ones_own(aws: Aws) -> None:
    assert first(usage(), 1)
    assert not first(usage(), 2)
    aws.server.inject(Fault(service="dynamodb", operation="UpdateItem", moment="before", times=1))

    assert not first(usage(), 3), "the first try was not carried out"

    assert Usage.get(usage().pk, usage().sk).adds == 1


def test_a_right_that_was_taken_although_the_answer_was_lost_is_ones_own(aws: Aws) -> None:
    run = SchedulerRun(SchedulerRun.PK, SchedulerRun.SK, owner="me", lapses_at=NOON)
    lose_an_answer(aws, "PutItem")
    assert rights.take(run, NOON.replace(hour=11))
    other = SchedulerRun(SchedulerRun.PK, SchedulerRun.SK, owner="other", lapses_at=NOON)
    assert not rights.take(other, NOON.replace(hour=11))


def test_a_slot_that_was_handed_over_although_the_answer_was_lost_is_the_successor_s(aws: Aws) -> None:
    number = task_slots.take_slot(Share.SETUP, "first", 1, NOON, NOON.replace(hour=11))
    assert number is not None
    lose_an_answer(aws, "PutItem")

    assert task_slots.hand_over(Share.SETUP, number, "first", "second", NOON)
    assert not task_slots.hand_over(Share.SETUP, number, "first", "third", NOON)
