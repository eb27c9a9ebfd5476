"""The worker: it shows progress, keeps its lease, and stops the moment the job is not its own."""

import errno
import json
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pynamodb.exceptions import UpdateError

import tasks.job
from local_service.aws.faults import Fault
from tasks.analysis import Job, JobResult
from tasks.child_process import ChildLimits
from tests import waiting
from tests.forge_server import ForgeServer, TokenBudget
from tests.integration.aws import Aws
from tests.integration.jobs.harness import URL, Harness, analysis
from tests.process_table import is_running, wait_until_gone
from tests.scorecard_reports import FakeScorecard, report
from watchlist import clock, limits
from watchlist.errors import ErrorCode, JobError
from watchlist.git.package import Package
from watchlist.health.scorecard import ScorecardResult, ScorecardSource
from watchlist.jobs import protocol as job_protocol
from watchlist.repository_url import parse_repository_url
from watchlist.states import JobState, Share, Stage
from watchlist.storage.records import TaskSlot

BEAT_FAST = {"HEARTBEAT_SECONDS": "0.05"}
GRANDPARENT = ["/bin/sh", "-c", "sleep 60 & echo $!; wait"]
GENEROUS = ChildLimits(seconds=60, memory=None, file_size=1_000_000)


def launched(service: Harness) -> str:
    watchlist_id = service.add()
    service.dispatch()
    return watchlist_id


def with_child(
    service: Harness, meanwhile: Callable[[], object], grandchildren: list[int]
) -> Callable[[Job], JobResult]:
    """Return work that waits for a child with a child of its own, which nobody ends but the worker's control."""

    def work(_: Job) -> JobResult:
        with service.tools.children.start(
            GRANDPARENT, environment={"PATH": os.defpath}, directory=Path("/"), limits=GENEROUS
        ) as child:
            grandchildren.append(int(child.stdout.readline()))
            assert is_running(grandchildren[0])
            meanwhile()
            child.stdout.read()
        return analysis()

    return work


def test_whoever_polls_sees_each_moment_of_the_job(service: Harness) -> None:
    watchlist_id = service.add()
    seen = [service.status(watchlist_id)]
    service.dispatch()
    seen.append(service.status(watchlist_id))

    def work(job: Job) -> JobResult:
        job.describe(Package(name="flask", url=URL, description="A library"), "main")
        job.report(Stage.STORING_COMMITS, 3, 7)
        seen.append(service.status(watchlist_id))
        raise JobError(ErrorCode.HOST_ERROR, "The host erred.")

    service.work(service.ecs.tasks[0], work)
    seen.append(service.status(watchlist_id))

    assert [(each["status"], each["attempt"], each["progress"]["stage"]) for each in seen] == [
        ("processing", 0, "queued"),
        ("processing", 1, "starting"),
        ("processing", 1, "storing_commits"),
        ("processing", 1, "storing_commits"),
    ]
    assert seen[2]["progress"] == {"stage": "storing_commits", "done": 3, "total": 7}
    assert (seen[2]["package"]["description"], seen[2]["package"]["default_branch"]) == ("A library", "main")
    assert [each["next_attempt_at"] is not None for each in seen] == [False, False, False, True]
    error = seen[3]["last_error"]
    assert (error["code"], error["message"]) == ("host_error", "The host erred.")
    assert (error["stage"], error["retryable"], seen[3]["max_attempts"]) == ("storing_commits", True, 3)


def test_the_heartbeat_extends_lease_message_and_slot(service: Harness) -> None:
    watchlist_id = launched(service)
    hidden: list[float] = []

    def work(_: Job) -> JobResult:
        first = service.entry(watchlist_id).lease_expires_at
        service.lapse()
        waiting.until("a heartbeat", lambda: service.entry(watchlist_id).lease_expires_at > first)
        time.sleep(0.2)  # the message's turn comes after the lease's
        hidden.append(len(service.receive()))
        entry = service.entry(watchlist_id)
        assert entry.lease_expires_at > first
        assert entry.due_at == entry.lease_expires_at
        slot = TaskSlot.get(TaskSlot.pk_of(Share.SETUP), TaskSlot.sk_of(service.ecs.tasks[0].slot))
        assert slot.lapses_at > first
        return analysis()

    service.work(service.ecs.tasks[0], work, **BEAT_FAST)

    assert hidden == [0]
    assert service.status(watchlist_id)["status"] == "ready"
    assert list(TaskSlot.query(TaskSlot.pk_of(Share.SETUP))) == []


def test_each_heartbeat_says_how_long_the_task_has_run(service: Harness, capsys: pytest.CaptureFixture[str]) -> None:
    launched(service)

    def work(job: Job) -> JobResult:
        waiting.until("a heartbeat", lambda: capsys.readouterr().out, lambda said: "TaskAge" in said)
        job.check()
        return analysis()

    service.work(service.ecs.tasks[0], work, **BEAT_FAST)

    assert service.status(json.loads(service.ecs.tasks[0].job_message)["watchlist_id"])["status"] == "ready"


def test_a_worker_that_lost_its_lease_kills_its_children_and_writes_nothing(service: Harness) -> None:
    watchlist_id = launched(service)
    grandchildren: list[int] = []
    taken: list[object] = []

    def take_lease_away() -> None:
        service.clock.advance(limits.PROCESSING_BOUND)
        service.reconcile()
        taken.append(service.entry(watchlist_id).serialize())

    service.work(service.ecs.tasks[0], with_child(service, take_lease_away, grandchildren), **BEAT_FAST)

    wait_until_gone(grandchildren[0])
    assert service.entry(watchlist_id).serialize() == taken[0]
    assert service.status(watchlist_id)["last_error"]["code"] == "processing_timed_out"


def test_a_lease_that_is_lost_as_the_work_ends_is_said_to_be_lost(
    service: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    watchlist_id = launched(service)

    def work(_: Job) -> JobResult:
        job_protocol.record_lost(service.entry(watchlist_id), JobError(ErrorCode.WORKER_LOST, "Silent."), clock.now())
        return analysis()

    service.work(service.ecs.tasks[0], work)

    assert "the job is somebody else's now" in caplog.text
    assert "merged" not in caplog.text


def test_a_worker_whose_message_is_refused_kills_its_children_and_writes_nothing(service: Harness) -> None:
    watchlist_id = launched(service)
    grandchildren: list[int] = []

    def delete_message() -> None:
        service.sqs.delete_message(QueueUrl=service.queue_url(), ReceiptHandle=service.receipts[-1][1])

    service.work(service.ecs.tasks[0], with_child(service, delete_message, grandchildren), **BEAT_FAST)

    wait_until_gone(grandchildren[0])
    assert service.entry(watchlist_id).state is JobState.RUNNING
    assert service.status(watchlist_id)["last_error"] is None


def test_a_worker_that_cannot_extend_its_lease_stops_before_it_ends(service: Harness, aws: Aws) -> None:
    watchlist_id = launched(service)
    grandchildren: list[int] = []

    def cut_off() -> None:
        aws.server.inject(Fault(service="dynamodb", operation="UpdateItem"))

    service.work(
        service.ecs.tasks[0],
        with_child(service, cut_off, grandchildren),
        LEASE_SECONDS="1",
        HEARTBEAT_SECONDS="0.1",
    )

    aws.server.inject()
    wait_until_gone(grandchildren[0])
    assert service.entry(watchlist_id).state is JobState.RUNNING


def test_sigterm_gives_the_job_back_without_using_up_the_attempt(service: Harness) -> None:
    watchlist_id = launched(service)
    grandchildren: list[int] = []
    terminate = with_child(service, lambda: os.kill(os.getpid(), signal.SIGTERM), grandchildren)

    service.work(service.ecs.tasks[0], terminate)

    wait_until_gone(grandchildren[0])
    status = service.status(watchlist_id)
    assert (status["status"], status["attempt"], status["last_error"]["code"]) == (
        "processing",
        0,
        "worker_interrupted",
    )
    service.ran = 1
    assert service.dispatch() == 1
    service.settle()
    assert service.status(watchlist_id)["attempt"] == 1
    assert service.dead_letters() == []


def test_a_job_that_is_interrupted_again_and_again_keeps_its_attempts(service: Harness) -> None:
    watchlist_id = launched(service)
    interruptions: list[int] = []

    def interrupted(job: Job) -> JobResult:
        if len(interruptions) == 5:
            return analysis()
        interruptions.append(1)
        os.kill(os.getpid(), signal.SIGTERM)
        while True:
            job.check()
            time.sleep(0.01)

    service.settle(interrupted)

    status = service.status(watchlist_id)
    assert (status["status"], status["attempt"], len(interruptions)) == ("ready", 1, 5)


@pytest.mark.timeout(20)
def test_sigterm_while_a_child_is_being_started_does_not_lock_the_worker_up(service: Harness) -> None:
    watchlist_id = launched(service)

    def work(job: Job) -> JobResult:
        with service.tools.children._lock:  # noqa: SLF001 - held while a child is started
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.05)
        while True:
            job.check()
            time.sleep(0.01)

    service.work(service.ecs.tasks[0], work)

    assert service.entry(watchlist_id).last_error.code == "worker_interrupted"


def test_an_attempt_that_exceeds_its_wall_clock_is_ended_and_may_be_repeated(service: Harness) -> None:
    watchlist_id = launched(service)
    grandchildren: list[int] = []

    service.work(service.ecs.tasks[0], with_child(service, lambda: None, grandchildren), JOB_TIMEOUT_SECONDS="0.3")

    wait_until_gone(grandchildren[0])
    status = service.status(watchlist_id)
    assert (status["status"], status["attempt"], status["last_error"]["code"]) == (
        "processing",
        1,
        "analysis_timed_out",
    )


UNTYPED = [
    (RuntimeError("postgres://user:secret@host"), "internal_error"),
    (MemoryError(), "out_of_memory"),
    (OSError(errno.ENOSPC, "No space left on device"), "out_of_disk"),
    (OSError(errno.EFBIG, "File too large"), "out_of_disk"),
    (OSError(errno.EIO, "Input/output error"), "internal_error"),
    (UpdateError("throttled"), "storage_unavailable"),
]


@pytest.mark.parametrize(("error", "code"), UNTYPED, ids=lambda value: value if isinstance(value, str) else repr(value))
def test_an_error_that_nobody_foresaw_is_told_without_its_text(service: Harness, error: Exception, code: str) -> None:
    watchlist_id = launched(service)

    def work(_: Job) -> JobResult:
        raise error

    service.work(service.ecs.tasks[0], work)

    status = service.status(watchlist_id)
    assert (status["status"], status["last_error"]["code"]) == ("processing", code)
    assert str(error) not in status["last_error"]["message"] or not str(error)


def test_a_host_that_is_not_allowed_any_more_fails_the_entry(service: Harness) -> None:
    watchlist_id = launched(service)

    service.work(service.ecs.tasks[0], ALLOWED_ORIGINS="https://gitlab.com")

    status = service.status(watchlist_id)
    assert (status["status"], status["last_error"]["code"]) == ("failed", "host_not_allowed")


def test_a_failure_stands_although_its_message_could_not_be_handed_back(service: Harness, aws: Aws) -> None:
    watchlist_id = launched(service)
    aws.server.inject(Fault(service="sqs", operation="ChangeMessageVisibility"))

    def work(_: Job) -> JobResult:
        raise JobError(ErrorCode.HOST_UNREACHABLE, "The host does not answer.")

    service.work(service.ecs.tasks[0], work)

    assert service.status(watchlist_id)["last_error"]["code"] == "host_unreachable"


def test_the_program_does_the_job_that_its_environment_names(service: Harness) -> None:
    watchlist_id = launched(service)
    for name, value in service.ecs.tasks[0].to_environment().items():
        service.monkeypatch.setenv(name, value)
    service.monkeypatch.setattr("tasks.analysis.analyse", lambda *_: analysis())

    assert tasks.job.main() == 0

    assert service.status(watchlist_id)["status"] == "ready"


def test_the_program_forgets_secret_variables_before_it_begins_with_the_job(service: Harness) -> None:
    launched(service)
    tokens = {"GITHUB_TOKEN": "s3cret", "GIT_TOKENS": "{}"}
    for name, value in {**service.ecs.tasks[0].to_environment(), **tokens}.items():
        service.monkeypatch.setenv(name, value)
    left: list[set[str]] = []

    def analyse(*_: object) -> JobResult:
        left.append(tokens.keys() & os.environ.keys())
        return analysis()

    service.monkeypatch.setattr("tasks.analysis.analyse", analyse)

    assert tasks.job.main() == 0
    assert left == [set()]


def test_the_program_names_the_variable_that_is_missing(service: Harness, capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in {"JOB_MESSAGE": "{}", "MESSAGE_ID": "1", "RECEIPT_HANDLE": "r", "ATTEMPT": "secret"}.items():
        service.monkeypatch.setenv(name, value)

    assert tasks.job.main() == 2

    error = capsys.readouterr().err
    assert "RECEIVE_COUNT" in error
    assert "ATTEMPT" in error
    assert "secret" not in error


OWN_HOSTS = '[{"origin": "https://tea.example.org", "kind": "gitea"}]'


def test_a_job_shows_hosts_of_one_s_own_their_tokens(service: Harness) -> None:
    launched(service)

    service.work(service.ecs.tasks[0], GIT_HOSTS=OWN_HOSTS, GIT_TOKENS='{"https://tea.example.org": "t0ken"}')

    assert service.tools.git_tokens == service.tools.forge.own_tokens == {"https://tea.example.org": ("t0ken",)}
    assert "t0ken" not in repr(service.tools)


def test_a_job_does_without_tokens_that_cannot_be_read(service: Harness) -> None:
    watchlist_id = launched(service)

    service.work(service.ecs.tasks[0], GIT_HOSTS=OWN_HOSTS, GIT_TOKENS="s3cret")

    assert service.tools.git_tokens == {}
    assert service.status(watchlist_id)["status"] == "ready"


def test_a_job_works_with_the_tokens_addresses_and_ages_of_its_settings(
    service: Harness, forge: ForgeServer, tmp_path: Path
) -> None:
    fake = FakeScorecard(tmp_path / "bin", "leave(json.dumps(report))", report("github.com/pallets/flask"))
    forge.tokens["ghp_good"] = TokenBudget()
    forge.add_repository("pallets/flask", stargazers_count=9)
    launched(service)
    service.work(
        service.ecs.tasks[0],
        SCORECARD_PATH=str(fake.path),
        GITHUB_TOKEN="ghp_revoked,ghp_good",
        GITHUB_API_BASE_URL=forge.github_api,
        SCORECARD_API_BASE_URL=forge.scorecard_api,
        SCORECARD_MAX_AGE_HOURS="30",
    )
    tools, flask, head, now = service.tools, parse_repository_url(URL), "a" * 40, datetime.now(UTC)

    def assess(previous: ScorecardResult | None = None) -> ScorecardResult:
        return tools.assessor.assess(flask, head=head, previous=previous, checkout=lambda: tmp_path)

    assert tools.forge.describe(flask).stars == 9
    assert assess().source is ScorecardSource.FORGE
    assert fake.calls[0]["environment"]["GITHUB_AUTH_TOKEN"] == "ghp_good"

    forge.tokens["ghp_good"] = TokenBudget(core=0)
    forge.published["github.com/pallets/flask"] = report("github.com/pallets/flask", score=6.5)
    published = assess()
    assert (published.source, published.score) == (ScorecardSource.PUBLISHED, 6.5)

    of_yesterday = published.model_copy(update={"head": head, "obtained_at": now - timedelta(hours=29)})
    assert assess(of_yesterday) is of_yesterday
    before_that = published.model_copy(update={"head": head, "obtained_at": now - timedelta(hours=31)})
    assert assess(before_that) is not before_that
