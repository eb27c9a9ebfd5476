"""What the HTTP API shows of the records: every JSON object that an answer contains."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, Field, PlainSerializer

from functions.problems import Problem
from watchlist import clock
from watchlist.alerts.alert import Alert
from watchlist.entries import EntryWithWatchers
from watchlist.errors import ErrorCode
from watchlist.records import AlertRecord, CommitRecord, Entry, HealthRecord, JobRecord, LastError, Progress, UserEntry
from watchlist.states import CheckOutcome, DueKind, EntryStatus, Stage

Moment = Annotated[datetime, PlainSerializer(clock.to_json, return_type=str)]
"""UTC, ISO-8601, with `Z`."""


class AddAnswer(BaseModel):
    """What became of an add."""

    message: str
    watchlist_id: str
    status: EntryStatus


class BatchOutcome(StrEnum):
    """What became of one item of a batch add."""

    ACCEPTED = "accepted"
    JOINED = "joined"
    ALREADY_WATCHING = "already_watching"
    REJECTED = "rejected"


class BatchItemAnswer(BaseModel):
    """The result of one item of a batch add."""

    index: Annotated[int, Field(description="The item's place in the request, from 0.")]
    outcome: BatchOutcome
    watchlist_id: str | None
    status: EntryStatus | None
    problem: Annotated[Problem | None, Field(description="Why it was not added, as the single add would answer.")]


class BatchAnswer(BaseModel):
    """One result per item, in the order of the request."""

    results: list[BatchItemAnswer]


class ErrorAnswer(BaseModel):
    """Why the last attempt failed."""

    code: ErrorCode
    message: str
    stage: Stage | None
    retryable: bool
    at: Moment

    @classmethod
    def of(cls, error: LastError | None) -> "ErrorAnswer | None":
        """Show `error`, if there is one."""
        if error is None:
            return None
        return cls(
            code=ErrorCode(error.code),
            message=error.message,
            stage=Stage(error.stage) if error.stage else None,
            retryable=error.retryable,
            at=error.at,
        )


class ProgressAnswer(BaseModel):
    """How far the job is."""

    stage: Stage
    done: int
    total: Annotated[int | None, Field(description="Null while it is not known.")]

    @classmethod
    def of(cls, progress: Progress | None) -> "ProgressAnswer | None":
        """Show `progress`, if there is any."""
        if progress is None:
            return None
        total = None if progress.total is None else int(progress.total)
        return cls(stage=Stage(progress.stage), done=int(progress.done), total=total)


class UserEntryAnswer(BaseModel):
    """One user's watch on the repository."""

    user_watchlist_id: str
    added_by: str
    added_at: Moment
    notes: str | None
    alerts: dict[str, Any]

    @classmethod
    def of(cls, entry: UserEntry) -> "UserEntryAnswer":
        """Show a user entry."""
        return cls(
            user_watchlist_id=entry.user_watchlist_id,
            added_by=entry.user,
            added_at=entry.added_at,
            notes=entry.notes,
            alerts=entry.alerts,
        )


class CheckErrorAnswer(BaseModel):
    """Why the repository could not be brought up to date."""

    code: ErrorCode
    message: str


class LastCheckAnswer(BaseModel):
    """The last look at a repository; what is stored is that of the last good one."""

    at: str
    outcome: CheckOutcome
    error: CheckErrorAnswer | None

    @classmethod
    def of(cls, last_check: dict[str, Any] | None) -> "LastCheckAnswer | None":
        """Show the last check, if there was one."""
        return None if last_check is None else cls.model_validate(last_check)


class StatusAnswer(BaseModel):
    """Everything that a person who polls sees."""

    watchlist_id: str
    status: EntryStatus
    processing_started_at: Moment
    processing_completed_at: Moment | None
    last_error: ErrorAnswer | None
    attempt: Annotated[int, Field(description="Of at most `max_attempts`; 0 until the first one starts.")]
    max_attempts: int
    next_attempt_at: Moment | None
    progress: ProgressAnswer | None
    package: Annotated[dict[str, Any], Field(description="What is known of the repository.")]
    head_sha: Annotated[str | None, Field(description="The commit up to which the history is stored.")]
    commits: Annotated[int | None, Field(description="Commits stored; null until known.")]
    checked_at: Annotated[Moment | None, Field(description="When the repository last said where its HEAD is.")]
    next_check_at: Annotated[Moment | None, Field(description="Null while a job is open.")]
    analyzed_at: Annotated[Moment | None, Field(description="When the health that is shown was computed.")]
    scorecard_date: Annotated[Moment | None, Field(description="When Scorecard ran for the score that is shown.")]
    last_check: Annotated[LastCheckAnswer | None, Field(description="When and how the repository was last looked at.")]
    watchers: int
    user_watchlists: Annotated[
        list[UserEntryAnswer], Field(description="The named user's entry, or the first ones of all users.")
    ]

    @classmethod
    def of(cls, shown: EntryWithWatchers, max_attempts: int) -> "StatusAnswer":
        """Show an entry with its watchers."""
        entry = shown.entry
        return cls(
            watchlist_id=entry.watchlist_id,
            status=entry.entry_status,
            processing_started_at=entry.processing_started_at,
            processing_completed_at=entry.processing_completed_at,
            last_error=ErrorAnswer.of(entry.last_error),
            attempt=int(entry.attempt),
            max_attempts=max_attempts,
            next_attempt_at=entry.next_attempt_at,
            progress=ProgressAnswer.of(entry.progress),
            package=_package(entry),
            head_sha=entry.head_sha,
            commits=None if entry.commits is None else int(entry.commits),
            checked_at=entry.checked_at,
            next_check_at=entry.due_at if entry.due_kind == DueKind.CHECK else None,
            analyzed_at=entry.analyzed_at,
            scorecard_date=entry.scorecard_date,
            last_check=LastCheckAnswer.of(entry.last_check),
            watchers=int(entry.watchers),
            user_watchlists=[UserEntryAnswer.of(user_entry) for user_entry in shown.user_entries],
        )


class SignatureAnswer(BaseModel):
    """Who and when."""

    name: str
    email: str
    time: Moment


class CommitAnswer(BaseModel):
    """One commit."""

    sha: str
    parents: list[str]
    author: SignatureAnswer
    committer: SignatureAnswer
    subject: str
    message: str
    signed: bool
    files_changed: Annotated[int | None, Field(description="Null while unknown, and where it cannot be had.")]
    lines_added: int | None
    lines_deleted: int | None

    @classmethod
    def of(cls, record: CommitRecord) -> "CommitAnswer":
        """Show a commit."""
        return cls(
            sha=record.sha,
            parents=list(record.parents),
            author=SignatureAnswer(name=record.author_name, email=record.author_email, time=record.authored_at),
            committer=SignatureAnswer(
                name=record.committer_name, email=record.committer_email, time=record.committed_at
            ),
            subject=record.subject,
            message=record.message,
            signed=record.signed,
            files_changed=_whole(record.files_changed),
            lines_added=_whole(record.lines_added),
            lines_deleted=_whole(record.lines_deleted),
        )


class CommitPage(BaseModel):
    """Commits, newest first, and where the next page begins."""

    items: list[CommitAnswer]
    next_cursor: Annotated[str | None, Field(description="Give it as `cursor` for the next page; null at the end.")]


class HealthPoint(BaseModel):
    """One analysis in short."""

    analyzed_at: Moment
    score: float | None
    activity_score: float | None


class HealthAnswer(BaseModel):
    """The latest analysis and the history of the scores."""

    watchlist_id: str
    analyzed_at: Moment | None
    head_sha: str | None
    scorecard: Annotated[dict[str, Any] | None, Field(description="Scorecard's result, or why there is none.")]
    history_metrics: Annotated[dict[str, Any] | None, Field(description="The metrics of the last year's commits.")]
    history: Annotated[list[HealthPoint], Field(description="Earlier and latest analyses, newest first.")]

    @classmethod
    def of(cls, entry: Entry, records: list[HealthRecord]) -> "HealthAnswer":
        """Show the analyses of an entry, newest first."""
        latest = records[0] if records else None
        return cls(
            watchlist_id=entry.watchlist_id,
            analyzed_at=latest.analyzed_at if latest else None,
            head_sha=latest.head_sha if latest else None,
            scorecard=latest.document["scorecard"] if latest else None,
            history_metrics=latest.document["history_metrics"] if latest else None,
            history=[_point(record) for record in records],
        )


class WatchedAnswer(BaseModel):
    """One entry of a user's watchlist: the watch and, in short, what is watched."""

    user_watchlist_id: str
    watchlist_id: str
    repository_url: str
    status: EntryStatus
    score: float | None
    analyzed_at: Moment | None
    added_at: Moment
    notes: str | None
    alerts: dict[str, Any]

    @classmethod
    def of(cls, user_entry: UserEntry, entry: Entry) -> "WatchedAnswer":
        """Show a user entry with its entry."""
        return cls(
            user_watchlist_id=user_entry.user_watchlist_id,
            watchlist_id=entry.watchlist_id,
            repository_url=entry.repository.url,
            status=entry.entry_status,
            score=entry.score,
            analyzed_at=entry.analyzed_at,
            added_at=user_entry.added_at,
            notes=user_entry.notes,
            alerts=user_entry.alerts,
        )


class WatchlistPage(BaseModel):
    """A user's entries, newest first, and where the next page begins."""

    items: list[WatchedAnswer]
    next_cursor: Annotated[str | None, Field(description="Give it as `cursor` for the next page; null at the end.")]


class AlertAnswer(Alert):
    """One alert of a user entry."""

    user_watchlist_id: str
    watchlist_id: str
    raised_at: Moment
    acknowledged_at: Moment | None
    resolved_at: Moment | None

    @classmethod
    def of(cls, record: AlertRecord) -> "AlertAnswer":
        """Show an alert."""
        return cls(
            **Alert.model_validate(record.alert).model_dump(),
            user_watchlist_id=record.user_watchlist_id,
            watchlist_id=record.watchlist_id,
            raised_at=record.raised_at,
            acknowledged_at=record.acknowledged_at,
            resolved_at=record.resolved_at,
        )


class AlertPage(BaseModel):
    """Alerts, newest first, and where the next page begins."""

    items: list[AlertAnswer]
    next_cursor: Annotated[str | None, Field(description="Give it as `cursor` for the next page; null at the end.")]


class JobAnswer(BaseModel):
    """What became of one job."""

    job_id: str
    watchlist_id: str
    repository_url: str
    outcome: str
    attempts: int
    queued_at: Moment
    started_at: Moment | None
    ended_at: Moment
    seconds_queued: Annotated[float | None, Field(description="From the queue to the last attempt's start.")]
    seconds_run: Annotated[float | None, Field(description="From the last attempt's start to the end.")]
    error: ErrorAnswer | None

    @classmethod
    def of(cls, record: JobRecord) -> "JobAnswer":
        """Show a job's record."""
        started = record.started_at
        return cls(
            job_id=record.job_id,
            watchlist_id=record.watchlist_id,
            repository_url=record.repository_url,
            outcome="failed" if record.error else "completed",
            attempts=int(record.attempts),
            queued_at=record.queued_at,
            started_at=started,
            ended_at=record.ended_at,
            seconds_queued=(started - record.queued_at).total_seconds() if started else None,
            seconds_run=(record.ended_at - started).total_seconds() if started else None,
            error=ErrorAnswer.of(record.error),
        )


class QueueJobs(BaseModel):
    """The recent jobs of one queue, newest first."""

    queue: str
    completed: list[JobAnswer]
    failed: list[JobAnswer]


class JobsAnswer(BaseModel):
    """The recent jobs of all queues."""

    queues: list[QueueJobs]


class QueueAnswer(BaseModel):
    """What is in one queue now; SQS's numbers are approximate."""

    queue: str
    waiting: int
    in_flight: int
    delayed: int
    dead_letters: Annotated[int, Field(description="Visible and in flight: jobs that need an operator.")]
    oldest_seconds: Annotated[float | None, Field(description="Age of the job that is queued longest; null if none.")]


class QueuesAnswer(BaseModel):
    """All queues."""

    queues: list[QueueAnswer]


def _package(entry: Entry) -> dict[str, Any]:
    known: dict[str, Any] = {"name": entry.name, "owner": entry.owner, "url": entry.repository.url}
    described = entry.package or {}
    # What the repository itself says of its branch is newer than its description.
    branch = entry.default_branch or described.get("default_branch")
    return known | described | {"default_branch": branch}


def _point(record: HealthRecord) -> HealthPoint:
    scorecard, metrics = record.document["scorecard"], record.document["history_metrics"]
    return HealthPoint(
        analyzed_at=record.analyzed_at,
        score=scorecard["score"] if scorecard else None,
        activity_score=metrics["activity"]["value"] if metrics else None,
    )


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)
