"""What the HTTP API shows of the records: every JSON object that an answer contains."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, PlainSerializer, WithJsonSchema

from functions.http.documented import stored_as
from functions.http.problems import Problem
from watchlist import clock
from watchlist.alerts.alert import Alert
from watchlist.alerts.settings import AlertSettings
from watchlist.errors import ErrorCode
from watchlist.health.scorecard import ScorecardResult
from watchlist.history.metrics import HistoryMetrics
from watchlist.job_kinds import JobKind
from watchlist.states import CheckOutcome, DueKind, EntryStatus, Stage
from watchlist.storage.records import (
    AlertRecord,
    CommitRecord,
    Entry,
    HealthRecord,
    JobRecord,
    LastError,
    Progress,
    UserEntry,
)
from watchlist.watching.entries import EntryWithWatchers
from watchlist.watching.package import Package

Moment = Annotated[
    datetime,
    PlainSerializer(clock.to_json, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-01-31T12:00:00.000Z"]}),
]
"""UTC, ISO-8601, with `Z`."""

ShownStatus = Annotated[
    Literal[EntryStatus.PROCESSING, EntryStatus.READY, EntryStatus.FAILED],
    Field(examples=[EntryStatus.READY]),
]
"""The statuses that callers see; a removed entry is shown to nobody."""

WatchlistId = Annotated[
    str, Field(description="Names the watched repository.", examples=["watchlist_pallets_flask_1764000000"])
]
UserWatchlistId = Annotated[
    str,
    Field(
        description="Names one user's watch on it.",
        examples=["user_cfe00dde46ef942601ffafb9e2825e80_watchlist_pallets_flask_1764000000"],
    ),
]
RepositoryUrl = Annotated[
    str, Field(description="The repository's address.", examples=["https://github.com/pallets/flask"])
]
Sha = Annotated[str, Field(examples=["8d3a1c1e6f0b4c7d9e2f5a6b7c8d9e0f1a2b3c4d"])]
NextCursor = Annotated[
    str | None,
    Field(description="Give it as `cursor` for the next page; null on the last one.", examples=["WyIyMDI2LTAxIl0"]),
]
Alerts = Annotated[
    dict[str, Any],
    stored_as(AlertSettings),
]
"""What the user chose; what they never chose has its default and is left out."""
Score = Annotated[
    float | None, Field(description="Scorecard's score, 0 to 10; null where there is none.", examples=[7.3])
]


class AddAnswer(BaseModel):
    """What became of an add or a retry."""

    message: Annotated[
        str,
        Field(
            description="For a person.",
            examples=["Repository added to watchlist. Background processing will begin shortly."],
        ),
    ]
    watchlist_id: WatchlistId
    status: Annotated[ShownStatus, Field(description="The entry's status now.", examples=[EntryStatus.PROCESSING])]


class BatchOutcome(StrEnum):
    """What became of one item of a batch add."""

    ACCEPTED = "accepted"
    JOINED = "joined"
    ALREADY_WATCHING = "already_watching"
    REJECTED = "rejected"


class BatchItemAnswer(BaseModel):
    """The result of one item of a batch add."""

    index: Annotated[int, Field(description="The item's place in the request, from 0.", examples=[0])]
    outcome: Annotated[
        BatchOutcome,
        Field(
            description="`accepted`: the repository is new. `joined`: others watch it already, and now this user too. "
            "`already_watching`: nothing changed. `rejected`: see `problem`.",
            examples=[BatchOutcome.ACCEPTED],
        ),
    ]
    watchlist_id: Annotated[WatchlistId | None, Field(description="The entry; null if rejected.")]
    status: Annotated[ShownStatus | None, Field(description="The entry's status; null if rejected.")]
    problem: Annotated[
        Problem | None,
        Field(description="Why it was not added, as the single add would answer; else null.", examples=[None]),
    ]


class BatchAnswer(BaseModel):
    """One result per item, in the order of the request."""

    results: Annotated[list[BatchItemAnswer], Field(description="As many as there were items.")]


class ErrorAnswer(BaseModel):
    """Why the last attempt failed."""

    code: Annotated[ErrorCode, Field(description="Stable.", examples=[ErrorCode.HOST_UNREACHABLE])]
    message: Annotated[str, Field(description="For a person.", examples=["The host did not answer."])]
    stage: Annotated[Stage | None, Field(description="What the job did when it failed.", examples=[Stage.CLONING])]
    retryable: Annotated[bool, Field(description="Whether another attempt can help.", examples=[True])]
    at: Annotated[Moment, Field(description="When it failed.")]

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

    stage: Annotated[Stage, Field(description="What it does now.", examples=[Stage.STORING_COMMITS])]
    done: Annotated[int, Field(description="Of this stage.", examples=[300])]
    total: Annotated[int | None, Field(description="Null while it is not known.", examples=[1000])]

    @classmethod
    def of(cls, progress: Progress | None) -> "ProgressAnswer | None":
        """Show `progress`, if there is any."""
        if progress is None:
            return None
        total = None if progress.total is None else int(progress.total)
        return cls(stage=Stage(progress.stage), done=int(progress.done), total=total)


class UserEntryAnswer(BaseModel):
    """One user's watch on the repository."""

    user_watchlist_id: UserWatchlistId
    added_by: Annotated[str, Field(description="The user.", examples=["ada@example.org"])]
    added_at: Annotated[Moment, Field(description="When the user added it.")]
    notes: Annotated[str | None, Field(description="Why, in the user's words.", examples=["We depend on it."])]
    alerts: Alerts

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

    code: Annotated[ErrorCode, Field(description="Stable.", examples=[ErrorCode.HOST_UNREACHABLE])]
    message: Annotated[str, Field(description="For a person.", examples=["The host did not answer."])]


class LastCheckAnswer(BaseModel):
    """The last look at a repository; what is stored is that of the last good one."""

    at: Annotated[Moment, Field(description="When it ended.")]
    outcome: Annotated[CheckOutcome, Field(description="How.", examples=[CheckOutcome.UNCHANGED])]
    error: Annotated[CheckErrorAnswer | None, Field(description="Why it failed; else null.", examples=[None])]


class StatusAnswer(BaseModel):
    """Everything that a person who polls sees."""

    watchlist_id: WatchlistId
    status: Annotated[
        ShownStatus,
        Field(
            description="`failed` only when no attempt is left. A refresh that fails leaves a ready entry ready: "
            "see `last_check`."
        ),
    ]
    processing_started_at: Annotated[Moment, Field(description="When it was added, or retried last.")]
    processing_completed_at: Annotated[Moment | None, Field(description="Null while it is processing.")]
    last_error: Annotated[ErrorAnswer | None, Field(description="Of the last attempt, if it failed.", examples=[None])]
    attempt: Annotated[int, Field(description="Of at most `max_attempts`; 0 until the first starts.", examples=[1])]
    max_attempts: Annotated[int, Field(description="When so many have failed, the entry has.", examples=[3])]
    next_attempt_at: Annotated[Moment | None, Field(description="While it waits for the next one.", examples=[None])]
    progress: Annotated[ProgressAnswer | None, Field(description="Of the current or last job.")]
    package: Annotated[dict[str, Any], stored_as(Package)]
    head_sha: Annotated[Sha | None, Field(description="The commit up to which the history is stored.")]
    commits: Annotated[int | None, Field(description="Commits stored; null until known.", examples=[423])]
    checked_at: Annotated[Moment | None, Field(description="When the repository last said where its HEAD is.")]
    next_check_at: Annotated[Moment | None, Field(description="Null while a job is open.")]
    analyzed_at: Annotated[Moment | None, Field(description="When the health that is shown was computed.")]
    scorecard_date: Annotated[Moment | None, Field(description="When Scorecard ran for the score that is shown.")]
    last_check: Annotated[
        Annotated[dict[str, Any], stored_as(LastCheckAnswer)] | None,
        Field(description="When and how the repository was last looked at; null until it was."),
    ]
    watchers: Annotated[int, Field(description="How many users watch it.", examples=[1])]
    user_watchlists: Annotated[
        list[UserEntryAnswer],
        Field(
            description="With a token or with `user`: that user's entry, if there is one. Otherwise the first "
            "ones of all users."
        ),
    ]

    @classmethod
    def of(cls, shown: EntryWithWatchers, max_attempts: int) -> "StatusAnswer":
        """Show an entry with its watchers."""
        entry = shown.entry
        return cls(
            watchlist_id=entry.watchlist_id,
            status=_shown(entry.entry_status),
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
            last_check=entry.last_check,
            watchers=int(entry.watchers),
            user_watchlists=[UserEntryAnswer.of(user_entry) for user_entry in shown.user_entries],
        )


class SignatureAnswer(BaseModel):
    """Who and when."""

    name: Annotated[str, Field(description="As git has it, cut to size.", examples=["Ada Lovelace"])]
    email: Annotated[str, Field(description="As git has it, cut to size.", examples=["ada@example.org"])]
    time: Annotated[Moment, Field(description="In UTC.")]


class CommitAnswer(BaseModel):
    """One commit."""

    sha: Annotated[Sha, Field(description="The commit's id.")]
    parents: Annotated[list[Sha], Field(description="Ids of its parents; more than one make it a merge.")]
    author: Annotated[SignatureAnswer, Field(description="Who wrote the change.")]
    committer: Annotated[SignatureAnswer, Field(description="Who made the commit; pages are ordered by this time.")]
    subject: Annotated[str, Field(description="First line of the message.", examples=["Fix the parser"])]
    message: Annotated[str, Field(description="The message, cut to size.", examples=["Fix the parser\n\nIt was late."])]
    signed: Annotated[bool, Field(description="Whether it carries a signature, valid or not.", examples=[False])]
    files_changed: Annotated[
        int | None, Field(description="Null while unknown, and where it cannot be had.", examples=[2])
    ]
    lines_added: Annotated[int | None, Field(description="As `files_changed`.", examples=[10])]
    lines_deleted: Annotated[int | None, Field(description="As `files_changed`.", examples=[3])]

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

    items: Annotated[list[CommitAnswer], Field(description="Can be fewer than `limit` on any page.")]
    next_cursor: NextCursor


class HealthPoint(BaseModel):
    """One analysis in short."""

    analyzed_at: Annotated[Moment, Field(description="When.")]
    score: Score
    activity_score: Annotated[
        float | None, Field(description="How much is going on, 0 to 100; null where unknown.", examples=[64])
    ]


class HealthAnswer(BaseModel):
    """The latest analysis and the history of the scores."""

    watchlist_id: WatchlistId
    analyzed_at: Annotated[Moment | None, Field(description="Null until the first analysis.")]
    head_sha: Annotated[Sha | None, Field(description="The commit that was analysed.")]
    scorecard: Annotated[
        Annotated[dict[str, Any], stored_as(ScorecardResult)] | None,
        Field(description="OpenSSF Scorecard's result, or why there is none; null until the first analysis."),
    ]
    history_metrics: Annotated[
        Annotated[dict[str, Any], stored_as(HistoryMetrics)] | None,
        Field(description="The metrics of the last year's commits; null until the first analysis."),
    ]
    history: Annotated[list[HealthPoint], Field(description="The last analyses, newest first.")]

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

    user_watchlist_id: UserWatchlistId
    watchlist_id: WatchlistId
    repository_url: RepositoryUrl
    status: Annotated[ShownStatus, Field(description="The entry's status.")]
    score: Score
    analyzed_at: Annotated[Moment | None, Field(description="When the last analysis ended.")]
    added_at: Annotated[Moment, Field(description="When the user added it.")]
    notes: Annotated[str | None, Field(description="Why, in the user's words.", examples=["We depend on it."])]
    alerts: Alerts

    @classmethod
    def of(cls, user_entry: UserEntry, entry: Entry) -> "WatchedAnswer":
        """Show a user entry with its entry."""
        return cls(
            user_watchlist_id=user_entry.user_watchlist_id,
            watchlist_id=entry.watchlist_id,
            repository_url=entry.repository.url,
            status=_shown(entry.entry_status),
            score=entry.score,
            analyzed_at=entry.analyzed_at,
            added_at=user_entry.added_at,
            notes=user_entry.notes,
            alerts=user_entry.alerts,
        )


class WatchlistPage(BaseModel):
    """A user's entries, newest first, and where the next page begins."""

    items: Annotated[list[WatchedAnswer], Field(description="Can be fewer than `limit` on any page.")]
    next_cursor: NextCursor


class AlertAnswer(Alert):
    """One alert of a user entry."""

    user_watchlist_id: UserWatchlistId
    watchlist_id: WatchlistId
    raised_at: Annotated[Moment, Field(description="When; 90 days later it is forgotten.")]
    acknowledged_at: Annotated[Moment | None, Field(description="When the user has seen it.", examples=[None])]
    resolved_at: Annotated[Moment | None, Field(description="When the user has dealt with it.", examples=[None])]

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

    items: Annotated[list[AlertAnswer], Field(description="At most `limit`.")]
    next_cursor: NextCursor


class JobAnswer(BaseModel):
    """What became of one job."""

    job_id: Annotated[
        str, Field(description="Stands in all log lines of the job.", examples=["0f5c1f0d2a9b4e5c8d6f7a8b9c0d1e2f"])
    ]
    watchlist_id: WatchlistId
    repository_url: RepositoryUrl
    outcome: Annotated[Literal["completed", "failed"], Field(description="How it ended.", examples=["completed"])]
    attempts: Annotated[int, Field(description="Tasks that ran for it.", examples=[1])]
    queued_at: Annotated[Moment, Field(description="When it was queued.")]
    started_at: Annotated[Moment | None, Field(description="When the last attempt started; null if none did.")]
    ended_at: Annotated[Moment, Field(description="When it ended.")]
    seconds_queued: Annotated[
        float | None, Field(description="From the queue to the last attempt's start.", examples=[41.5])
    ]
    seconds_run: Annotated[
        float | None, Field(description="From the last attempt's start to the end.", examples=[12.25])
    ]
    error: Annotated[ErrorAnswer | None, Field(description="Why it failed; else null.", examples=[None])]

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


QueueName = Annotated[JobKind, Field(description="The queue.", examples=[JobKind.REPOSITORY_SETUP])]


class QueueJobs(BaseModel):
    """The recent jobs of one queue, newest first."""

    queue: QueueName
    completed: Annotated[list[JobAnswer], Field(description="The last 100.")]
    failed: Annotated[list[JobAnswer], Field(description="The last 50.", examples=[[]])]


class JobsAnswer(BaseModel):
    """The recent jobs of all queues."""

    queues: Annotated[list[QueueJobs], Field(description="One each.")]


class QueueAnswer(BaseModel):
    """What is in one queue now; SQS's numbers are approximate."""

    queue: QueueName
    waiting: Annotated[int, Field(description="Messages that can be received.", examples=[0])]
    in_flight: Annotated[int, Field(description="Messages whose jobs are being worked on.", examples=[2])]
    delayed: Annotated[int, Field(description="Messages that wait for their time.", examples=[0])]
    dead_letters: Annotated[int, Field(description="Visible and in flight: jobs that need an operator.", examples=[0])]
    oldest_seconds: Annotated[
        float | None, Field(description="Age of the job that is queued longest; null if none.", examples=[12.5])
    ]


class QueuesAnswer(BaseModel):
    """All queues."""

    queues: Annotated[list[QueueAnswer], Field(description="One each.")]


def _shown(status: EntryStatus) -> Literal[EntryStatus.PROCESSING, EntryStatus.READY, EntryStatus.FAILED]:
    """Return a status that callers see.

    Raises:
        ValueError: it is none.
    """
    if status is EntryStatus.REMOVED:
        raise ValueError("a removed entry is shown to nobody")
    return status


def _package(entry: Entry) -> dict[str, Any]:
    repository = entry.repository
    known = Package(
        name=f"{repository.owner}/{repository.name}", url=repository.url, default_branch=entry.default_branch
    )
    described = known.model_dump(mode="json") | (entry.package or {})
    # What the repository itself says of its branch is newer than its description.
    return described | ({"default_branch": entry.default_branch} if entry.default_branch else {})


def _point(record: HealthRecord) -> HealthPoint:
    scorecard, metrics = record.document["scorecard"], record.document["history_metrics"]
    return HealthPoint(
        analyzed_at=record.analyzed_at,
        score=scorecard["score"] if scorecard else None,
        activity_score=metrics["activity"]["value"] if metrics else None,
    )


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)
