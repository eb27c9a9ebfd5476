"""Jobs for which no task may start wait in line: oldest first, users in turn, nothing written meanwhile."""

from datetime import datetime

import pytest

from local_service.aws.faults import Fault
from tasks.analysis import Job, JobResult
from tests.integration.aws import Aws
from tests.integration.jobs.harness import SLOTS, Harness, analysis, client_error
from watchlist import limits
from watchlist.job_kinds import JobKind
from watchlist.jobs import line, task_slots, waiting
from watchlist.jobs import protocol as job_protocol
from watchlist.jobs.message import JobMessage
from watchlist.jobs.stopped_tasks import launch_of
from watchlist.settings import JobSettings
from watchlist.states import JobState, Share
from watchlist.storage.records import Entry, as_key
from watchlist.watching.entries import user_watchlist_id_of

NO_CAPACITY = {"reason": "Capacity is unavailable at this time."}


def name_of(task: JobSettings) -> str:
    entry = job_protocol.find_entry(JobMessage.model_validate_json(task.job_message).watchlist_id)
    assert entry is not None
    return str(entry.name)


def end_one_task(service: Harness) -> None:
    """Let the oldest running task do its job, and the dispatcher see what that sets going."""
    task = service.ecs.tasks[service.ran]
    service.ran += 1
    service.work(task)
    service.dispatch()


def test_a_freed_slot_goes_to_the_job_that_waits_longest_and_users_take_turns(service: Harness) -> None:
    service.fill()
    service.add_all("a1", "a2", "a3", "a4", user="ada")
    service.add_all("b1", user="bob")
    service.add_all("c1", user="cyd")

    for _ in range(6):
        end_one_task(service)

    order = [name_of(task) for task in service.ecs.tasks[SLOTS:]]
    by_user = {user: [name for name in order if name.startswith(user)] for user in "abc"}
    assert by_user["a"] == ["a1", "a2", "a3", "a4"]
    assert set(order[:3]) == {"a1", "b1", "c1"}
    assert order[3:] == ["a2", "a3", "a4"]


def test_a_newcomer_does_not_overtake_who_waits_though_a_slot_is_free(service: Harness) -> None:
    service.fill()
    service.add_all("waits")
    vanished = service.ecs.tasks[0]
    task_slots.free_slot(Share.SETUP, vanished.slot, launch_of(vanished).owner)  # as if it had lapsed

    (newcomer,) = service.add_all("newcomer")
    service.dispatch()

    assert [name_of(task) for task in service.ecs.tasks[SLOTS:]] == ["waits"]
    assert service.entry(newcomer).waits


def test_nobody_overtakes_a_job_of_the_same_batch_that_the_index_of_the_line_does_not_show_yet(
    service: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.fill()
    running, wait_in_line, stepped_in = service.ecs.tasks[0], job_protocol.wait_in_line, list[str]()

    def wait_while_a_slot_gets_free(message: JobMessage, entry: Entry) -> None:
        wait_in_line(message, entry)
        stepped_in.append(entry.watchlist_id)
        if len(stepped_in) == 1:
            task_slots.free_slot(Share.SETUP, running.slot, launch_of(running).owner)

    monkeypatch.setattr(job_protocol, "wait_in_line", wait_while_a_slot_gets_free)
    monkeypatch.setattr(waiting, "somebody_waits", lambda _: False)
    both = {service.add(f"https://github.com/owner/{name}") for name in ("one", "other")}

    assert service.dispatch() == len(both)

    assert set(stepped_in) == both


def test_a_job_that_waits_has_no_message_and_is_written_by_nobody(service: Harness) -> None:
    service.fill()
    (waiting,) = service.add_all("waits")
    before = service.entry(waiting).serialize()
    assert service.depth() == SLOTS  # those of the running tasks

    for _ in range(3):
        service.clock.advance(limits.SEND_TIMEOUT)
        service.reconcile()
        service.dispatch()

    entry = service.entry(waiting)
    assert entry.serialize() == before
    assert entry.waits
    assert entry.state is JobState.QUEUED
    assert "due_at" not in entry.attribute_values
    assert service.status(waiting)["status"] == "processing"


def test_the_time_in_line_does_not_count_for_the_bound_on_processing(service: Harness) -> None:
    service.fill()
    (waiting,) = service.add_all("waits")
    service.clock.advance(limits.PROCESSING_BOUND * 2)
    service.monkeypatch.setattr(line, "call", lambda *_: 0)
    assert service.reconcile()["overdue"] == SLOTS
    assert service.status(waiting)["status"] == "processing"

    job_protocol.call(service.entry(waiting), service.clock.now())
    service.clock.advance(limits.PROCESSING_BOUND / 2)
    assert service.reconcile()["overdue"] == 0
    assert service.status(waiting)["status"] == "processing", "it could have started only when it was called"
    service.clock.advance(limits.PROCESSING_BOUND / 2)

    assert service.reconcile()["overdue"] == 1
    assert service.status(waiting)["last_error"]["code"] == "processing_timed_out"


def test_the_reconciler_calls_when_those_who_should_have_called_died(service: Harness) -> None:
    service.fill()
    (waiting,) = service.add_all("waits")
    service.clock.advance(limits.LAUNCH_TIMEOUT)

    service.reconcile()
    service.dispatch()

    assert name_of(service.ecs.tasks[-1]) == "waits"
    assert service.entry(waiting).attempt == 1


def test_a_task_that_fell_silent_before_its_first_heartbeat_blocks_its_slot_no_longer_than_its_entry(
    service: Harness,
) -> None:
    service.fill()
    (waiting,) = service.add_all("waits")
    launched: list[str] = []

    def fall_silent(_: Job) -> JobResult:
        service.clock.advance(limits.LEASE)
        service.reconcile()
        service.dispatch()
        launched.extend(name_of(task) for task in service.ecs.tasks[SLOTS:])
        return analysis()

    service.work(service.ecs.tasks[0], fall_silent)

    assert launched == ["waits"]
    assert service.entry(waiting).attempt == 1


def test_a_call_whose_message_could_not_be_sent_is_sent_by_the_reconciler(service: Harness, aws: Aws) -> None:
    service.fill()
    (waiting,) = service.add_all("waits")
    aws.server.inject(Fault(service="sqs", operation="SendMessage"))
    service.run_new_tasks()
    aws.server.inject()
    assert not service.entry(waiting).waits

    service.clock.advance(limits.SEND_TIMEOUT)
    service.reconcile()
    service.settle()

    assert service.status(waiting)["status"] == "ready"


def test_two_who_call_at_once_call_one_job_once_into_one_slot(service: Harness) -> None:
    service.fill()
    (waiting,) = service.add_all("waits")
    stale = service.entry(waiting)
    service.clock.advance(limits.LAUNCH_TIMEOUT)
    real = job_protocol.call

    def after_the_other(_: Entry, at: datetime) -> JobMessage:
        with service.monkeypatch.context() as patch:
            patch.setattr(job_protocol, "call", real)
            assert call(service) == 1
        return real(stale, at)

    with service.monkeypatch.context() as patch:
        patch.setattr(job_protocol, "call", after_the_other)
        assert call(service) == 0

    assert service.depth() == SLOTS + 1
    assert task_slots.kept_slot(Share.SETUP, stale.job_id, service.clock.now()) is not None
    service.dispatch()
    assert name_of(service.ecs.tasks[-1]) == "waits"


def call(service: Harness) -> int:
    reconciler = service.functions["reconciler"]
    return line.call(Share.SETUP, reconciler.function.settings, reconciler.queue(), service.clock.now())


def test_a_removed_repository_leaves_the_line(service: Harness) -> None:
    service.fill()
    (waiting,) = service.add_all("waits")
    user_entry = user_watchlist_id_of(waiting, "ada")
    assert service.http("DELETE", f"/activity/user-watchlist/{user_entry}").status == 204

    assert line.StoredLine(Share.SETUP).first_after("") is None


def test_a_launch_that_ecs_puts_off_keeps_its_slot_ahead_of_the_line(service: Harness) -> None:
    for number in range(SLOTS - 1):
        service.add_all(f"full-{number}", user="early")
    service.ecs.refusals.append(NO_CAPACITY)
    service.add_all("put-off")
    service.add_all("waits", user="bob")
    service.dispatch()

    assert [name_of(task) for task in service.ecs.tasks[SLOTS - 1 :]] == ["put-off"]
    service.settle()
    assert name_of(service.ecs.tasks[-1]) == "waits"


def test_a_launch_that_is_refused_for_good_lets_the_next_one_go(service: Harness) -> None:
    service.fill()
    service.add_all("refused", "waits")
    service.ecs.refusals.append(client_error("AccessDeniedException", "no"))

    service.settle()

    assert {name_of(task) for task in service.ecs.tasks[SLOTS:]} == {"refused", "waits"}


def test_refreshes_wait_oldest_first(service: Harness) -> None:
    ids = service.add_all("r0", "r1", "r2", "r3", "r4")
    service.settle()
    queue = service.functions["scheduler"].queue()
    for number, watchlist_id in enumerate(ids):
        now = service.clock.now()
        queue.send(
            job_protocol.start_refresh(service.entry(watchlist_id), JobKind.COMMIT_BACKFILL, {}, f"{number:032x}", now)
        )
    before = len(service.ecs.tasks)
    for _ in ids:
        service.dispatch(JobKind.COMMIT_BACKFILL)
    while service.ran < len(service.ecs.tasks):
        service.work(service.ecs.tasks[service.ran])
        service.ran += 1
        service.dispatch(JobKind.COMMIT_BACKFILL)

    names = [name_of(task) for task in service.ecs.tasks[before:]]
    assert sorted(names[:2]) == ["r0", "r1"]
    assert names[2:] == ["r2", "r3", "r4"]


def test_the_place_of_a_job_is_that_of_its_user_and_of_when_it_was_queued(service: Harness) -> None:
    service.fill()
    (waiting,) = service.add_all("waits")
    entry = service.entry(waiting)

    assert entry.turn == f"{entry.asked_by}#{as_key(entry.job_queued_at)}"


@pytest.mark.parametrize("user", ["ada", "bob"])
def test_a_retry_stands_in_the_lane_of_whoever_asked_first(service: Harness, user: str) -> None:
    (watchlist_id,) = service.add_all("broken", user=user)
    asked_by = service.entry(watchlist_id).asked_by
    service.ecs.refusals.extend([client_error("AccessDeniedException", "no")] * 3)
    service.monkeypatch.setattr(limits, "MAX_ATTEMPTS", 1)
    service.clock.advance(limits.PROCESSING_BOUND)
    service.reconcile()

    assert service.retry(watchlist_id).status == 202
    assert service.entry(watchlist_id).asked_by == asked_by
