"""ECS refuses: for a while, which is no attempt, or for good, which is one; and running tasks are bounded."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from local_service.aws.faults import Fault
from tests.integration.aws import Aws
from tests.integration.jobs.harness import Harness, client_error
from watchlist import limits
from watchlist.jobs import task_slots
from watchlist.jobs.protocol import Lease, SupersededError
from watchlist.jobs.queue import JobQueue
from watchlist.jobs.stopped_tasks import launch_of
from watchlist.settings import JobSettings, Settings
from watchlist.states import JobState, Share

TEMPORARY: dict[str, Exception | dict[str, Any]] = {
    "no capacity": {"reason": "Capacity is unavailable at this time. Please try again later or in a different zone"},
    "no resources": {"reason": "RESOURCE:ENI"},
    "throttled": client_error("ThrottlingException", "Rate exceeded"),
    "throttled, hidden": client_error("InvalidParameterException", "No Fargate configuration: Rate exceeded"),
    "server error": client_error("ServerException", "Service Unavailable. Please try again later.", 500),
    "no answer": ReadTimeoutError(endpoint_url="https://ecs.invalid"),
}


@pytest.mark.parametrize("refusal", TEMPORARY.values(), ids=TEMPORARY.keys())
def test_a_temporary_refusal_uses_up_no_attempt_however_often_it_comes(
    service: Harness, refusal: Exception | dict[str, Any]
) -> None:
    watchlist_id = service.add()
    service.ecs.refusals.extend([refusal] * 5)

    service.settle()

    status = service.status(watchlist_id)
    assert (status["status"], status["attempt"]) == ("ready", 1)
    assert len(service.ecs.calls) == 6
    assert service.dead_letters() == []


NO_CAPACITY = "Capacity is unavailable at this time. Please try again later or in a different availability zone"


def test_a_task_that_was_accepted_and_finds_no_capacity_uses_up_no_attempt_however_often(service: Harness) -> None:
    watchlist_id = service.add()
    for number in range(limits.MAX_ATTEMPTS + 2):
        service.lapse()
        service.dispatch()
        service.dispatch()  # a copy, when the receive before was no attempt
        assert len(service.ecs.tasks) == number + 1
        service.stop_task(
            service.ecs.tasks[number], exit_code=None, stopCode="TaskFailedToStart", stoppedReason=NO_CAPACITY
        )
        entry = service.entry(watchlist_id)
        assert (entry.attempt, entry.state, entry.last_error.code) == (0, JobState.RETRYING, "worker_not_started")
        assert entry.pause(service.clock.now()) > timedelta(0)

    service.ran = len(service.ecs.tasks)
    service.settle()

    status = service.status(watchlist_id)
    assert (status["status"], status["attempt"]) == ("ready", 1)
    assert service.dead_letters() == []


def test_a_launch_that_was_put_off_may_not_claim_any_more(service: Harness) -> None:
    service.add()
    service.dispatch()
    (job,) = service.ecs.tasks
    service.stop_task(job, exit_code=None, stopCode="TaskFailedToStart", stoppedReason=NO_CAPACITY)

    with pytest.raises(SupersededError):
        Lease.claim(launch_of(job), limits.LEASE, service.clock.now())


def test_a_postponed_message_waits_about_as_long_as_the_settings_say(service: Harness) -> None:
    service.monkeypatch.setattr(limits, "MAX_DELAY", timedelta(seconds=900))
    service.add()
    service.ecs.refusals.append(TEMPORARY["no capacity"])
    delays = []
    send = JobQueue.send

    def remember(queue: JobQueue, message: Any, delay: timedelta = timedelta(0)) -> str:
        delays.append(delay)
        return send(queue, message, delay)

    service.monkeypatch.setattr(JobQueue, "send", remember)
    service.dispatch()

    (delay,) = delays
    assert timedelta(seconds=30) <= delay <= timedelta(seconds=90)


def test_a_refusal_for_good_uses_up_the_attempts_and_says_why(service: Harness) -> None:
    watchlist_id = service.add()
    service.ecs.refusals.extend([client_error("AccessDeniedException", "not authorized to perform ecs:RunTask")] * 3)

    service.settle()

    status = service.status(watchlist_id)
    assert (status["status"], status["attempt"], status["last_error"]["code"]) == ("failed", 3, "worker_not_started")
    assert status["last_error"]["stage"] == "starting"
    assert "ecs:RunTask" not in status["last_error"]["message"]
    assert len(service.dead_letters()) == 1


def test_each_launch_has_a_token_of_its_own_and_overrides_without_secrets(service: Harness) -> None:
    service.monkeypatch.setenv("GITHUB_TOKEN", "secret-token")
    service.add()
    service.ecs.refusals.append(client_error("AccessDeniedException", "no"))

    service.settle()

    tokens = [call["clientToken"] for call in service.ecs.calls]
    assert len(set(tokens)) == len(tokens) == 2
    assert all(len(token) <= limits.CLIENT_TOKEN_CHARACTERS for token in tokens)
    (override,) = service.ecs.calls[-1]["overrides"]["containerOverrides"]
    replaced = {variable["name"] for variable in override["environment"]}
    assert replaced == set(JobSettings.variables()) - set(Settings.variables())
    assert "secret-token" not in repr(service.ecs.calls)


def test_no_more_tasks_are_launched_than_there_are_slots(service: Harness) -> None:
    for number in range(5):
        service.add(f"https://github.com/a/b{number}")

    for _ in range(4):
        service.dispatch()

    assert len(service.ecs.tasks) == 3
    assert sorted(task.slot for task in service.ecs.tasks) == [0, 1, 2]
    service.settle()
    assert len(service.ecs.tasks) == 5


def test_concurrent_dispatchers_together_stay_within_the_slots(service: Harness) -> None:
    now = service.clock.now()

    def take(number: int) -> int | None:
        return task_slots.take_slot(Share.SETUP, f"owner-{number}", 3, now + limits.LEASE, now)

    with ThreadPoolExecutor(8) as pool:
        taken = [slot for slot in pool.map(take, range(16)) if slot is not None]

    assert sorted(taken) == [0, 1, 2]


def test_refreshes_never_take_the_slots_of_setups(service: Harness) -> None:
    now = service.clock.now()
    for number in range(3):
        task_slots.take_slot(Share.REFRESH, f"owner-{number}", 3, now + limits.LEASE, now)

    assert task_slots.take_slot(Share.SETUP, "setup", 3, now + limits.LEASE, now) is not None


def test_the_slot_of_a_task_that_vanished_lapses(service: Harness) -> None:
    now = service.clock.now()
    assert task_slots.take_slot(Share.SETUP, "vanished", 1, now + limits.LEASE, now) == 0
    assert task_slots.take_slot(Share.SETUP, "next", 1, now + 2 * limits.LEASE, now) is None

    later = now + limits.LEASE
    assert task_slots.take_slot(Share.SETUP, "next", 1, later + limits.LEASE, later) == 0

    assert not task_slots.renew_slot(Share.SETUP, 0, "vanished", later + limits.LEASE, later)
    task_slots.free_slot(Share.SETUP, 0, "vanished")
    assert task_slots.take_slot(Share.SETUP, "third", 1, later + limits.LEASE, later) is None


def test_a_task_whose_slot_lapsed_takes_it_back_if_it_is_free(service: Harness) -> None:
    now = service.clock.now()
    task_slots.take_slot(Share.SETUP, "slow", 1, now + limits.LEASE, now)
    task_slots.free_slot(Share.SETUP, 0, "slow")

    assert task_slots.renew_slot(Share.SETUP, 0, "slow", now + limits.LEASE, now)

    assert task_slots.take_slot(Share.SETUP, "other", 1, now + limits.LEASE, now) is None


def test_a_launch_that_is_tried_again_keeps_its_slot(service: Harness) -> None:
    now = service.clock.now()
    first = task_slots.take_slot(Share.SETUP, "owner", 3, now + limits.LEASE, now)

    assert task_slots.take_slot(Share.SETUP, "owner", 3, now + limits.LEASE, now) == first


def test_a_task_that_was_started_although_ecs_gave_no_answer_does_the_job(service: Harness) -> None:
    watchlist_id = service.add()
    run_task = service.ecs.run_task

    def lose_answer(**call: Any) -> Any:
        run_task(**call)
        raise ReadTimeoutError(endpoint_url="https://ecs.invalid")

    with service.monkeypatch.context() as patch:
        patch.setattr(service.ecs, "run_task", lose_answer)
        service.dispatch()
    assert len(service.ecs.tasks) == 1

    service.run_new_tasks()
    service.settle()

    status = service.status(watchlist_id)
    assert (status["status"], status["attempt"]) == ("ready", 1)
    assert len(service.ecs.tasks) == 1


def test_when_the_copy_cannot_be_sent_the_message_stays(service: Harness, aws: Aws) -> None:
    watchlist_id = service.add()
    service.ecs.refusals.append(TEMPORARY["no capacity"])
    aws.server.inject(Fault(service="sqs", operation="SendMessage"))

    messages = service.receive()
    with pytest.raises(ExceptionGroup):
        service.serve(messages)
    aws.server.inject()

    assert service.depth() == 1
    service.settle()
    assert service.status(watchlist_id)["attempt"] == 1
