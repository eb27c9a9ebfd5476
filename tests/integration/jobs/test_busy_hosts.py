"""A host that asks a job to wait is left alone: by that job, which loses no attempt by it, and by all others."""

from datetime import timedelta

import pytest

from tasks.analysis import Job, JobResult
from tests.integration.jobs.harness import URL, Harness, analysis
from watchlist import limits
from watchlist.errors import ErrorCode, JobError
from watchlist.states import EntryStatus, JobState

OTHER = "https://github.com/pallets/click"
ELSEWHERE = "https://gitlab.com/pallets/flask"
ASKED = timedelta(minutes=2)


def busy(_: Job) -> JobResult:
    raise JobError(ErrorCode.HOST_RATE_LIMITED, "The host limits requests.", retry_after=ASKED)


def run_new(service: Harness, url: str = URL) -> str:
    """Add a repository whose host is busy when its job asks."""
    watchlist_id = service.add(url)
    service.dispatch()
    service.work(service.ecs.tasks[-1], busy)
    return watchlist_id


def test_a_job_waits_as_long_as_its_host_asks_and_keeps_its_attempts(service: Harness) -> None:
    entry = service.entry(run_new(service))

    assert (entry.state, entry.attempt) == (JobState.RETRYING, 0)
    assert entry.last_error.code == "host_rate_limited"
    now = service.clock.now()
    assert timedelta(seconds=115) < entry.next_attempt_at - now <= 1.25 * ASKED
    assert entry.due_at > entry.next_attempt_at


def test_other_jobs_of_the_host_wait_and_those_of_other_hosts_do_not(service: Harness) -> None:
    run_new(service)
    service.add(OTHER)
    service.dispatch()
    assert len(service.ecs.tasks) == 1

    service.add(ELSEWHERE)
    service.dispatch()
    assert len(service.ecs.tasks) == 2


def test_the_job_goes_on_when_the_time_is_over(service: Harness) -> None:
    watchlist_id = run_new(service)
    service.clock.advance(2 * ASKED)
    service.settle(lambda _: analysis())
    assert service.entry(watchlist_id).entry_status is EntryStatus.READY


def test_a_host_that_asks_for_more_than_a_job_may_take_fails_it(service: Harness) -> None:
    def very_busy(_: Job) -> JobResult:
        raise JobError(
            ErrorCode.HOST_RATE_LIMITED, "The host limits requests.", retry_after=2 * limits.PROCESSING_BOUND
        )

    watchlist_id = service.add()
    service.dispatch()
    service.work(service.ecs.tasks[0], very_busy)
    assert (service.entry(watchlist_id).state, service.entry(watchlist_id).attempt) == (JobState.RETRYING, 1)


@pytest.mark.parametrize(("well_for", "steps"), [(timedelta(0), 2), (limits.HOST_BACK_OFF, 1)])
def test_a_pause_is_forgotten_as_slowly_as_it_grew(service: Harness, well_for: timedelta, steps: int) -> None:
    run_new(service)
    service.clock.advance(2 * ASKED + well_for)
    service.settle(lambda _: analysis())
    now = service.clock.now()
    pause = service.entry(run_new(service, OTHER)).next_attempt_at - now
    assert steps * ASKED <= pause <= 1.3 * steps * ASKED
