"""Entries that nobody looks after any more are found, and no entry stays `processing` past the bound."""

import pytest

from local_service.aws.faults import Fault
from tasks.analysis import Job, JobResult
from tests.integration.aws import Aws
from tests.integration.jobs.harness import Harness
from watchlist import limits
from watchlist.errors import ErrorCode, JobError
from watchlist.job_kinds import JobKind
from watchlist.jobs import protocol as job_protocol
from watchlist.jobs.protocol import Lease
from watchlist.jobs.stopped_tasks import launch_of
from watchlist.states import Stage
from watchlist.storage.records import Entry

NOTHING = {"recovered": 0, "overdue": 0}
BOUND = limits.PROCESSING_BOUND + limits.RECONCILE_INTERVAL


def claimed(service: Harness) -> tuple[str, Lease]:
    watchlist_id = service.add()
    service.dispatch()
    service.ran += 1
    lease, _ = Lease.claim(launch_of(service.ecs.tasks[-1]), limits.LEASE, service.clock.now())
    return watchlist_id, lease


def lose_messages(service: Harness) -> None:
    service.lapse()
    for message in service.receive():
        service.sqs.delete_message(QueueUrl=service.queue_url(), ReceiptHandle=message["ReceiptHandle"])


def test_a_job_at_work_is_left_alone(service: Harness) -> None:
    _, lease = claimed(service)
    service.clock.advance(limits.LEASE / 2)
    lease.extend(service.clock.now())
    service.clock.advance(limits.LEASE / 2)

    assert service.reconcile() == NOTHING


def test_a_job_whose_worker_fell_silent_is_tried_again(service: Harness) -> None:
    watchlist_id, _ = claimed(service)
    service.clock.advance(limits.LEASE)

    assert service.reconcile()["recovered"] == 1
    status = service.status(watchlist_id)
    assert (status["attempt"], status["last_error"]["code"]) == (1, "worker_lost")
    assert service.reconcile() == NOTHING
    service.settle()

    status = service.status(watchlist_id)
    assert (status["status"], status["attempt"]) == ("ready", 2)
    assert len(service.ecs.tasks) == 2


def test_a_task_that_never_started_is_tried_again(service: Harness) -> None:
    watchlist_id = service.add()
    service.dispatch()
    service.ran = 1
    lose_messages(service)
    service.clock.advance(limits.LAUNCH_TIMEOUT)

    assert service.reconcile()["recovered"] == 1
    assert service.status(watchlist_id)["last_error"]["code"] == "worker_not_started"
    service.settle()

    assert service.status(watchlist_id)["attempt"] == 2


def test_a_job_whose_last_worker_fell_silent_is_failed(service: Harness) -> None:
    watchlist_id = service.add()
    for number in range(limits.MAX_ATTEMPTS):
        while len(service.ecs.tasks) == number:
            service.lapse()
            service.dispatch()
        Lease.claim(launch_of(service.ecs.tasks[-1]), limits.LEASE, service.clock.now())
        service.clock.advance(limits.LEASE)

    assert service.reconcile()["recovered"] == 1

    status = service.status(watchlist_id)
    assert (status["status"], status["attempt"], status["last_error"]["code"]) == ("failed", 3, "worker_lost")
    service.ran = limits.MAX_ATTEMPTS
    service.settle()
    assert [dead.watchlist_id for dead in service.dead_letters()] == [watchlist_id]


def test_a_job_between_two_attempts_whose_message_was_lost_is_queued_again(service: Harness) -> None:
    watchlist_id, lease = claimed(service)
    lease.fail(JobError(ErrorCode.HOST_ERROR, "broken"), Stage.CLONING, service.clock.now())
    lose_messages(service)
    assert service.reconcile() == NOTHING

    service.clock.advance(limits.QUEUE_TIMEOUT)
    assert service.reconcile()["recovered"] == 1
    service.settle()

    status = service.status(watchlist_id)
    assert (status["status"], status["attempt"]) == ("ready", 2)


def test_a_queued_job_is_not_queued_again_and_again_while_the_dispatcher_stands_still(service: Harness) -> None:
    service.add()
    service.clock.advance(limits.SEND_TIMEOUT)
    assert service.reconcile()["recovered"] == 1

    for _ in range(3):
        service.clock.advance(limits.RECONCILE_INTERVAL)
        assert service.reconcile() == NOTHING

    assert service.depth() == 2


def test_a_finished_job_whose_message_was_not_deleted_is_left_to_the_dispatcher_to_drop(service: Harness) -> None:
    watchlist_id, lease = claimed(service)
    lease.complete({}, service.clock.now())
    service.clock.advance(BOUND)
    assert service.reconcile() == NOTHING

    service.settle()

    assert service.depth() == 0
    assert service.status(watchlist_id)["status"] == "ready"


def test_a_job_that_is_postponed_again_and_again_is_failed_at_the_bound(service: Harness) -> None:
    watchlist_id = service.add()
    end = service.clock.now() + limits.PROCESSING_BOUND
    capacity = {"reason": "Capacity is unavailable at this time. Please try again later"}
    while service.clock.now() < end:
        assert service.status(watchlist_id)["status"] == "processing"
        service.ecs.refusals.append(capacity)
        service.dispatch()
        service.reconcile()
        service.clock.advance(limits.PROCESSING_BOUND / 20)

    assert service.reconcile()["overdue"] == 1

    status = service.status(watchlist_id)
    assert (status["status"], status["last_error"]["code"]) == ("failed", "processing_timed_out")
    service.settle()
    assert service.ecs.tasks == []
    assert service.dead_letters() == []


def test_a_job_that_works_on_past_the_bound_is_failed_however_lively_it_is(service: Harness) -> None:
    watchlist_id, lease = claimed(service)
    for _ in range(6):
        service.clock.advance(limits.PROCESSING_BOUND / 6)
        lease.extend(service.clock.now())

    assert service.reconcile()["overdue"] == 1

    with pytest.raises(job_protocol.SupersededError):
        lease.extend(service.clock.now())
    assert service.status(watchlist_id)["status"] == "failed"


@pytest.mark.parametrize("stuck_in", ["no message", "launched", "claimed", "retrying", "retried"])
def test_every_entry_leaves_processing_within_the_bound_wherever_it_is_stuck(service: Harness, stuck_in: str) -> None:
    """No dispatcher, no task and no event comes by again: only the reconciler runs."""
    watchlist_id = service.add()
    if stuck_in != "no message":
        service.dispatch()
    if stuck_in in {"claimed", "retrying", "retried"}:
        lease, _ = Lease.claim(launch_of(service.ecs.tasks[-1]), limits.LEASE, service.clock.now())
        if stuck_in != "claimed":
            error = ErrorCode.HOST_ERROR if stuck_in == "retrying" else ErrorCode.REPOSITORY_NOT_FOUND
            lease.fail(JobError(error, "broken"), Stage.CLONING, service.clock.now())
    if stuck_in == "retried":
        service.retry(watchlist_id)
    lose_messages(service)
    runs = 10

    for _ in range(runs):
        service.clock.advance(BOUND / runs)
        service.reconcile()
        lose_messages(service)

    assert service.status(watchlist_id)["status"] == "failed"
    assert service.status(watchlist_id)["last_error"] is not None


def test_one_entry_that_cannot_be_served_does_not_hinder_the_others(service: Harness) -> None:
    broken, sound = service.add("https://github.com/a/broken"), service.add("https://github.com/a/sound")
    Entry(broken, "ENTRY").update(actions=[Entry.job_state.set("no-such-state")])
    lose_messages(service)
    service.clock.advance(limits.SEND_TIMEOUT)

    with pytest.raises(ExceptionGroup):
        service.reconcile()

    (message,) = service.receive()
    assert sound in message["Body"]


def test_a_copy_that_cannot_be_sent_now_is_sent_by_a_later_run(service: Harness, aws: Aws) -> None:
    watchlist_id = service.add()
    lose_messages(service)
    service.clock.advance(limits.SEND_TIMEOUT)
    aws.server.inject(Fault(service="sqs", operation="SendMessage"))
    with pytest.raises(ExceptionGroup):
        service.reconcile()
    aws.server.inject()

    service.clock.advance(limits.SEND_TIMEOUT)
    assert service.reconcile()["recovered"] == 1
    service.settle()

    assert service.status(watchlist_id)["status"] == "ready"


def test_a_retry_whose_message_cannot_be_sent_is_sent_by_the_reconciler(service: Harness, aws: Aws) -> None:
    watchlist_id = service.add()

    def not_found(_: Job) -> JobResult:
        raise JobError(ErrorCode.REPOSITORY_NOT_FOUND, "The host knows no such repository.")

    service.settle(not_found)
    aws.server.inject(Fault(service="sqs", operation="SendMessage"))
    assert service.retry(watchlist_id).status == 202
    aws.server.inject()
    assert service.depth() == 0

    service.clock.advance(limits.SEND_TIMEOUT)
    service.reconcile()
    service.settle()

    assert service.status(watchlist_id)["status"] == "ready"


def test_it_looks_at_the_jobs_of_every_queue(service: Harness) -> None:
    watchlist_id = service.add()
    Entry(watchlist_id, "ENTRY").update(
        actions=[
            Entry.open_queue.set(JobKind.COMMIT_BACKFILL),
            Entry.job_kind.set(JobKind.COMMIT_BACKFILL),
            Entry.due_at.set(service.clock.now() + 2 * BOUND),
        ]
    )
    service.clock.advance(BOUND)

    assert service.reconcile()["overdue"] == 1
