"""What jobs ask of DynamoDB, SQS and Lambda, and what they log, is what docs/cost.md assumes."""

import itertools
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from infra.operations import assumptions
from tasks.analysis import Job, JobResult
from tests.integration.jobs.harness import Harness, analysis
from tests.integration.units import Units, counted, heard
from watchlist.deployment.stream_consumers import CONSUMERS
from watchlist.job_kinds import JobKind
from watchlist.jobs import protocol as job_protocol
from watchlist.jobs.queue import JobQueue
from watchlist.states import EntryStatus, Stage
from watchlist.storage import tables

BEATS = 2


@pytest.fixture
def units(service: Harness, monkeypatch: pytest.MonkeyPatch) -> Iterator[Units]:
    invoke = service.invoke

    def noted(function: str, event: Any) -> Any:
        counts["functions"] += 1
        return invoke(function, event)

    monkeypatch.setattr(service, "invoke", noted)
    with counted() as counts:
        yield counts


def work(job: Job) -> JobResult:
    """Report progress as often as is assumed."""
    for stage in itertools.islice(itertools.cycle((Stage.CLONING, Stage.ANALYZING)), assumptions.REPORTS_OF_REFRESH):
        job.report(stage)
    return analysis()


def test_a_refresh_writes_calls_and_logs_what_the_costs_assume(service: Harness, units: Units) -> None:
    watchlist_id = service.add()
    service.settle()
    queue = JobQueue(service.sqs, {kind: service.queue_url(kind) for kind in JobKind})
    units.clear()

    entry, now = service.entry(watchlist_id), service.clock.now()
    with heard() as log:
        queue.send(job_protocol.start_refresh(entry, JobKind.COMMIT_BACKFILL, {}, f"{1:032x}", now))
        service.dispatch(JobKind.COMMIT_BACKFILL)
        service.run_new_tasks(work)
        service.stop_task(service.ecs.tasks[-1])
        job_protocol.settle_check(service.entry(watchlist_id), service.clock.now(), {})

    said = log.getvalue()
    streams = sum(consumer.table is tables.WATCHLIST for consumer in CONSUMERS)
    assert service.entry(watchlist_id).status == EntryStatus.READY
    assert units["entry"] == assumptions.WRITES_OF_ENTRY
    assert units["indexes"] == assumptions.INDEX_WRITES_OF_REFRESH
    assert units["others"] == assumptions.OTHER_WRITES
    assert units["queue"] == assumptions.QUEUE_CALLS_OF_JOB
    assert units["functions"] + streams == assumptions.FUNCTIONS_OF_JOB
    assert "job completed" in said
    assert len(said) / 1024 <= assumptions.LOG_KILOBYTES_OF_JOB <= 2 * len(said) / 1024


def test_a_heartbeat_writes_and_calls_what_the_costs_assume(service: Harness, units: Units) -> None:
    service.add()
    service.dispatch()

    def beat(_: Job) -> JobResult:
        before = units.copy()
        while units["queue"] - before["queue"] < BEATS:
            time.sleep(0.01)
        beaten.update(units - before)
        return analysis()

    beaten: Counter[str] = Counter()
    service.work(service.ecs.tasks[-1], beat, HEARTBEAT_SECONDS="0.5")
    assert beaten["queue"] == BEATS * assumptions.QUEUE_CALLS_OF_BEAT
    assert beaten["entry"] == BEATS * assumptions.ENTRY_WRITES_OF_BEAT
    assert beaten["indexes"] == BEATS * assumptions.INDEX_WRITES_OF_BEAT
    assert beaten["others"] == BEATS * assumptions.OTHER_WRITES_OF_BEAT


def test_a_look_at_what_rests_writes_what_the_costs_assume(service: Harness, units: Units) -> None:
    watchlist_id = service.add()
    service.settle()
    units.clear()
    job_protocol.settle_check(service.entry(watchlist_id), service.clock.now(), {})
    assert (units["entry"], units["others"]) == (1, 0)
    assert units["indexes"] == assumptions.INDEX_WRITES_OF_CHECK
