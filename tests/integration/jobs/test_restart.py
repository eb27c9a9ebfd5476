"""After the end of the whole service jobs go on at once: what somebody had taken who ended is not waited for."""

from tests.integration.jobs.harness import SLOTS, Harness
from tests.integration.recording import Killed
from watchlist.jobs import task_slots
from watchlist.jobs.queue import JobQueue
from watchlist.states import Share


def taken(service: Harness) -> int:
    return task_slots.taken(Share.SETUP, service.clock.now())


def test_slots_of_launches_that_never_became_tasks_are_free_again(service: Harness) -> None:
    def die(**_call: object) -> None:
        raise Killed

    with service.monkeypatch.context() as patch:
        patch.setattr(service.ecs, "run_task", die)
        for number in range(SLOTS):
            service.add(f"https://github.com/owner/{number}")
            service.dispatch()
    assert taken(service) == SLOTS
    (waiting,) = service.add_all("waits")
    assert service.entry(waiting).waits

    service.restart()
    service.settle()

    assert service.status(waiting)["status"] == "ready"
    assert taken(service) == 0


def test_a_slot_of_a_task_that_began_since_is_its_own(service: Harness) -> None:
    restarted_at = service.clock.now()
    service.fill()

    service.restart(restarted_at)

    assert taken(service) == SLOTS


def test_a_job_whose_message_was_not_sent_is_sent_one_at_once(service: Harness) -> None:
    with service.monkeypatch.context() as patch:
        patch.setattr(JobQueue, "send", lambda *_: "never-sent")
        watchlist_id = service.add()
    assert service.depth() == 0

    service.restart()
    service.settle()

    status = service.status(watchlist_id)
    assert (status["status"], status["attempt"]) == ("ready", 1)


def test_a_job_whose_message_was_sent_is_done_once(service: Harness) -> None:
    watchlist_id = service.add()

    service.restart()
    service.settle()

    assert service.status(watchlist_id)["status"] == "ready"
    assert len(service.ecs.tasks) == 1
    assert service.dead_letters() == []
