"""Refreshes never stand in the way of a person who waits: they have queues and tasks of their own."""

from tests.integration.jobs.harness import Harness
from watchlist import limits
from watchlist.job_kinds import JobKind
from watchlist.jobs import protocol as job_protocol
from watchlist.states import JobState

REFRESHES = 6


def start_refreshes(service: Harness) -> list[str]:
    """Let repositories be ready, and a refresh be queued for each."""
    ids = [service.add(f"https://github.com/owner/name-{number}") for number in range(REFRESHES)]
    service.settle()
    queue = service.functions["scheduler"].queue()
    for number, watchlist_id in enumerate(ids):
        entry = service.entry(watchlist_id)
        now = service.clock.now()
        queue.send(job_protocol.start_refresh(entry, JobKind.COMMIT_BACKFILL, {}, f"{number:032x}", now))
    return ids


def test_a_setup_gets_a_task_at_once_while_refreshes_wait_for_theirs(service: Harness) -> None:
    ids = start_refreshes(service)
    before = len(service.ecs.tasks)
    for _ in range(2 * REFRESHES):
        service.dispatch(JobKind.COMMIT_BACKFILL)
    assert len(service.ecs.tasks) == before + int(service.variables["MAX_REFRESH_TASKS"])

    new = service.add("https://github.com/owner/new")
    assert service.dispatch(JobKind.REPOSITORY_SETUP) == 1

    assert service.ecs.tasks[-1].job_message == job_protocol.message_of(service.entry(new)).model_dump_json()
    waiting = [service.entry(watchlist_id) for watchlist_id in ids if service.entry(watchlist_id).attempt == 0]
    assert len(waiting) == REFRESHES - int(service.variables["MAX_REFRESH_TASKS"])
    assert {entry.state for entry in waiting} == {JobState.QUEUED}


def test_a_refresh_past_its_bound_fails_and_the_entry_stays_ready(service: Harness) -> None:
    watchlist_id = start_refreshes(service)[0]
    service.clock.advance(limits.PROCESSING_BOUND)

    assert service.reconcile()["overdue"] == REFRESHES

    status = service.status(watchlist_id)
    assert (status["status"], status["last_error"], status["commits"]) == ("ready", None, 3)
    assert (status["last_check"]["outcome"], status["last_check"]["error"]["code"]) == (
        "failed",
        "processing_timed_out",
    )
