"""What to do with a received job message: a pure decision from the message and its entry."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from watchlist.errors import JobError
from watchlist.jobs import reconciling
from watchlist.jobs.message import JobMessage
from watchlist.states import JobState
from watchlist.storage.records import Entry


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A job message as the dispatcher receives it.

    Attributes:
        sent_at: when it was sent to this queue; a redrive from the dead-letter queue counts as sent anew, with another
            message id (SQS developer guide, "Configuring a dead-letter queue redrive").
    """

    message: JobMessage
    message_id: str
    receive_count: int
    receipt_handle: str
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class Drop:
    """Delete the message: nothing is left to do for it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Start:
    """Launch a task for this attempt."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Postpone:
    """Put a copy in the message's place: this receive was not an attempt and must not count as one.

    Attributes:
        for_task: a task has the job; its sign of life is what the reconciler goes by, not the copy's arrival.
    """

    delay: timedelta
    reason: str
    for_task: bool = False


@dataclass(frozen=True, slots=True)
class DeclareLost:
    """The last attempt ended without a report: record it, then decide again on what the entry is then."""

    error: JobError


@dataclass(frozen=True, slots=True)
class LeaveToDeadLetterQueue:
    """Hand the message back unserved until SQS itself moves it to the dead-letter queue."""


@dataclass(frozen=True, slots=True)
class Redrive:
    """An operator took the message out of the dead-letter queue: start a new generation, delete the message."""


Decision = Drop | Start | Postpone | DeclareLost | LeaveToDeadLetterQueue | Redrive


def decide(
    received: ReceivedMessage, entry: Entry | None, now: datetime, *, host_paused_until: datetime | None = None
) -> Decision:
    """Return what the dispatcher does with `received`, given the entry and its host's pause as read now."""
    message = received.message
    if entry is None:
        return Drop("the entry is gone")
    if message.generation != entry.generation or message.job_id != entry.job_id:
        return Drop("another job of the entry came after it")
    if not entry.state.is_open:
        return _decide_closed(received, entry)
    if message.delivery < entry.delivery:
        return Drop("a copy took its place")
    decision = _decide_open(received, entry, now)
    if isinstance(decision, Start) and host_paused_until is not None and host_paused_until > now:
        return Postpone(host_paused_until - now, "its host asks for fewer requests")
    return decision


def _decide_closed(received: ReceivedMessage, entry: Entry) -> Decision:
    if entry.state is JobState.COMPLETED:
        return Drop("the job is completed")
    if not entry.attempts_used_up:
        return Drop("the job failed for good")
    if received.sent_at > entry.job_ended_at:
        return Redrive()  # nobody but an operator sends a message of a job that has ended
    if received.message.delivery != entry.delivery or entry.message_id not in {None, received.message_id}:
        return Drop("another message of the job is the one that failed")
    # SQS moves the message that used up the attempts by itself; it comes by here only if it has receives left over.
    return LeaveToDeadLetterQueue()


def _decide_open(received: ReceivedMessage, entry: Entry, now: datetime) -> Decision:
    if entry.has_live_lease(now):
        return Postpone(entry.lease_expires_at - now, "a task is at work on it", for_task=True)
    if entry.awaits_claim and entry.due_at > now:
        return Postpone(entry.due_at - now, "a task is starting", for_task=True)
    lost = reconciling.why_lost(entry)
    if lost is not None:
        return DeclareLost(lost)
    attempt = entry.attempt + 1
    if received.receive_count > attempt:
        # Receives that were no attempts (a crash, a second delivery) have eaten up some of SQS's count: with this
        # message the job would reach the dead-letter queue before its last attempt.
        return Postpone(timedelta(0), "receives were lost")
    return Start(attempt)
