"""The life of a job as writes to its entry, each conditional, so that whoever comes late or twice changes nothing.

Who writes what:

    add, retry      a new generation, queued
    scheduler       a new generation of an entry that is ready, for a refresh
    dispatcher      lets a job wait in line; adopts a newer copy of the message; names a launch, counts it when ECS has
                    accepted it
    freer of a slot calls the next job out of the line
    task            claims its launch's attempt by a lease, then writes only while it holds it
    task-stopped    reports for a task that cannot, fenced by that task's launch
    reconciler      takes over when a lease or a queue's sign of life ran out

`generation` counts jobs of an entry, `attempt` the launched tasks of a job, `delivery` the copies of its message.
An owner names one launch, and only the newest launch may claim: (generation, owner) fences every write of a task. An
attempt's number alone would not do, since one that was given back is launched again.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from watchlist import limits
from watchlist.errors import JobError
from watchlist.git.package import Package
from watchlist.job_kinds import JobKind
from watchlist.jobs import waiting
from watchlist.jobs.message import JobMessage
from watchlist.settings import PatienceSettings
from watchlist.states import CheckOutcome, DueKind, EntryStatus, JobState, Share, Stage
from watchlist.storage import updates
from watchlist.storage.failures import is_refused
from watchlist.storage.last_check import LastCheck
from watchlist.storage.records import ENTRY_KEY, Entry, JobRecord, LastError, Progress, transaction
from watchlist.storage.transactions import despite_others


class _Bound:
    """What belongs to the program and not to a job, as the tables' names do in `records`."""

    patience = PatienceSettings()


def bind(settings: PatienceSettings) -> None:
    """Set how long entries may be silent until the reconciler looks at them; called like `records.bind`."""
    _Bound.patience = settings


class SupersededError(Exception):
    """The write's condition did not hold: somebody else has the entry now, or it is gone."""


def back_off(failed_attempt: int) -> timedelta:
    """Return the pause after `failed_attempt` (1, 2, ...): 2 s, 4 s, ..."""
    return limits.RETRY_BASE * int(2 ** (failed_attempt - 1))


def find_entry(watchlist_id: str) -> Entry | None:
    """Return the entry, read consistently, or None."""
    try:
        return Entry.get(watchlist_id, ENTRY_KEY, consistent_read=True)
    except Entry.DoesNotExist:
        return None


def queued(entry: Entry, job_id: str, correlation_id: str, at: datetime) -> JobMessage:
    """Turn `entry` (not yet written) into one whose first or next job is queued, and return the job's message."""
    entry.job_id = job_id
    entry.correlation_id = correlation_id
    entry.job_state = JobState.QUEUED
    entry.job_queued_at = at
    entry.delivery = entry.attempt = entry.claimed_attempt = 0
    entry.progress = Progress.of(Stage.QUEUED)
    entry.open_queue = entry.job_kind
    entry.due_kind, entry.due_at = DueKind.JOB, at + _Bound.patience.send_timeout
    return message_of(entry)


def message_of(entry: Entry) -> JobMessage:
    """Return the message of the entry's current job."""
    return JobMessage(
        job_id=entry.job_id,
        kind=entry.kind,
        watchlist_id=entry.watchlist_id,
        generation=entry.generation,
        delivery=entry.delivery,
        correlation_id=entry.correlation_id,
    )


def start_generation(
    entry: Entry, job_id: str, correlation_id: str, at: datetime, seen: Mapping[str, Any]
) -> JobMessage:
    """Queue a new setup job for a failed entry; `seen` are attributes that change with it (None removes).

    Raises:
        SupersededError: the entry is not failed (any more), or gone.
    """
    observed = [_set_or_remove(getattr(Entry, name), value) for name, value in seen.items()]
    updated = _update(
        entry.watchlist_id,
        [*observed, *begun_again(entry, job_id, correlation_id, at)],
        (Entry.status == EntryStatus.FAILED) & (Entry.generation == entry.generation),
    )
    return message_of(updated)


def begun_again(entry: Entry, job_id: str, correlation_id: str, at: datetime) -> list[Action]:
    """Return what queues a new setup job; if nobody sends its message, the reconciler does."""
    return [
        Entry.status.set(EntryStatus.PROCESSING),
        Entry.processing_started_at.set(at),
        Entry.processing_completed_at.remove(),
        *_next_generation(entry, entry.kind, job_id, correlation_id, at),
    ]


def ended(kind: DueKind, due_at: datetime) -> list[Action]:
    """Return what ends an entry's job for good, whoever holds it: somebody is to look at the entry for another reason.

    Nothing that a task does from then on changes the entry, and no check is due.
    """
    return [
        Entry.job_state.set(JobState.COMPLETED),
        Entry.generation.add(1),
        Entry.open_queue.remove(),
        *_out_of_line(),
        Entry.due_kind.set(kind),
        Entry.due_at.set(due_at),
    ]


def start_refresh(entry: Entry, kind: JobKind, seen: Mapping[str, Any], job_id: str, at: datetime) -> JobMessage:
    """Queue a refresh for an entry that is ready and has no open job.

    Args:
        entry: as it was read when its check was due.
        kind: a kind of refresh.
        seen: attributes that the check has found out (None removes), written together with the job.
        job_id: of the new job; no request stands behind it, so it correlates what the job does, too.
        at: now.

    Raises:
        SupersededError: the entry has moved on since it was read.
    """
    updated = _update(
        entry.watchlist_id,
        [
            *(_set_or_remove(getattr(Entry, name), value) for name, value in seen.items()),
            *_next_generation(entry, kind, job_id, job_id, at),
        ],
        (Entry.status == EntryStatus.READY) & check_is_due(entry),
    )
    return message_of(updated)


def settle_check(entry: Entry, next_at: datetime | None, seen: Mapping[str, Any]) -> None:
    """Write what a check has seen and when the next one is due, None for never.

    Raises:
        SupersededError: the entry has moved on since it was read.
    """
    due = (
        [Entry.due_kind.remove(), Entry.due_at.remove()]
        if next_at is None
        else [Entry.due_kind.set(DueKind.CHECK), Entry.due_at.set(next_at)]
    )
    actions = [*(_set_or_remove(getattr(Entry, name), value) for name, value in seen.items()), *due]
    _update(entry.watchlist_id, actions, check_is_due(entry))


def put_off(entry: Entry, refresh: Mapping[str, Any], seen: Mapping[str, Any]) -> None:
    """Write what a check has seen, and that the `refresh` that follows from it waits since the check was due.

    Raises:
        SupersededError: the entry has moved on since it was read.
    """
    actions = [
        *(_set_or_remove(getattr(Entry, name), value) for name, value in seen.items()),
        Entry.put_off.set(dict(refresh)),
        Entry.due_kind.set(DueKind.REFRESH),
    ]
    _update(entry.watchlist_id, actions, check_is_due(entry))


def check_is_due(entry: Entry) -> Condition:
    """Return the condition that what `entry` was read for, a check or a refresh that was put off, is still due.

    So of several checks one writes.
    """
    condition: Condition = (
        (Entry.generation == entry.generation)
        & Entry.due_kind.is_in(DueKind.CHECK, DueKind.REFRESH)
        & (Entry.due_kind == entry.due_kind)
        & (Entry.due_at == entry.due_at)
    )
    return condition


def adopt(message: JobMessage, message_id: str, due_at: datetime | None) -> Entry:
    """Let `message`, which SQS calls `message_id`, be the one that counts for its job.

    A sign of life is due at `due_at` from now on; None leaves that moment as it is, since a task is at work.

    Raises:
        SupersededError: the job is closed or another generation's, or a newer copy counts already.
    """
    due = [] if due_at is None else _due(due_at)
    return _update(
        message.watchlist_id,
        [Entry.delivery.set(message.delivery), Entry.message_id.set(message_id), *due],
        _open_job(message) & (Entry.delivery <= message.delivery),
    )


def without_asker(entry: Entry) -> tuple[list[Action], Condition]:
    """Return what makes nothing say any more who asked for the entry's setup, and the condition for it.

    A job in line goes on in nobody's lane.
    """
    if not entry.waits:
        return [Entry.asked_by.remove()], Entry.waits_in.does_not_exist()
    place = waiting.key_of(waiting.NO_LANE, entry.job_queued_at)
    return [Entry.asked_by.remove(), Entry.turn.set(place)], Entry.waits_in.exists()


def wait_in_line(message: JobMessage, entry: Entry) -> None:
    """Let the job wait until it is called; `message` no longer counts, and a launch that got lost may not claim.

    Raises:
        SupersededError: the job has moved on since `entry` was read.
    """
    lane = waiting.NO_LANE if entry.kind.is_refresh else entry.asked_by or waiting.NO_LANE
    _update(
        message.watchlist_id,
        [
            Entry.waits_in.set(Share.of(entry.kind)),
            Entry.turn.set(waiting.key_of(lane, entry.job_queued_at)),
            Entry.delivery.set(message.delivery + 1),
            Entry.message_id.remove(),
            Entry.launch_owner.remove(),
            Entry.due_kind.remove(),
            Entry.due_at.remove(),
        ],
        _open_job(message)
        & (Entry.delivery <= message.delivery)
        & (Entry.attempt == entry.attempt)
        & (Entry.claimed_attempt == entry.claimed_attempt)
        & Entry.lease_owner.does_not_exist(),
    )


def call(entry: Entry, at: datetime) -> JobMessage:
    """Take the job out of the line and return its message, which the caller sends.

    Raises:
        SupersededError: it does not wait (any more).
    """
    updated = _update(
        entry.watchlist_id,
        [*_out_of_line(), Entry.called_at.set(at), *_due(at + _Bound.patience.send_timeout)],
        _open_job(message_of(entry)) & Entry.waits_in.exists() & (Entry.delivery == entry.delivery),
    )
    return message_of(updated)


def begin_launch(launch: "Launch", due_at: datetime) -> Entry:
    """Let `launch`, which is about to be made, be the one that may claim; its message counts for the job.

    Written before the task exists, so that no task of an earlier launch can claim once this one is under way.

    Raises:
        SupersededError: the job is closed or another generation's, a newer copy of the message counts, another task
            holds the entry, or the attempt is not the next one.
    """
    message = launch.message
    return _update(
        message.watchlist_id,
        [
            Entry.launch_owner.set(launch.owner),
            Entry.delivery.set(message.delivery),
            Entry.message_id.set(launch.message_id),
            *_due(due_at),
        ],
        _open_job(message)
        & (Entry.delivery <= message.delivery)
        & (Entry.attempt == launch.attempt - 1)
        & Entry.lease_owner.does_not_exist(),
    )


def record_launch(launch: "Launch", task_arn: str, due_at: datetime) -> Entry:
    """Count a launch that ECS has accepted as an attempt; the task must claim it until `due_at`.

    Raises:
        SupersededError: the task has claimed it or ended already, a newer launch is under way, or the job is closed.
    """
    return _update(
        launch.message.watchlist_id,
        [
            Entry.attempt.set(launch.attempt),
            Entry.task_arn.set(task_arn),
            Entry.progress.set(Progress.of(Stage.STARTING)),
            *_due(due_at),
        ],
        _newest_launch(launch) & (Entry.attempt < launch.attempt),
    )


def record_unstarted(launch: "Launch", error: JobError, at: datetime) -> Entry:
    """Record that the launch's task was refused, or ended before it claimed anything.

    The attempt counts as used up: `retrying`, or `failed` when it was the last.

    Raises:
        SupersededError: the attempt was claimed, a newer launch is under way, or the job is closed.
    """
    reason = LastError.of(error, Stage.STARTING, at)
    return _record_failure(launch.message, launch.attempt, reason, _newest_launch(launch))


def record_put_off(launch: "Launch", error: JobError, at: datetime, until: datetime) -> Entry:
    """Record that the launch's task could not start now but can later: no attempt is used up, to go on at `until`.

    Raises:
        SupersededError: the attempt was claimed, a newer launch is under way, or the job is closed.
    """
    actions = _attempt_given_back(launch, LastError.of(error, Stage.STARTING, at), until)
    return _update(launch.message.watchlist_id, actions, _newest_launch(launch))


def record_lost(entry: Entry, error: JobError, at: datetime) -> Entry:
    """Record that the last counted attempt ended, or fell silent, without a report.

    Raises:
        SupersededError: the job has moved on since `entry` was read.
    """
    condition = (
        _open_job(message_of(entry))
        & (Entry.attempt == entry.attempt)
        & updates.unchanged(Entry.lease_owner, entry.lease_owner)
        & updates.unchanged(Entry.lease_expires_at, entry.lease_expires_at)
    )
    return _record_failure(message_of(entry), entry.attempt, LastError.of(error, entry.stage, at), condition)


def record_timed_out(entry: Entry, error: JobError, at: datetime) -> None:
    """Fail a job that went past its bound, whoever holds it.

    Raises:
        SupersededError: the job is closed, or another generation's.
    """
    reason = LastError.of(error, entry.stage, at)
    _fail(entry, entry.attempt, reason, _open_job(message_of(entry)), attempts_used_up=False)


def remember_dead_letter(message: JobMessage, message_id: str) -> None:
    """Let this message be the one that ends in the dead-letter queue for a job whose attempts are used up.

    Raises:
        SupersededError: another message is, or the job is not in that state.
    """
    _update(
        message.watchlist_id,
        [Entry.message_id.set(message_id)],
        (Entry.generation == message.generation)
        & (Entry.job_state == JobState.FAILED)
        & (Entry.attempts_used_up == True)  # noqa: E712 - PynamoDB builds the condition from the operator
        & (Entry.delivery == message.delivery)
        & (Entry.message_id.does_not_exist() | (Entry.message_id == message_id)),
    )


def requeue(entry: Entry, due_at: datetime) -> JobMessage:
    """Let a new copy of the job's message take the place of one that seems lost; the caller sends it.

    Raises:
        SupersededError: the entry has moved on since it was read.
    """
    updated = _update(
        entry.watchlist_id,
        [Entry.delivery.set(entry.delivery + 1), Entry.message_id.remove(), *_due(due_at)],
        _open_job(message_of(entry)) & (Entry.delivery == entry.delivery) & (Entry.due_at == entry.due_at),
    )
    return message_of(updated)


@dataclass(frozen=True, slots=True)
class Launch:
    """One task started for one attempt of a job.

    Attributes:
        message_id: SQS's id of the message that the attempt holds.
        receive_count: SQS's count of that message's receives; with the id it names this launch alone.
    """

    message: JobMessage
    message_id: str
    receive_count: int
    attempt: int

    @property
    def owner(self) -> str:
        """Its name in leases and slots and its idempotency token: at most 64 characters, unlike any other launch's."""
        return f"{self.message_id}-{self.receive_count}"


@dataclass(frozen=True, slots=True)
class Lease:
    """A task's right to write to the entry, from its claim to its end.

    Attributes:
        duration: how long the lease lasts without `extend`.
        claimant: tells apart two processes that were started for one launch.
    """

    launch: Launch
    duration: timedelta
    claimant: str = field(default_factory=lambda: uuid.uuid4().hex)

    @classmethod
    def claim(cls, launch: Launch, duration: timedelta, at: datetime) -> tuple[Self, Entry]:
        """Claim the launch's attempt of its job.

        Raises:
            SupersededError: the job is closed or another generation's, a newer launch is under way, the attempt is
                claimed or was declared lost, or another task holds the entry.
        """
        lease = cls(launch, duration)
        actions = [
            Entry.job_state.set(JobState.RUNNING),
            Entry.attempt.set(launch.attempt),
            Entry.claimed_attempt.set(launch.attempt),
            Entry.lease_owner.set(lease.owner),
            Entry.lease_expires_at.set(at + duration),
            Entry.job_started_at.set(at),
            Entry.next_attempt_at.remove(),
            Entry.progress.set(Progress.of(Stage.STARTING)),
            *_due(at + duration),
        ]
        return lease, _update(launch.message.watchlist_id, actions, _newest_launch(launch))

    @property
    def owner(self) -> str:
        """Who holds the entry: the launch and its process."""
        return f"{self.launch.owner}#{self.claimant}"

    def extend(self, at: datetime) -> Entry:
        """Hold the entry for another `duration`.

        Raises:
            SupersededError: the lease is lost.
        """
        return self._write([Entry.lease_expires_at.set(at + self.duration), *_due(at + self.duration)])

    def report(self, stage: Stage, done: int, total: int | None) -> None:
        """Show progress to whoever polls.

        Raises:
            SupersededError: the lease is lost.
        """
        self._write([Entry.progress.set(Progress.of(stage, done, total))])

    def describe(self, package: Package, default_branch: str | None) -> None:
        """Write what is known of the repository.

        Raises:
            SupersededError: the lease is lost.
        """
        self._write([Entry.package.set(package), _set_or_remove(Entry.default_branch, default_branch)])

    def publish(self, manifest: Mapping[str, Any]) -> None:
        """Let these segments be the history from now on.

        Raises:
            SupersededError: the lease is lost.
        """
        self._write([Entry.manifest.set(dict(manifest))])

    def complete(self, result: Mapping[str, Any], at: datetime) -> None:
        """End the job well: the entry is ready with `result` (attribute to value, None removes), the job on record.

        Raises:
            SupersededError: the lease is lost.
        """
        entry = self._entry()
        actions = [
            Entry.job_state.set(JobState.COMPLETED),
            Entry.status.set(EntryStatus.READY),
            Entry.last_error.remove(),
            Entry.last_check.set(LastCheck(at=at, outcome=CheckOutcome.COMPLETED)),
            Entry.check_failures.set(0),
            Entry.progress.set(Progress.of(Stage.DONE, 1, 1)),
            *(_set_or_remove(getattr(Entry, name), value) for name, value in result.items()),
            *_closed(entry, at),
        ]
        _close(entry, actions, self._held(), _job_record(entry, self.launch.attempt, at, None))

    def fail(self, error: JobError, stage: Stage, at: datetime) -> Entry:
        """End this attempt badly: the entry is `retrying` if another one may help and is left, or `failed`.

        Raises:
            SupersededError: the lease is lost.
        """
        reason = LastError.of(error, stage, at)
        if not error.retryable:
            return _fail(self._entry(), self.launch.attempt, reason, self._held(), attempts_used_up=False)
        return _record_failure(self.launch.message, self.launch.attempt, reason, self._held())

    def give_back(self, error: JobError, stage: Stage, at: datetime, until: datetime) -> Entry:
        """Stop without having used the attempt up, as on SIGTERM or when the host asks to wait, to go on at `until`.

        Whatever else this launch reports changes nothing.

        Raises:
            SupersededError: the lease is lost.
        """
        return self._write(_attempt_given_back(self.launch, LastError.of(error, stage, at), until))

    def _entry(self) -> Entry:
        entry = find_entry(self.launch.message.watchlist_id)
        if entry is None or entry.lease_owner != self.owner:
            raise SupersededError(self.launch.message.watchlist_id)
        return entry

    def _write(self, actions: list[Action]) -> Entry:
        return _update(self.launch.message.watchlist_id, actions, self._held())

    def _held(self) -> Condition:
        condition: Condition = _open_job(self.launch.message) & (Entry.lease_owner == self.owner)
        return condition


def _next_generation(entry: Entry, kind: JobKind, job_id: str, correlation_id: str, at: datetime) -> list[Action]:
    return [
        Entry.generation.set(entry.generation + 1),
        Entry.job_id.set(job_id),
        Entry.job_kind.set(kind),
        Entry.correlation_id.set(correlation_id),
        Entry.job_state.set(JobState.QUEUED),
        Entry.job_queued_at.set(at),
        Entry.open_queue.set(kind),
        Entry.called_at.remove(),
        Entry.put_off.remove(),
        *_out_of_line(),
        Entry.job_started_at.remove(),
        Entry.delivery.set(0),
        Entry.attempt.set(0),
        Entry.claimed_attempt.set(0),
        Entry.attempts_used_up.set(False),
        Entry.message_id.remove(),
        Entry.launch_owner.remove(),
        Entry.job_ended_at.remove(),
        Entry.next_attempt_at.remove(),
        Entry.task_arn.remove(),
        Entry.progress.set(Progress.of(Stage.QUEUED)),
        *_lease_released(),
        *_due(at + _Bound.patience.send_timeout),
    ]


def _attempt_given_back(launch: Launch, reason: LastError, until: datetime) -> list[Action]:
    return [
        Entry.job_state.set(JobState.RETRYING),
        Entry.attempt.set(launch.attempt - 1),
        Entry.claimed_attempt.set(launch.attempt - 1),
        Entry.launch_owner.remove(),
        Entry.last_error.set(reason),
        Entry.next_attempt_at.set(until),
        *_lease_released(),
        *_due(until + _Bound.patience.queue_timeout),
    ]


def _record_failure(message: JobMessage, attempt: int, reason: LastError, condition: Condition) -> Entry:
    if attempt >= limits.MAX_ATTEMPTS:
        entry = find_entry(message.watchlist_id)
        if entry is None:
            raise SupersededError(message.watchlist_id)
        return _fail(entry, attempt, reason, condition, attempts_used_up=True)
    next_attempt_at = reason.at + back_off(attempt)
    return _update(
        message.watchlist_id,
        [
            Entry.job_state.set(JobState.RETRYING),
            Entry.attempt.set(attempt),
            Entry.claimed_attempt.set(attempt),
            Entry.last_error.set(reason),
            Entry.next_attempt_at.set(next_attempt_at),
            *_lease_released(),
            *_due(next_attempt_at + _Bound.patience.queue_timeout),
        ],
        condition,
    )


def _fail(entry: Entry, attempt: int, reason: LastError, condition: Condition, *, attempts_used_up: bool) -> Entry:
    actions = [
        Entry.job_state.set(JobState.FAILED),
        Entry.attempt.set(attempt),
        Entry.claimed_attempt.set(attempt),
        Entry.attempts_used_up.set(attempts_used_up),
        Entry.last_check.set(LastCheck.failed(reason.at, reason.code, reason.message)),
        Entry.check_failures.add(1),
        *_closed(entry, reason.at),
    ]
    if entry.kind.is_refresh:
        # The last good data stands; `last_check` says what went wrong.
        actions += [
            Entry.last_error.remove(),
            Entry.progress.set(Progress.of(Stage.DONE, 1, 1)),
        ]
    else:
        actions += [Entry.status.set(EntryStatus.FAILED), Entry.last_error.set(reason)]
    _close(entry, actions, condition, _job_record(entry, attempt, reason.at, reason))
    closed = find_entry(entry.watchlist_id)
    if closed is None:
        raise SupersededError(entry.watchlist_id)
    return closed


def _job_record(entry: Entry, attempts: int, ended_at: datetime, error: LastError | None) -> JobRecord:
    return JobRecord(
        JobRecord.pk_of(entry.kind, failed=error is not None),
        f"{ended_at.isoformat()}#{entry.job_id}",
        job_id=entry.job_id,
        kind=str(entry.kind),
        watchlist_id=entry.watchlist_id,
        repository_url=entry.repository.url,
        generation=entry.generation,
        attempts=attempts,
        queued_at=entry.job_queued_at,
        started_at=entry.job_started_at,
        ended_at=ended_at,
        error=error,
        expires_at=ended_at + limits.JOB_RECORD_RETENTION,
    )


def _close(entry: Entry, actions: list[Action], condition: Condition, record: JobRecord) -> None:
    """Close the job and put it on record, both or neither."""

    def close() -> None:
        with transaction() as writes:
            writes.update(Entry(entry.watchlist_id, ENTRY_KEY), actions=actions, condition=condition)
            writes.save(record)

    try:
        despite_others(close)
    except TransactWriteError as error:
        if is_refused(error):
            raise SupersededError(entry.watchlist_id) from None
        raise


def _closed(entry: Entry, at: datetime) -> list[Action]:
    actions = [
        Entry.job_ended_at.set(at),
        Entry.next_attempt_at.remove(),
        Entry.open_queue.remove(),
        *_out_of_line(),
        # The scheduler looks at once: it tells the watchers and says when the next check is due.
        Entry.due_kind.set(DueKind.CHECK),
        Entry.due_at.set(at),
        *_lease_released(),
    ]
    if not entry.kind.is_refresh:
        actions.append(Entry.processing_completed_at.set(at))
    return actions


def _open_job(message: JobMessage) -> Condition:
    condition: Condition = (
        (Entry.generation == message.generation)
        & (Entry.job_id == message.job_id)
        & Entry.job_state.is_in(JobState.QUEUED, JobState.RUNNING, JobState.RETRYING)
    )
    return condition


def _newest_launch(launch: Launch) -> Condition:
    """The launch is the one under way, its attempt neither claimed nor declared lost, and nobody holds the entry."""
    condition: Condition = (
        _open_job(launch.message)
        & (Entry.launch_owner == launch.owner)
        & (Entry.claimed_attempt < launch.attempt)
        & Entry.lease_owner.does_not_exist()
    )
    return condition


def _due(at: datetime) -> list[Action]:
    return [Entry.due_kind.set(DueKind.JOB), Entry.due_at.set(at)]


def _out_of_line() -> list[Action]:
    return [Entry.waits_in.remove(), Entry.turn.remove()]


def _lease_released() -> list[Action]:
    return [Entry.lease_owner.remove(), Entry.lease_expires_at.remove()]


def _set_or_remove(attribute: Any, value: Any) -> Action:  # noqa: ANN401 - PynamoDB's attributes have no common type
    action: Action = attribute.remove() if value is None else attribute.set(value)
    return action


def _update(watchlist_id: str, actions: list[Action], condition: Condition) -> Entry:
    entry = Entry(watchlist_id, ENTRY_KEY)
    if not updates.update(entry, actions, condition):
        raise SupersededError(watchlist_id)
    return entry
