"""The dead-letter queue holds exactly the jobs that used up their attempts, and a redrive starts them anew."""

import json

import pytest

from tasks.analysis import Job, JobResult
from tests.integration.jobs.harness import Harness, analysis
from watchlist.errors import ErrorCode, JobError


def unreachable(_: Job) -> JobResult:
    raise JobError(ErrorCode.HOST_UNREACHABLE, "The host does not answer.")


def not_found(_: Job) -> JobResult:
    raise JobError(ErrorCode.REPOSITORY_NOT_FOUND, "The host knows no such repository.")


def test_a_job_that_nobody_can_help_is_failed_at_once_and_bothers_no_operator(service: Harness) -> None:
    watchlist_id = service.add()

    service.settle(not_found)

    status = service.status(watchlist_id)
    assert (status["status"], status["attempt"], status["last_error"]["code"]) == ("failed", 1, "repository_not_found")
    assert status["last_error"]["retryable"] is False
    assert service.dead_letters() == []


@pytest.mark.parametrize("postponed", [1, 2, 3])
def test_a_message_with_receives_left_over_ends_in_the_dead_letter_queue_too(service: Harness, postponed: int) -> None:
    watchlist_id = service.add()
    capacity = {"reason": "Capacity is unavailable at this time. Please try again later"}
    failures = []

    def fail(job: Job) -> JobResult:
        failures.append(1)
        if len(failures) == postponed:
            service.ecs.refusals.append(capacity)  # the next launch goes into a copy, whose receives start at one
        return unreachable(job)

    service.settle(fail)

    assert len(failures) == 3
    (dead,) = service.dead_letters()
    assert dead.watchlist_id == watchlist_id
    assert service.depth() == 0


def test_exactly_the_exhausted_jobs_end_in_the_dead_letter_queue(service: Harness) -> None:
    exhausted, sound, hopeless = (service.add(f"https://github.com/a/{name}") for name in ("exhausted", "ok", "gone"))
    service.dispatch()
    outcomes = {exhausted: unreachable, sound: lambda _: analysis(), hopeless: not_found}

    while service.depth():
        while service.ran < len(service.ecs.tasks):
            job = service.ecs.tasks[service.ran]
            service.ran += 1
            service.work(job, outcomes[json.loads(job.job_message)["watchlist_id"]])
        service.lapse()
        service.dispatch()

    assert [service.status(each)["status"] for each in (exhausted, sound, hopeless)] == ["failed", "ready", "failed"]
    assert [dead.watchlist_id for dead in service.dead_letters()] == [exhausted]


def test_redriving_a_job_of_the_current_generation_runs_it_again_with_all_attempts(service: Harness) -> None:
    watchlist_id = service.add()
    service.settle(unreachable)

    assert service.redrive() == 1
    service.settle()

    entry = service.entry(watchlist_id)
    assert (entry.status, entry.generation, entry.attempt) == ("ready", 2, 1)
    assert service.dead_letters() == []


def test_a_redriven_job_that_fails_again_is_in_the_dead_letter_queue_once(service: Harness) -> None:
    watchlist_id = service.add()
    service.settle(unreachable)

    service.redrive()
    service.settle(unreachable)

    (dead,) = service.dead_letters()
    assert (dead.watchlist_id, dead.generation) == (watchlist_id, 2)


def test_redriving_a_job_of_an_old_generation_changes_nothing(service: Harness) -> None:
    watchlist_id = service.add()
    service.settle(unreachable)
    assert service.retry(watchlist_id).status == 202
    service.settle()
    tasks = len(service.ecs.tasks)

    assert service.redrive() == 1
    service.settle()

    entry = service.entry(watchlist_id)
    assert (entry.status, entry.generation) == ("ready", 2)
    assert len(service.ecs.tasks) == tasks
    assert service.dead_letters() == []


def test_a_late_twin_of_the_message_that_failed_does_not_revive_the_job(service: Harness) -> None:
    """SQS can have taken a message twice when an answer was lost; the twin has the same body and another id."""
    watchlist_id = service.add()
    (message,) = service.receive()
    service.sqs.send_message(QueueUrl=service.queue_url(), MessageBody=message["Body"])
    (twin,) = service.receive()
    service.serve([message])
    while service.status(watchlist_id)["status"] == "processing":
        service.run_new_tasks(unreachable)
        service.dispatch()
    tasks = len(service.ecs.tasks)

    service.serve([twin])
    service.settle()

    assert service.status(watchlist_id)["status"] == "failed"
    assert len(service.ecs.tasks) == tasks == 3
    assert len(service.dead_letters()) == 1


def test_a_retry_by_the_api_is_refused_unless_the_entry_is_failed(service: Harness) -> None:
    watchlist_id = service.add()
    assert service.retry(watchlist_id).status == 409
    service.settle()
    assert service.retry(watchlist_id).status == 409
    assert service.retry("watchlist_no_such_1").status == 404
    assert service.entry(watchlist_id).generation == 1


def test_a_retry_by_the_api_starts_over_with_all_attempts(service: Harness) -> None:
    watchlist_id = service.add()
    service.settle(not_found)

    response = service.retry(watchlist_id)

    assert (response.status, json.loads(response.body)["status"]) == (202, "processing")
    assert service.status(watchlist_id)["attempt"] == 0
    service.settle()
    status = service.status(watchlist_id)
    assert (status["status"], status["last_error"], status["attempt"]) == ("ready", None, 1)
