"""The dispatcher can die between any two of its steps: the job is done all the same, and no attempt is lost."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.jobs.harness import Harness, client_error
from tests.integration.recording import Killed
from watchlist import limits
from watchlist.jobs import protocol as job_protocol
from watchlist.jobs import task_slots
from watchlist.jobs.queue import JobQueue

CAPACITY = {"arn": "", "reason": "Capacity is unavailable at this time. Please try again later"}


def die(service: Harness, owner: object, step: str, *, after: bool) -> None:
    """Kill the dispatcher once, before or after `step`."""
    original = getattr(owner, step)
    deaths = [step]

    def dying(*args: Any, **kwargs: Any) -> Any:
        if not deaths:
            return original(*args, **kwargs)
        deaths.pop()
        if after:
            original(*args, **kwargs)
        raise Killed

    service.monkeypatch.setattr(owner, step, dying)


STEPS: list[tuple[Callable[[Harness], object], str]] = [
    (lambda _: job_protocol, "find_entry"),
    (lambda _: job_protocol, "begin_launch"),
    (lambda _: task_slots, "take_slot"),
    (lambda service: service.ecs, "run_task"),
    (lambda _: job_protocol, "record_launch"),
]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("owner", "step"), STEPS, ids=[step for _, step in STEPS])
def test_a_launch_that_breaks_off_is_made_good_without_losing_an_attempt(
    service: Harness, owner: Callable[[Harness], object], step: str, *, after: bool
) -> None:
    watchlist_id = service.add()
    die(service, owner(service), step, after=after)

    service.dispatch()
    service.settle()

    status = service.status(watchlist_id)
    assert (status["status"], status["attempt"]) == ("ready", 1)
    assert service.dead_letters() == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("owner", "step"), [(JobQueue, "send"), (job_protocol, "adopt")], ids=["send", "adopt"])
def test_a_postponement_that_breaks_off_leaves_at_most_a_harmless_duplicate(
    service: Harness, owner: object, step: str, *, after: bool
) -> None:
    watchlist_id = service.add()
    service.ecs.refusals.append(CAPACITY)
    die(service, owner, step, after=after)

    service.dispatch()
    assert service.depth() in {1, 2}
    service.settle()

    status = service.status(watchlist_id)
    assert (status["status"], status["attempt"]) == ("ready", 1)
    assert len(service.ecs.tasks) == 1
    assert service.dead_letters() == []


def test_a_handled_message_does_not_come_back_with_a_batch_that_fails(service: Harness) -> None:
    service.add("https://github.com/pallets/flask")
    service.add("https://github.com/pallets/click")
    service.ecs.refusals += [CAPACITY, RuntimeError("nobody foresaw this")]

    with pytest.raises(ExceptionGroup):
        service.serve(service.receive())

    assert service.depth() == 2  # the copy of the one that was postponed, and the one that could not be served


def test_an_answer_that_lambda_never_gets_leaves_the_task_to_its_work(service: Harness) -> None:
    watchlist_id = service.add()
    service.dispatch_unheard()

    service.settle()

    assert service.status(watchlist_id)["attempt"] == 1
    assert len(service.ecs.tasks) == 1


def test_receives_that_were_lost_do_not_shorten_the_attempts(service: Harness) -> None:
    watchlist_id = service.add()
    for _ in range(2):
        service.receive()  # a dispatcher that died before it did anything
        service.lapse()

    def fail(_: object) -> Any:
        raise client_error("Anything", "unforeseen")

    with contextlib.suppress(Killed):
        service.settle(fail)

    status = service.status(watchlist_id)
    assert (status["status"], status["attempt"]) == ("failed", 3)
    assert [message.watchlist_id for message in service.dead_letters()] == [watchlist_id]


def test_one_message_that_cannot_be_served_does_not_hinder_the_others_of_its_batch(service: Harness) -> None:
    service.add("https://github.com/a/broken")
    service.add("https://github.com/a/sound")
    die_for = "watchlist_a_broken"
    original = job_protocol.find_entry

    def breaking(watchlist_id: str) -> Any:
        if watchlist_id.startswith(die_for):
            raise RuntimeError("unforeseen")
        return original(watchlist_id)

    service.monkeypatch.setattr(job_protocol, "find_entry", breaking)
    messages = service.receive()

    with pytest.raises(ExceptionGroup):
        service.serve(messages)

    assert len(service.ecs.tasks) == 1


def test_a_message_that_is_no_job_ends_in_the_dead_letter_queue_by_itself(service: Harness) -> None:
    service.sqs.send_message(QueueUrl=service.queue_url(), MessageBody="{}")

    for _ in range(limits.MAX_RECEIVES + 1):
        service.dispatch()
        service.lapse()

    assert service.depth() == 0
    assert service.dead_letter_bodies() == ["{}"]
