"""What an operator sees: recent jobs with durations and errors, and what is in the queues."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tasks.analysis import Job, JobResult
from tests.integration.jobs.harness import SETUP, Harness, analysis, client_error
from tests.integration.recording import Make, passing
from watchlist import limits
from watchlist.errors import ErrorCode, JobError
from watchlist.states import Stage
from watchlist.storage.records import JobRecord, LastError


def jobs(service: Harness) -> dict[str, Any]:
    body = json.loads(service.http("GET", "/activity/jobs").body)
    return {each["queue"]: each for each in body["queues"]}


def queues(service: Harness) -> dict[str, Any]:
    body = json.loads(service.http("GET", "/activity/queues").body)
    return {each["queue"]: each for each in body["queues"]}


def unreachable(_: Job) -> JobResult:
    raise JobError(ErrorCode.HOST_UNREACHABLE, "The host does not answer.")


def busy(_: Job) -> JobResult:
    raise JobError(ErrorCode.HOST_RATE_LIMITED, "The host limits requests.", retry_after=timedelta(minutes=2))


def test_a_completed_job_is_on_record_with_its_durations(service: Harness) -> None:
    watchlist_id = service.add()
    service.clock.advance(timedelta(seconds=10))
    service.dispatch()

    def work(_: Job) -> JobResult:
        service.clock.advance(timedelta(seconds=5))
        return analysis()

    service.work(service.ecs.tasks[0], work)

    shown = jobs(service)[SETUP]
    (job,) = shown["completed"]
    assert (job["watchlist_id"], job["outcome"], job["attempts"], job["error"]) == (watchlist_id, "completed", 1, None)
    assert job["repository_url"] == "https://github.com/pallets/flask"
    assert 10 <= job["seconds_queued"] < 40
    assert 5 <= job["seconds_run"] < 35
    assert shown["failed"] == []


def test_a_failed_job_is_on_record_with_its_error(service: Harness) -> None:
    watchlist_id = service.add()
    service.settle(unreachable)

    (job,) = jobs(service)[SETUP]["failed"]

    assert (job["watchlist_id"], job["outcome"], job["attempts"]) == (watchlist_id, "failed", 3)
    assert job["error"]["code"] == "host_unreachable"


def test_a_job_that_never_ran_is_on_record_without_durations(service: Harness) -> None:
    service.add()
    service.clock.advance(limits.PROCESSING_BOUND)
    service.reconcile()

    (job,) = jobs(service)[SETUP]["failed"]

    assert (job["started_at"], job["seconds_queued"], job["seconds_run"], job["attempts"]) == (None, None, None, 0)


def test_records_expire(service: Harness) -> None:
    service.add()
    service.settle()

    (record,) = JobRecord.query(JobRecord.pk_of(SETUP, failed=False))

    assert record.expires_at == (record.ended_at + limits.JOB_RECORD_RETENTION).replace(microsecond=0)


def test_the_last_jobs_are_shown_newest_first_and_no_more_than_the_limits(service: Harness) -> None:
    now = service.clock.now()
    error = LastError.of(JobError(ErrorCode.HOST_ERROR, "broken"), Stage.CLONING, now)
    with JobRecord.batch_write() as batch:
        for number in range(limits.JOBS_COMPLETED_SHOWN + 5):
            for failed in (False, True):
                ended = now + timedelta(seconds=number)
                batch.save(
                    JobRecord(
                        JobRecord.pk_of(SETUP, failed=failed),
                        f"{ended.isoformat()}#{number}",
                        job_id=f"job-{number}",
                        kind=str(SETUP),
                        watchlist_id="w",
                        repository_url="https://github.com/a/b",
                        generation=1,
                        attempts=1,
                        queued_at=now,
                        ended_at=ended,
                        error=error if failed else None,
                    )
                )

    shown = jobs(service)[SETUP]

    assert (len(shown["completed"]), len(shown["failed"])) == (100, 50)
    newest = f"job-{limits.JOBS_COMPLETED_SHOWN + 4}"
    assert shown["completed"][0]["job_id"] == shown["failed"][0]["job_id"] == newest


def test_the_depths_of_the_queues_are_shown(service: Harness) -> None:
    service.add("https://github.com/a/exhausted")
    service.settle(unreachable)
    service.add("https://github.com/a/flying")
    service.dispatch()
    service.clock.advance(timedelta(seconds=30))
    service.add("https://github.com/a/waiting")
    body = service.sqs.receive_message(QueueUrl=service.environment.dead_letter_queues[SETUP].url)["Messages"][0][
        "Body"
    ]
    service.sqs.send_message(QueueUrl=service.queue_url(), MessageBody=body, DelaySeconds=900)

    shown = queues(service)[SETUP]

    assert {name: shown[name] for name in ("waiting", "in_flight", "delayed", "dead_letters")} == {
        "waiting": 1,
        "in_flight": 1,
        "delayed": 1,
        "dead_letters": 1,  # in flight counts too: an operator is looking at it
    }
    assert 30 <= shown["oldest_seconds"] < 60


def test_an_empty_queue_has_no_oldest_job(service: Harness) -> None:
    service.add()
    service.settle()

    for shown in queues(service).values():
        assert shown["oldest_seconds"] is None
        assert shown["waiting"] == shown["in_flight"] == shown["delayed"] == shown["dead_letters"] == 0


def test_an_operator_sends_dead_letters_back_and_their_jobs_begin_anew(service: Harness) -> None:
    watchlist_id = service.add()
    service.settle(unreachable)

    response = service.http("POST", f"/activity/queues/{SETUP}/redrive")

    assert (response.status, json.loads(response.body)) == (202, {"queue": SETUP, "dead_letters": 1})
    service.settle()
    assert service.status(watchlist_id)["status"] == "ready"
    assert queues(service)[SETUP]["dead_letters"] == 0
    assert json.loads(service.http("POST", f"/activity/queues/{SETUP}/redrive").body)["dead_letters"] == 0


@pytest.mark.parametrize(
    ("code", "status"), [("AWS.SimpleQueueService.UnsupportedOperation", 202), ("AccessDenied", 500)]
)
def test_a_move_that_is_under_way_goes_on_and_other_refusals_are_told(service: Harness, code: str, status: int) -> None:
    def refuse(make: Make, operation: str, parameters: Any) -> Any:
        if operation == "StartMessageMoveTask":
            raise client_error(code, "There is already a task running.")
        return make(operation, parameters)

    with passing(refuse):
        answer = service.http("POST", f"/activity/queues/{SETUP}/redrive")
    assert answer.status == status


def test_only_queues_that_exist_are_redriven(service: Harness) -> None:
    assert service.http("POST", "/activity/queues/absent/redrive").status == 422


def test_the_status_says_why_a_job_is_not_further(service: Harness) -> None:
    def standing_of(watchlist_id: str) -> object:
        return json.loads(service.http("GET", f"/activity/watchlist/{watchlist_id}/status").body)["standing"]

    first, *_, last = (service.add(f"https://github.com/a/{number}") for number in range(4))
    assert standing_of(first) == "queued"
    service.dispatch()
    assert (standing_of(first), standing_of(last)) == ("starting", "in_line")
    service.work(service.ecs.tasks[0])
    assert standing_of(first) is None


@pytest.mark.parametrize(("number", "more"), [(2, False), (3, True)])
def test_more_open_jobs_than_are_shown_are_said_to_be_more(
    service: Harness, monkeypatch: pytest.MonkeyPatch, number: int, *, more: bool
) -> None:
    monkeypatch.setattr("watchlist.limits.JOBS_OPEN_SHOWN", 2)
    added = [service.add(f"https://github.com/a/{each}") for each in range(number)]

    answer = json.loads(service.http("GET", "/activity/jobs/open").body)

    assert ([job["watchlist_id"] for job in answer["items"]], answer["more"]) == (added[:2], more)


def test_open_jobs_are_shown_with_where_they_stand_the_longest_queued_first(service: Harness) -> None:
    paused = service.add("https://gitlab.com/a/paused")
    service.dispatch()
    service.work(service.ecs.tasks[0], busy)
    running, starting, *_, in_line = (service.add(f"https://github.com/a/{number}") for number in range(4))
    service.dispatch()
    seen: list[dict[str, Any]] = []

    def look(_: Job) -> JobResult:
        seen.extend(json.loads(service.http("GET", "/activity/jobs/open").body)["items"])
        return analysis()

    service.work(service.ecs.tasks[1], look)

    standing = {job["watchlist_id"]: (job["standing"], job["attempt"]) for job in seen}
    assert standing[paused] == ("paused", 0)
    assert standing[running] == ("running", 1)
    assert standing[starting] == ("starting", 1)
    assert standing[in_line] == ("in_line", 0)
    assert seen == sorted(seen, key=lambda job: str(job["queued_at"]))
    assert {job["queue"] for job in seen} == {SETUP}
    assert seen[0]["last_error"]["code"] == "host_rate_limited"
    assert seen[0]["next_attempt_at"] > seen[0]["queued_at"]
    assert running not in service.http("GET", "/activity/jobs/open").body.decode()


def test_the_tasks_of_each_share_are_counted(service: Harness) -> None:
    service.add()
    service.dispatch()

    tasks = json.loads(service.http("GET", "/activity/queues").body)["tasks"]

    assert tasks == [{"share": "setup", "taken": 1, "slots": 3}, {"share": "refresh", "taken": 0, "slots": 2}]
