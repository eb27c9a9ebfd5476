"""The events that the service puts on its EventBridge bus: their schemas, and which change makes which event.

Schemas are versioned: a field may be added to a version; anything else makes a new one. docs/events.md shows each.
"""

import hashlib
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from watchlist import clock
from watchlist.alerts.alert import Alert
from watchlist.alerts.kind import AlertLevel
from watchlist.alerts.settings import AlertKind
from watchlist.errors import ErrorCode
from watchlist.health.verdict import VerdictState
from watchlist.states import EntryStatus
from watchlist.storage.records import AlertRecord, Entry

SOURCE = "repository-watchlist"
"""`source` of every event."""

Moment = Annotated[datetime, PlainSerializer(clock.to_json, return_type=str)]
"""UTC, ISO-8601, with `Z`."""


class Event(BaseModel):
    """What all events say; the `detail` of an EventBridge event."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    DETAIL_TYPE: ClassVar[str]
    """`detail-type` of the event."""

    schema_version: Literal[1] = 1
    id: str = Field(description="The same for the same event, however often it is delivered: drop what you know.")
    at: Moment = Field(description="When it happened.")
    watchlist_id: str = Field(description="The entry that it is about.")


class RepositoryEvent(Event):
    """An event of a repository as such."""

    repository_url: str = Field(description="The watched repository.")


class RepositoryReady(RepositoryEvent):
    """The repository was analysed for the first time, or again after it had failed."""

    DETAIL_TYPE: ClassVar[str] = "repository.ready"

    commits: int | None = Field(description="Commits stored; null if unknown.")
    score: float | None = Field(description="Scorecard score from 0 to 10; null if there is none.")


class RepositoryFailed(RepositoryEvent):
    """The repository could not be analysed, and no attempt is left."""

    DETAIL_TYPE: ClassVar[str] = "repository.failed"

    error_code: ErrorCode = Field(description="Why; docs/errors.md explains each code.")
    error_message: str = Field(description="The reason in a sentence.")


class HealthChanged(RepositoryEvent):
    """A later analysis came to another Scorecard score, or gained or lost it."""

    DETAIL_TYPE: ClassVar[str] = "health.changed"

    score: float | None = Field(description="Scorecard score from 0 to 10; null if there is none.")
    previous_score: float | None = Field(description="The score before.")


class VerdictChanged(RepositoryEvent):
    """A check found another verdict than the one before."""

    DETAIL_TYPE: ClassVar[str] = "verdict.changed"

    verdict: VerdictState = Field(description="The present one; docs/verdict.md has the rules.")
    previous_verdict: VerdictState = Field(description="The one before.")


class RepositoryMerged(RepositoryEvent):
    """The host calls the repository by a name that has an entry already: its watchers are moved to that one."""

    DETAIL_TYPE: ClassVar[str] = "repository.merged"

    merged_into: str = Field(description="The entry that stays, and that answers for this one's id from now on.")


class AlertRaised(Event):
    """An alert was raised for one user."""

    DETAIL_TYPE: ClassVar[str] = "alert.raised"

    user_watchlist_id: str = Field(description="The user entry whose alert it is.")
    alert_id: str = Field(description="The alert's id in the HTTP API.")
    kind: AlertKind = Field(description="The settings' kind that raised it.")
    level: AlertLevel = Field(description="How urgent it is.")
    message: str = Field(description="One sentence for a person.")
    commit_sha: str | None = Field(description="The commit that raised it, if one did.")


EVENTS: tuple[type[Event], ...] = (
    RepositoryReady,
    RepositoryFailed,
    HealthChanged,
    VerdictChanged,
    RepositoryMerged,
    AlertRaised,
)


def of_entry(before: Entry | None, after: Entry) -> list[Event]:
    """Return the events that a change of an entry makes; the same change makes the same events with the same ids."""
    if before is None:
        return []
    return [
        event for rule in (_setup_ended, _score_changed, _verdict_changed, _merged) if (event := rule(before, after))
    ]


def _setup_ended(before: Entry, after: Entry) -> Event | None:
    if before.entry_status is not EntryStatus.PROCESSING:
        return None
    at, subject = after.processing_completed_at, str(after.generation)
    match after.entry_status:
        case EntryStatus.READY:
            return _of(RepositoryReady, after, at, subject, commits=after.commits, score=after.score)
        case EntryStatus.FAILED:
            error = after.last_error
            return _of(RepositoryFailed, after, at, subject, error_code=error.code, error_message=error.message)
        case _:
            return None


def _score_changed(before: Entry, after: Entry) -> Event | None:
    at = after.analyzed_at
    if before.analyzed_at is None or at is None or before.score == after.score:
        return None
    return _of(HealthChanged, after, at, clock.to_json(at), score=after.score, previous_score=before.score)


def _verdict_changed(before: Entry, after: Entry) -> Event | None:
    was, now = before.verdict, after.verdict
    if was is None or now is None or was == now:
        return None
    at = after.checked_at or after.processing_completed_at or after.created_at
    return _of(VerdictChanged, after, at, was, now, clock.to_json(at), verdict=now, previous_verdict=was)


def _merged(before: Entry, after: Entry) -> Event | None:
    into = after.merged_into
    if not into or into == before.merged_into or after.is_removed:
        return None
    return _of(RepositoryMerged, after, after.renamed_at, into, merged_into=into)


def _of(kind: type[RepositoryEvent], entry: Entry, at: datetime, *subject: str, **said: object) -> Event:
    """Return an event of the entry; with the same subject it has the same id."""
    common = {"at": at, "watchlist_id": entry.watchlist_id, "repository_url": entry.repository.url}
    return kind.model_validate({"id": _id(kind, entry.watchlist_id, *subject), **common, **said})


def of_alert(record: AlertRecord) -> AlertRaised:
    """Return the event of a stored alert."""
    alert = Alert.model_validate(record.alert)
    return AlertRaised(
        id=_id(AlertRaised, alert.id),
        at=record.raised_at,
        watchlist_id=record.watchlist_id,
        user_watchlist_id=record.user_watchlist_id,
        alert_id=alert.id,
        kind=alert.kind,
        level=alert.level,
        message=alert.message,
        commit_sha=alert.commit_sha,
    )


def _id(event: type[Event], *subject: str) -> str:
    # No part of a subject contains a line break.
    return "event_" + hashlib.sha256("\n".join((event.DETAIL_TYPE, *subject)).encode()).hexdigest()[:32]
