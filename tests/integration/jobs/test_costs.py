"""What a refresh asks of DynamoDB, SQS and Lambda is not more than docs/cost.md assumes."""

import itertools
from collections import Counter
from typing import Any

import botocore.client
import pytest

from infra.operations import cost
from tasks.analysis import Job, JobResult
from tests.integration.jobs.harness import Harness, analysis
from watchlist.deployment.stream_consumers import CONSUMERS
from watchlist.job_kinds import JobKind
from watchlist.jobs import protocol as job_protocol
from watchlist.jobs.queue import JobQueue
from watchlist.states import EntryStatus, Stage
from watchlist.storage import tables
from watchlist.storage.records import ENTRY_KEY


class Calls:
    """Counts writes to the entry and to other items, a write of a transaction twice; calls to SQS; functions."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def note(self, operation: str, parameters: dict[str, Any]) -> None:
        match operation:
            case "UpdateItem" | "DeleteItem":
                self._write(parameters["Key"], 1)
            case "PutItem":
                self._write(parameters["Item"], 1)
            case "TransactWriteItems":
                for item in parameters["TransactItems"]:
                    ((kind, write),) = item.items()
                    self._write(write["Item" if kind == "Put" else "Key"], 2)
            case "SendMessage" | "ReceiveMessage" | "DeleteMessage" | "ChangeMessageVisibility":
                self.counts["queue"] += 1
            case _:
                pass

    def _write(self, key: dict[str, Any], units: int) -> None:
        self.counts["entry" if key["sk"]["S"] == ENTRY_KEY else "others"] += units


@pytest.fixture
def calls(service: Harness, monkeypatch: pytest.MonkeyPatch) -> Calls:
    calls = Calls()
    name = "_make_api_call"  # where both boto3 and PynamoDB pass through
    make, invoke = getattr(botocore.client.BaseClient, name), service.invoke

    def counted(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        calls.note(operation, parameters)
        return make(client, operation, parameters)

    def noted(function: str, event: Any) -> Any:
        calls.counts["functions"] += 1
        return invoke(function, event)

    monkeypatch.setattr(botocore.client.BaseClient, name, counted)
    monkeypatch.setattr(service, "invoke", noted)
    return calls


def work(job: Job) -> JobResult:
    """Report progress as often as is assumed."""
    for stage in itertools.islice(itertools.cycle((Stage.CLONING, Stage.ANALYZING)), cost.REPORTS_OF_REFRESH):
        job.report(stage)
    return analysis()


def test_a_refresh_writes_and_calls_no_more_than_the_costs_assume(service: Harness, calls: Calls) -> None:
    watchlist_id = service.add()
    service.settle()
    queue = JobQueue(service.sqs, {kind: service.queue_url(kind) for kind in JobKind})
    calls.counts.clear()

    entry, now = service.entry(watchlist_id), service.clock.now()
    queue.send(job_protocol.start_refresh(entry, JobKind.COMMIT_BACKFILL, {}, f"{1:032x}", now))
    service.dispatch(JobKind.COMMIT_BACKFILL)
    service.run_new_tasks(work)
    service.stop_task(service.ecs.tasks[-1])
    job_protocol.settle_check(service.entry(watchlist_id), service.clock.now(), {})

    streams = sum(consumer.table is tables.WATCHLIST for consumer in CONSUMERS)
    assert service.entry(watchlist_id).status == EntryStatus.READY
    assert calls.counts["entry"] == cost.WRITES_OF_ENTRY
    assert calls.counts["others"] == cost.OTHER_WRITES
    assert calls.counts["queue"] <= cost.QUEUE_CALLS_OF_JOB
    assert calls.counts["functions"] + streams == cost.FUNCTIONS_OF_JOB


def test_a_look_at_what_rests_writes_once(service: Harness, calls: Calls) -> None:
    watchlist_id = service.add()
    service.settle()
    calls.counts.clear()
    job_protocol.settle_check(service.entry(watchlist_id), service.clock.now(), {})
    assert calls.counts == {"entry": 1}
