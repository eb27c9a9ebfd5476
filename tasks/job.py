"""The container's job: claim the entry, do the work, write the result, delete the message; or say why not.

    python -m tasks.job

Everything it does is known from its environment (`TaskSettings` and `JobSettings`). It exits with 0 whenever the entry
says how things stand; any other exit is explained by the task-stopped function.
"""

import contextlib
import errno
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config
from pynamodb.exceptions import PynamoDBException

from tasks import analysis
from tasks.analysis import JobResult, Tools
from tasks.child_process import ChildProcesses
from tasks.control import JobControl, StopReason
from tasks.heartbeat import Heartbeat
from tasks.hosts.describe import Forge
from tasks.scorecard.assessment import Assessor
from tasks.scratch import sweep_scratch
from tasks.secrecy import keep_secrets
from watchlist import clock, git_hosts, limits, metrics
from watchlist.alerts.setup_news import tell_of_setup
from watchlist.errors import ErrorCode, JobCancelledError, JobError
from watchlist.git.package import Package
from watchlist.history.manifest import Manifest
from watchlist.jobs import host_back_off, line
from watchlist.jobs import protocol as job_protocol
from watchlist.jobs.protocol import Launch, Lease, SupersededError
from watchlist.jobs.queue import HeldMessage, JobQueue, MessageGoneError
from watchlist.jobs.stopped_tasks import launch_of
from watchlist.metrics import Metric
from watchlist.settings import JobSettings, SettingsError, TaskSettings, load
from watchlist.states import Stage
from watchlist.storage import records
from watchlist.storage.failures import failure_of
from watchlist.storage.records import Entry
from watchlist.watching.names import MergedError

PROGRESS_SECONDS = 1.0
"""Least time between two reports of progress within a stage."""

_CLIENT_CONFIG = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 5})


_TAKEN_AWAY = "stopped without writing: the job is somebody else's now"


@dataclass
class RunningJob:
    """The claimed job, as the analysis sees it."""

    lease: Lease
    heartbeat: Heartbeat
    stage: Stage = Stage.STARTING
    reported_at: float = 0.0

    def check(self) -> None:
        """Go on only while the lease is known to last for another write."""
        self.heartbeat.check()

    def report(self, stage: Stage, done: int = 0, total: int | None = None) -> None:
        """Show progress: each new stage, and within a stage once a second."""
        now = time.monotonic()
        if stage is self.stage and done != total and now - self.reported_at < PROGRESS_SECONDS:
            return
        self.stage, self.reported_at = stage, now
        self.check()
        with _lost_is_cancelled():
            self.lease.report(stage, done, total)

    def describe(self, package: Package, default_branch: str | None) -> None:
        """Show what is known of the repository."""
        self.check()
        with _lost_is_cancelled():
            self.lease.describe(package, default_branch)

    def publish(self, manifest: Manifest) -> None:
        """Show a history before the job has ended."""
        self.check()
        with _lost_is_cancelled():
            self.lease.publish(manifest.stored())


class Worker:
    """One attempt of one job."""

    def __init__(self, settings: TaskSettings, job: JobSettings, launch: Launch, logger: Logger) -> None:
        self._settings = settings
        self._launch = launch
        self._slot = job.slot
        self._logger = logger
        self._metrics = metrics.publisher()
        self._children = ChildProcesses()
        self._control = JobControl(self._children)
        self._queue = JobQueue(boto3.client("sqs", config=_CLIENT_CONFIG), settings.queue_urls)
        self._held: HeldMessage = self._queue.held(launch.message.kind, job.receipt_handle)

    def run(self) -> None:
        """Do the attempt; when this returns, the entry says how it went, or the job is somebody else's."""
        signal.signal(signal.SIGTERM, self._terminate)
        try:
            lease, entry = Lease.claim(self._launch, self._settings.lease, clock.now())
        except SupersededError:
            self._logger.info("nothing to do: the job is closed, or another task has it")
        else:
            with contextlib.suppress(SupersededError):
                self._work(lease, entry)
        finally:
            self._metrics.flush_metrics()
            line.free_slot(self._launch, self._slot, self._settings, self._queue, clock.now())

    def _terminate(self, *_: object) -> None:
        """Stop the job from another thread: the interrupted one can hold the locks that stopping takes."""
        threading.Thread(target=self._control.stop, args=(StopReason.TERMINATED,), name="sigterm").start()

    def _work(self, lease: Lease, entry: Entry) -> None:
        heartbeat = Heartbeat(
            lease,
            self._held,
            self._slot,
            queue=self._queue,
            control=self._control,
            interval=self._settings.heartbeat,
            logger=self._logger,
        )
        job = RunningJob(lease, heartbeat)
        try:
            with heartbeat, self._time_limit():
                result = self._analyse(entry, job)
                job.check()
            self._complete(lease, entry, result)
        except JobCancelledError:
            self._stopped(lease, job.stage)
        except MergedError:
            self._logger.info("the repository has an entry under its new name: this one is merged into it")
        except SupersededError:
            self._logger.warning(_TAKEN_AWAY)
        except JobError as error:
            if not self._waits_for_host(lease, entry, error, job.stage):
                self._failed(lease, error, job.stage)
        except Exception as error:
            self._logger.exception("the work broke off")
            self._failed(lease, _explain(error), job.stage)

    def _analyse(self, entry: Entry, job: RunningJob) -> JobResult:
        if entry.origin not in self._settings.allowed_origins:
            raise JobError(ErrorCode.HOST_NOT_ALLOWED, f"{entry.origin} is not an allowed host (any more).")
        self._settings.git_clone_dir.mkdir(parents=True, exist_ok=True)
        for path in sweep_scratch(self._settings.git_clone_dir):
            self._logger.warning("a leftover cannot be removed now", path=str(path))
        return analysis.analyse(entry, self._tools(), job, clock.now())

    def _tools(self) -> Tools:
        settings = self._settings
        git_tokens = self._git_tokens()
        return Tools(
            children=self._children,
            scratch=settings.git_clone_dir,
            forge=Forge.from_settings(settings, git_tokens),
            assessor=Assessor.from_settings(settings, children=self._children, scratch=settings.git_clone_dir),
            logger=self._logger,
            git_tokens=git_tokens,
        )

    def _git_tokens(self) -> Mapping[str, Sequence[str]]:
        try:
            return self._settings.git_tokens()
        except SettingsError:
            self._logger.exception("the tokens for hosts of one's own cannot be read: these are asked without")
            return {}

    @contextlib.contextmanager
    def _time_limit(self) -> Iterator[None]:
        timer = threading.Timer(
            self._settings.job_timeout.total_seconds(), self._control.stop, args=(StopReason.TIMED_OUT,)
        )
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _complete(self, lease: Lease, entry: Entry, result: JobResult) -> None:
        """Write the result, then delete the message: the other way round a crash between would lose the job."""
        now = clock.now()
        lease.complete(result.attributes, now)
        self._logger.info("job completed", kind=entry.kind, commits=result.attributes.get("commits"))
        self._metrics.add(Metric.JOB_COMPLETED)
        self._metrics.add(Metric.JOB_DURATION, (now - entry.job_queued_at).total_seconds())
        self._metrics.add(Metric.JOB_ATTEMPTS, lease.launch.attempt)
        self._metrics.add(Metric.BYTES_RECEIVED, result.bytes_received)
        self._metrics.add_some(Metric.ALERTS_RAISED, result.alerts_raised)
        if result.broken_parts:
            self._metrics.add(Metric.PARTS_BROKEN, result.broken_parts)
        if result.scorecard is not None and result.scorecard.score is None:
            self._metrics.add(Metric.SCORE_MISSING)
        elif result.scorecard is not None:
            self._metrics.add(Metric.SCORE, result.scorecard.score or 0)
        self._tell_of_end(entry)
        self._delete_message()
        with contextlib.suppress(PynamoDBException):  # the job is done; the next one, or a check, will note it
            host_back_off.note_well(entry.origin, now)

    def _waits_for_host(self, lease: Lease, entry: Entry, error: JobError, stage: Stage) -> bool:
        """Put the job off for as long as its host asks to be left alone; False if it does not, or for too long.

        No attempt is used up, and other jobs of the host wait, too.
        """
        if error.code is not ErrorCode.HOST_RATE_LIMITED and error.retry_after is None:
            return False
        now = clock.now()
        until = host_back_off.note_busy(entry.origin, error.retry_after, now, random.random)
        if until >= entry.job_queued_at + limits.PROCESSING_BOUND:
            return False
        self._logger.warning("the host asks to wait", reason=error.message, until=clock.to_json(until))
        lease.give_back(error, stage, now, until)
        self._metrics.add(Metric.TASK_POSTPONED)
        self._hand_back(until - now)
        return True

    def _failed(self, lease: Lease, error: JobError, stage: Stage) -> None:
        self._logger.warning("attempt failed", code=error.code, reason=error.message, stage=stage)
        now = clock.now()
        entry = lease.fail(error, stage, now)
        self._metrics.attempt_failed(error.code)
        if entry.state.is_open:
            self._hand_back(entry.pause(now))
            return
        self._metrics.add(Metric.JOB_FAILED)
        self._tell_of_end(entry)
        if entry.attempts_used_up:
            self._hand_back(timedelta(0))  # SQS moves it to the dead-letter queue on the next receive
        else:
            self._delete_message()

    def _tell_of_end(self, entry: Entry) -> None:
        """Tell the watchers that a setup has ended; if this fails, the next check tells them, and tells the same."""
        if entry.kind.is_refresh:
            return
        ended = job_protocol.find_entry(entry.watchlist_id)
        if ended is None or ended.job_id != entry.job_id or ended.state.is_open:
            return
        try:
            self._metrics.add_some(Metric.ALERTS_RAISED, tell_of_setup(ended, clock.now()))
        except PynamoDBException:
            self._logger.warning("watchers are told by the next check", exc_info=True)

    def _stopped(self, lease: Lease, stage: Stage) -> None:
        match self._control.reason:
            case StopReason.TERMINATED:
                error = JobError(ErrorCode.WORKER_INTERRUPTED, "The worker was asked to stop, as for a deployment.")
                now = clock.now()
                lease.give_back(error, stage, now, now)
                self._hand_back(timedelta(0))
            case StopReason.TIMED_OUT:
                minutes = self._settings.job_timeout / timedelta(minutes=1)
                message = f"The analysis was not done within {minutes:g} minutes."
                self._failed(lease, JobError(ErrorCode.ANALYSIS_TIMED_OUT, message), stage)
            case _:
                self._logger.warning(_TAKEN_AWAY)

    def _hand_back(self, pause: timedelta) -> None:
        with self._message_may_be_gone():
            self._queue.hide(self._held, pause)

    def _delete_message(self) -> None:
        with self._message_may_be_gone():
            self._queue.delete(self._held)

    @contextlib.contextmanager
    def _message_may_be_gone(self) -> Iterator[None]:
        """The entry is written; a message that stays is received again and found to be done with."""
        try:
            yield
        except (MessageGoneError, JobError) as error:
            self._logger.warning("the message could not be changed", reason=repr(error))


@contextlib.contextmanager
def _lost_is_cancelled() -> Iterator[None]:
    try:
        yield
    except SupersededError:
        raise JobCancelledError from None


def _explain(error: Exception) -> JobError:
    """Return what an error that nobody typed means for the job."""
    match error:
        case _ if failure_of(error) is not None:
            return JobError(ErrorCode.STORAGE_UNAVAILABLE, "The service's database did not take a call.")
        case MemoryError():
            return JobError(ErrorCode.OUT_OF_MEMORY, "The analysis needed more memory than it may use.")
        case OSError(errno=errno.ENOSPC) | OSError(errno=errno.EDQUOT) | OSError(errno=errno.EFBIG):
            return JobError(ErrorCode.OUT_OF_DISK, "The analysis needed more disk than it may use.")
        case _:
            return JobError(ErrorCode.INTERNAL_ERROR, f"An error in the service itself ({type(error).__name__}).")


def main() -> int:
    """Run the job that the environment names; return the exit code."""
    try:
        settings, job = load(TaskSettings), load(JobSettings)
        launch = launch_of(job)
    except (SettingsError, ValueError) as error:
        sys.stderr.write(f"cannot start: {error}\n")
        return 2
    keep_secrets()
    git_hosts.bind(settings.git_hosts)
    records.bind(settings)
    job_protocol.bind(settings)
    logger = Logger(service="job", level=settings.log_level)
    logger.set_correlation_id(launch.message.correlation_id)
    keys: dict[str, Any] = {
        "watchlist_id": launch.message.watchlist_id,
        "job_id": launch.message.job_id,
        "attempt": launch.attempt,
    }
    logger.append_keys(**keys)
    Worker(settings, job, launch, logger).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
