"""A job from the add to its end, and the ways in which attempts fail."""

from tasks.analysis import Job, JobResult
from tests.integration.jobs.harness import Harness
from watchlist import limits
from watchlist.errors import ErrorCode, JobError


def unreachable(_: Job) -> JobResult:
    raise JobError(ErrorCode.HOST_UNREACHABLE, "The host does not answer.")


def test_an_added_repository_becomes_ready_by_one_task_and_leaves_no_message(service: Harness) -> None:
    watchlist_id = service.add()

    service.settle()

    status = service.status(watchlist_id)
    assert (status["status"], status["attempt"], status["last_error"]) == ("ready", 1, None)
    assert len(service.ecs.tasks) == 1
    assert service.dead_letters() == []


def test_a_job_that_fails_three_times_is_failed_and_its_message_is_in_the_dead_letter_queue(service: Harness) -> None:
    watchlist_id = service.add()

    service.settle(unreachable)

    status = service.status(watchlist_id)
    assert (status["status"], status["attempt"]) == ("failed", limits.MAX_ATTEMPTS)
    assert status["last_error"]["code"] == "host_unreachable"
    assert len(service.ecs.tasks) == limits.MAX_ATTEMPTS
    (dead,) = service.dead_letters()
    assert dead.watchlist_id == watchlist_id
