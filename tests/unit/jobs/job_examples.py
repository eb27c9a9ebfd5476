"""Entries and messages as the protocol leaves them, for tests of its pure decisions."""

from datetime import UTC, datetime, timedelta
from typing import Any

from watchlist import limits
from watchlist.job_kinds import JobKind
from watchlist.jobs import protocol as job_protocol
from watchlist.jobs.dispatching import ReceivedMessage
from watchlist.jobs.message import JobMessage
from watchlist.states import JobState
from watchlist.storage.records import ENTRY_KEY, Entry

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def queued_entry(**changed: Any) -> Entry:
    """Return an entry whose job was queued a minute ago, with some attributes changed."""
    at = NOW - timedelta(minutes=1)
    entry = Entry(
        "watchlist_a_b_1",
        ENTRY_KEY,
        watchlist_id="watchlist_a_b_1",
        origin="https://github.com",
        owner="a",
        name="b",
        created_at=at,
        watchers=1,
        status="processing",
        processing_started_at=at,
        generation=1,
        job_kind=str(JobKind.REPOSITORY_SETUP),
    )
    job_protocol.queued(entry, "0" * 32, "correlation", at)
    for name, value in changed.items():
        setattr(entry, name, value)
    return entry


def running_entry(attempt: int = 1, lease: timedelta = limits.LEASE, **changed: Any) -> Entry:
    """Return an entry that a task has claimed, with `lease` left."""
    return queued_entry(
        job_state=str(JobState.RUNNING),
        attempt=attempt,
        claimed_attempt=attempt,
        lease_owner="message-1#task",
        lease_expires_at=NOW + lease,
        due_at=NOW + lease,
        message_id="message",
        **changed,
    )


def retrying_entry(attempt: int = 1, **changed: Any) -> Entry:
    """Return an entry between two attempts."""
    changed.setdefault("next_attempt_at", NOW)
    return queued_entry(
        job_state=str(JobState.RETRYING),
        attempt=attempt,
        claimed_attempt=attempt,
        due_at=NOW + limits.QUEUE_TIMEOUT,
        message_id="message",
        **changed,
    )


def closed_entry(state: JobState, *, attempts_used_up: bool = False, **changed: Any) -> Entry:
    """Return an entry whose job ended now."""
    defaults: dict[str, Any] = {"attempt": 3, "claimed_attempt": 3, "message_id": "message"}
    return queued_entry(
        **defaults
        | {
            "job_state": str(state),
            "attempts_used_up": attempts_used_up,
            "job_ended_at": NOW,
            "due_kind": None,
            "due_at": None,
        }
        | changed
    )


def received(entry: Entry, receive_count: int = 1, **changed: Any) -> ReceivedMessage:
    """Return a received message of the entry's job, with some fields changed."""
    message = job_protocol.message_of(entry)
    fields = {name: changed.pop(name) for name in list(changed) if name in JobMessage.model_fields}
    arguments: dict[str, Any] = {
        "message_id": "message",
        "receive_count": receive_count,
        "receipt_handle": "receipt",
        "sent_at": NOW - timedelta(minutes=1),
    }
    return ReceivedMessage(message.model_copy(update=fields), **(arguments | changed))
