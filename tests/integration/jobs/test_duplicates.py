"""Duplicated, late and re-ordered messages and events change nothing; a stale worker writes nothing."""

from typing import Any

import pytest

from local_service.aws.faults import Fault
from tasks.analysis import Job, JobResult
from tests.integration.aws import Aws
from tests.integration.jobs.harness import URL, Harness, analysis
from watchlist import limits
from watchlist.errors import ErrorCode, JobCancelledError, JobError
from watchlist.git.package import Package
from watchlist.jobs import protocol as job_protocol
from watchlist.jobs.protocol import Launch, Lease, SupersededError
from watchlist.jobs.stopped_tasks import launch_of
from watchlist.states import JobState, Stage


def unreachable(_: Job) -> JobResult:
    raise JobError(ErrorCode.HOST_UNREACHABLE, "The host does not answer.")


def launched(service: Harness) -> tuple[str, Launch]:
    watchlist_id = service.add()
    service.dispatch()
    return watchlist_id, launch_of(service.ecs.tasks[-1])


def test_of_two_workers_on_one_message_one_works_and_the_other_ends_quietly(service: Harness) -> None:
    watchlist_id, _ = launched(service)
    job = service.ecs.tasks[0]
    worked = []

    def work(_: Job) -> JobResult:
        worked.append("first")
        service.work(job, lambda _: worked.append("second") or analysis())  # type: ignore[func-returns-value] # append
        return analysis()

    service.work(job, work)

    assert worked == ["first"]
    assert service.status(watchlist_id)["status"] == "ready"


def test_a_redelivery_while_the_task_works_starts_no_other_and_uses_up_no_attempt(service: Harness) -> None:
    watchlist_id, _ = launched(service)

    def work(_: Job) -> JobResult:
        for _attempt in range(5):
            service.lapse()
            service.dispatch()
        return analysis()

    service.work(service.ecs.tasks[0], work)
    service.settle()

    status = service.status(watchlist_id)
    assert (status["status"], status["attempt"]) == ("ready", 1)
    assert len(service.ecs.tasks) == 1
    assert service.dead_letters() == []


def test_a_redelivery_before_the_task_has_claimed_starts_no_other(service: Harness) -> None:
    watchlist_id, _ = launched(service)

    for _ in range(5):
        service.lapse()
        service.dispatch()
    service.settle()

    status = service.status(watchlist_id)
    assert (status["status"], status["attempt"]) == ("ready", 1)
    assert len(service.ecs.tasks) == 1


def test_a_task_whose_message_was_redelivered_can_still_fail_and_be_followed_by_the_next_attempt(
    service: Harness,
) -> None:
    watchlist_id, _ = launched(service)

    def work(job: Job) -> JobResult:
        service.lapse()
        service.dispatch()
        return unreachable(job)

    service.work(service.ecs.tasks[0], work)
    service.ran = 1
    service.settle()

    status = service.status(watchlist_id)
    assert (status["status"], status["attempt"]) == ("ready", 2)


def test_a_late_duplicate_of_a_finished_job_is_dropped(service: Harness) -> None:
    watchlist_id = service.add()
    (message,) = service.receive()
    service.serve([message])
    service.sqs.send_message(QueueUrl=service.queue_url(), MessageBody=message["Body"])
    service.work(service.ecs.tasks[0])
    before = service.entry(watchlist_id).serialize()

    service.settle()

    assert service.entry(watchlist_id).serialize() == before
    assert len(service.ecs.tasks) == 1
    assert service.depth() == 0
    assert service.dead_letters() == []


def test_a_result_whose_message_could_not_be_deleted_stands_and_the_message_is_dropped(
    service: Harness, aws: Aws
) -> None:
    watchlist_id, _ = launched(service)
    aws.server.inject(Fault(service="sqs", operation="DeleteMessage"))

    service.work(service.ecs.tasks[0])

    aws.server.inject()
    assert service.status(watchlist_id)["status"] == "ready"
    assert service.depth() == 1
    service.lapse()
    service.settle()
    assert len(service.ecs.tasks) == 1
    assert service.dead_letters() == []


def test_copies_of_a_message_that_overtake_it_are_what_counts(service: Harness) -> None:
    watchlist_id = service.add()
    (message,) = service.receive()
    entry = service.entry(watchlist_id)
    copy = job_protocol.message_of(entry).copy_for_later()
    service.sqs.send_message(QueueUrl=service.queue_url(), MessageBody=copy.model_dump_json())
    (overtaking,) = service.receive()

    service.serve([overtaking])
    service.serve([message])
    service.settle()

    status = service.status(watchlist_id)
    assert (status["status"], status["attempt"]) == ("ready", 1)
    assert len(service.ecs.tasks) == 1


def test_a_worker_of_an_old_generation_changes_nothing(service: Harness) -> None:
    watchlist_id, launch = launched(service)
    lease, _ = Lease.claim(launch, limits.LEASE, service.clock.now())
    service.clock.advance(limits.PROCESSING_BOUND)
    service.reconcile()
    service.retry(watchlist_id)
    before = service.entry(watchlist_id).serialize()

    assert_writes_nothing(lease, service)
    with pytest.raises(SupersededError):
        Lease.claim(launch, limits.LEASE, service.clock.now())

    assert service.entry(watchlist_id).serialize() == before


def test_a_worker_that_lost_its_lease_to_the_next_attempt_changes_nothing(service: Harness) -> None:
    watchlist_id, launch = launched(service)
    lease, _ = Lease.claim(launch, limits.LEASE, service.clock.now())
    service.clock.advance(limits.LEASE)
    service.lapse()
    while len(service.ecs.tasks) < 2:
        service.dispatch()
    second, _ = Lease.claim(launch_of(service.ecs.tasks[1]), limits.LEASE, service.clock.now())
    before = service.entry(watchlist_id).serialize()
    assert (before["attempt"], service.entry(watchlist_id).last_error.code) == ({"N": "2"}, "worker_lost")

    assert_writes_nothing(lease, service)

    assert service.entry(watchlist_id).serialize() == before
    second.extend(service.clock.now())


def assert_writes_nothing(lease: Lease, service: Harness) -> None:
    now = service.clock.now()
    error = JobError(ErrorCode.HOST_ERROR, "stale")
    hopeless = JobError(ErrorCode.REPOSITORY_NOT_FOUND, "stale")
    writes: list[Any] = [
        lambda: lease.extend(now),
        lambda: lease.report(Stage.CLONING, 1, 2),
        lambda: lease.describe(Package(name="stale", url=URL), "stale"),
        lambda: lease.complete({"commits": 1}, now),
        lambda: lease.fail(error, Stage.CLONING, now),
        lambda: lease.fail(hopeless, Stage.CLONING, now),
        lambda: lease.give_back(error, Stage.CLONING, now, now),
    ]
    for write in writes:
        with pytest.raises(SupersededError):
            write()


def test_nothing_is_written_for_a_message_of_an_old_generation(service: Harness) -> None:
    watchlist_id, launch = launched(service)
    old = service.entry(watchlist_id)
    service.clock.advance(limits.PROCESSING_BOUND)
    service.reconcile()
    service.retry(watchlist_id)
    before, now = service.entry(watchlist_id).serialize(), service.clock.now()
    late = Launch(launch.message.copy_for_later(), "late", 1, 1)
    error = JobError(ErrorCode.WORKER_LOST, "stale")

    writes: list[Any] = [
        lambda: job_protocol.adopt(late.message, "late", now),
        lambda: job_protocol.begin_launch(late, now),
        lambda: job_protocol.record_launch(late, "arn", now),
        lambda: job_protocol.record_unstarted(launch, error, now),
        lambda: job_protocol.record_lost(old, error, now),
        lambda: job_protocol.record_timed_out(old, error, now),
        lambda: job_protocol.remember_dead_letter(launch.message, "late"),
        lambda: job_protocol.requeue(old, now),
    ]
    for write in writes:
        with pytest.raises(SupersededError):
            write()

    assert service.entry(watchlist_id).serialize() == before


def test_a_launch_is_not_begun_while_a_task_holds_the_entry(service: Harness) -> None:
    watchlist_id, launch = launched(service)
    Lease.claim(launch, limits.LEASE, service.clock.now())
    before = service.entry(watchlist_id).serialize()

    for attempt in (1, 2, 3):
        with pytest.raises(SupersededError):
            job_protocol.begin_launch(Launch(launch.message, "other", 1, attempt), service.clock.now())

    assert service.entry(watchlist_id).serialize() == before


def test_a_task_that_is_started_again_after_its_attempt_failed_does_nothing(service: Harness) -> None:
    watchlist_id, _ = launched(service)
    service.work(service.ecs.tasks[0], unreachable)
    before = service.entry(watchlist_id).serialize()

    service.work(service.ecs.tasks[0])

    assert service.entry(watchlist_id).serialize() == before


def test_a_result_that_could_not_be_written_leaves_the_message(service: Harness, aws: Aws) -> None:
    watchlist_id, _ = launched(service)
    aws.server.inject(Fault(service="dynamodb", operation="TransactWriteItems"))

    service.work(service.ecs.tasks[0])

    aws.server.inject()
    assert service.depth() == 1
    status = service.status(watchlist_id)
    assert (status["status"], status["last_error"]["code"]) == ("processing", "storage_unavailable")
    service.ran = 1
    service.settle()
    assert service.status(watchlist_id)["status"] == "ready"


def test_a_claim_whose_answer_was_lost_is_not_taken_for_somebody_elses(service: Harness, aws: Aws) -> None:
    watchlist_id, _ = launched(service)
    aws.server.inject(Fault(service="dynamodb", operation="UpdateItem", moment="after", times=1))

    service.work(service.ecs.tasks[0])

    assert service.status(watchlist_id)["status"] == "ready"


def test_a_worker_that_was_overtaken_is_cancelled_at_its_next_report(service: Harness) -> None:
    watchlist_id, _ = launched(service)
    reached = []

    def work(job: Job) -> JobResult:
        service.clock.advance(limits.LEASE)
        service.reconcile()
        with pytest.raises(JobCancelledError):
            job.report(Stage.CLONING)
        reached.append(1)
        raise JobCancelledError

    service.work(service.ecs.tasks[0], work)

    assert reached
    entry = service.entry(watchlist_id)
    assert (entry.state, entry.last_error.code) == (JobState.RETRYING, "worker_lost")


def test_a_stop_event_explains_the_attempt_and_hands_the_message_back_at_once(service: Harness) -> None:
    watchlist_id, launch = launched(service)
    Lease.claim(launch, limits.LEASE, service.clock.now())

    service.stop_task(
        service.ecs.tasks[0],
        containers=[
            {"name": "job", "exitCode": 137, "reason": "OutOfMemoryError: Container killed due to memory usage"}
        ],
    )

    status = service.status(watchlist_id)
    assert (status["status"], status["attempt"], status["last_error"]["code"]) == ("processing", 1, "out_of_memory")
    assert status["next_attempt_at"] is not None
    assert len(service.receive()) == 1


def test_stop_events_that_come_twice_count_once(service: Harness) -> None:
    watchlist_id, launch = launched(service)
    Lease.claim(launch, limits.LEASE, service.clock.now())
    service.stop_task(service.ecs.tasks[0], exit_code=1)
    before = service.entry(watchlist_id).serialize()

    service.stop_task(service.ecs.tasks[0], exit_code=1)

    assert service.entry(watchlist_id).serialize() == before


def test_a_stop_event_of_an_earlier_attempt_does_not_touch_a_later_one(service: Harness) -> None:
    watchlist_id, _ = launched(service)
    service.work(service.ecs.tasks[0], unreachable)
    service.dispatch()
    assert len(service.ecs.tasks) == 2
    before = service.entry(watchlist_id).serialize()

    service.stop_task(service.ecs.tasks[0], exit_code=1)
    assert service.entry(watchlist_id).serialize() == before
    Lease.claim(launch_of(service.ecs.tasks[1]), limits.LEASE, service.clock.now())
    before = service.entry(watchlist_id).serialize()
    service.stop_task(service.ecs.tasks[0], exit_code=1)

    assert service.entry(watchlist_id).serialize() == before


def test_a_stop_event_of_a_task_that_gave_its_attempt_back_does_not_use_it_up(service: Harness) -> None:
    watchlist_id, launch = launched(service)
    lease, _ = Lease.claim(launch, limits.LEASE, service.clock.now())
    error = JobError(ErrorCode.WORKER_INTERRUPTED, "asked to stop")
    lease.give_back(error, Stage.CLONING, service.clock.now(), service.clock.now())
    before = service.entry(watchlist_id).serialize()

    service.stop_task(service.ecs.tasks[0], exit_code=137)
    assert service.entry(watchlist_id).serialize() == before
    service.lapse()
    service.dispatch()
    service.dispatch()
    assert [task.attempt for task in service.ecs.tasks] == [1, 1]
    before = service.entry(watchlist_id).serialize()
    service.stop_task(service.ecs.tasks[0], exit_code=137)

    assert service.entry(watchlist_id).serialize() == before


def test_a_stop_event_that_comes_before_the_launch_is_recorded_counts_the_attempt_once(service: Harness) -> None:
    watchlist_id = service.add()
    run_task = service.ecs.run_task

    def run_and_stop(**call: Any) -> Any:
        response = run_task(**call)
        service.stop_task(service.ecs.tasks[-1], exit_code=None, stopCode="TaskFailedToStart", stoppedReason="no image")
        return response

    with service.monkeypatch.context() as patch:
        patch.setattr(service.ecs, "run_task", run_and_stop)
        service.dispatch()

    entry = service.entry(watchlist_id)
    assert (entry.attempt, entry.state, entry.last_error.code) == (1, JobState.RETRYING, "worker_not_started")
    service.ran = 1
    service.settle()
    assert service.status(watchlist_id)["attempt"] == 2


def test_a_stop_event_of_the_last_attempt_fails_the_entry_and_its_message_is_moved(service: Harness) -> None:
    watchlist_id = service.add()
    for number in range(limits.MAX_ATTEMPTS):
        service.dispatch()
        service.stop_task(service.ecs.tasks[number], exit_code=None, stopCode="SpotInterruption")

    status = service.status(watchlist_id)
    assert (status["status"], status["attempt"], status["last_error"]["code"]) == ("failed", 3, "worker_interrupted")
    service.ran = limits.MAX_ATTEMPTS
    service.settle()
    assert len(service.dead_letters()) == 1


def test_a_stop_event_of_a_task_that_was_launched_by_hand_is_ignored(service: Harness) -> None:
    watchlist_id, _ = launched(service)
    before = service.entry(watchlist_id).serialize()

    service.stop_task(service.ecs.tasks[0], exit_code=1, overrides={})

    assert service.entry(watchlist_id).serialize() == before


def test_a_stop_event_after_a_good_end_changes_nothing(service: Harness) -> None:
    watchlist_id, _ = launched(service)
    service.work(service.ecs.tasks[0])
    before = service.entry(watchlist_id).serialize()

    service.stop_task(service.ecs.tasks[0], exit_code=0)
    service.stop_task(service.ecs.tasks[0], exit_code=137)

    assert service.entry(watchlist_id).serialize() == before


def test_a_stop_event_of_a_removed_entry_changes_nothing(service: Harness) -> None:
    watchlist_id, _ = launched(service)
    service.entry(watchlist_id).delete()

    service.stop_task(service.ecs.tasks[0], exit_code=1)

    assert job_protocol.find_entry(watchlist_id) is None
