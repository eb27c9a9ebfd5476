"""What to do with a received job message: a pure decision from the message and its entry."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from watchlist import limits
from watchlist.job_message import JobMessage
from watchlist.records import Entry
from watchlist.states import JobState


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A job message as the dispatcher receives it."""

    message: JobMessage
    message_id: str
    receive_count: int
    receipt_handle: str


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
    """Put a copy in the message's place: this receive was not an attempt and must not count as one."""

    delay: timedelta
    reason: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The attempts are used up and no task is left to say so: fail the entry, then leave the message to the queue."""


@dataclass(frozen=True, slots=True)
class LeaveToDeadLetterQueue:
    """Hand the message back unserved until SQS itself moves it to the dead-letter queue."""


@dataclass(frozen=True, slots=True)
class Redrive:
    """An operator took the message out of the dead-letter queue: start a new generation, delete the message."""


Decision = Drop | Start | Postpone | GiveUp | LeaveToDeadLetterQueue | Redrive


def decide(received: ReceivedMessage, entry: Entry | None, now: datetime) -> Decision:
    """Return what the dispatcher does with `received`, given the entry as read now."""
    message = received.message
    if entry is None:
        return Drop("the entry is gone")
    if message.generation != entry.generation or message.job_id != entry.job_id:
        return Drop("another job of the entry came after it")
    if not entry.state.is_open:
        return _decide_closed(received, entry)
    if message.delivery < entry.delivery:
        return Drop("a copy took its place")
    if entry.has_live_lease(now):
        return Postpone(entry.lease_expires_at - now, "a task is at work on it")
    return _decide_next_attempt(received, int(entry.attempt) + 1)


def _decide_closed(received: ReceivedMessage, entry: Entry) -> Decision:
    if entry.state is JobState.COMPLETED:
        return Drop("the job is completed")
    if not entry.attempts_used_up:
        return Drop("the job failed for good")
    if received.message.delivery != entry.delivery:
        return Drop("another message of the job is the one that failed")
    # The message that used up the attempts goes to the dead-letter queue by itself; it comes by here only if it has
    # receives left over. The same body under another id has been there and was sent back by an operator.
    if entry.message_id in {None, received.message_id}:
        return LeaveToDeadLetterQueue()
    return Redrive()


def _decide_next_attempt(received: ReceivedMessage, attempt: int) -> Decision:
    if attempt > limits.MAX_ATTEMPTS:
        return GiveUp()
    if received.receive_count > attempt:
        # Receives that were no attempts (a crash, a second delivery) have eaten up some of SQS's count: with this
        # message the job would reach the dead-letter queue before its last attempt.
        return Postpone(timedelta(0), "receives were lost")
    return Start(attempt)
