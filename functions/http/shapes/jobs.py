"""What recent jobs and the queues show."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from functions.http.shapes.fields import STANDINGS, ErrorAnswer, Moment, RepositoryUrl, WatchlistId
from watchlist.job_kinds import JobKind
from watchlist.jobs.open import Standing, standing_of
from watchlist.states import Share
from watchlist.storage.records import Entry, JobRecord


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
            attempts=record.attempts,
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


class OpenJobAnswer(BaseModel):
    """One job that has not ended."""

    job_id: Annotated[
        str, Field(description="Stands in all log lines of the job.", examples=["0f5c1f0d2a9b4e5c8d6f7a8b9c0d1e2f"])
    ]
    watchlist_id: WatchlistId
    repository_url: RepositoryUrl
    queue: QueueName
    standing: Annotated[Standing, Field(description=STANDINGS, examples=[Standing.IN_LINE])]
    queued_at: Annotated[Moment, Field(description="When it was queued.")]
    next_attempt_at: Annotated[Moment | None, Field(description="Until when it is paused; else null.")]
    attempt: Annotated[int, Field(description="Tasks that were launched for it.", examples=[0])]
    last_error: Annotated[ErrorAnswer | None, Field(description="Why the last attempt failed; else null.")]

    @classmethod
    def of(cls, entry: Entry, now: datetime) -> "OpenJobAnswer":
        """Show the open job of an entry."""
        standing = standing_of(entry, now)
        return cls(
            job_id=entry.job_id,
            watchlist_id=entry.watchlist_id,
            repository_url=entry.repository.url,
            queue=entry.kind,
            standing=standing,
            queued_at=entry.job_queued_at,
            next_attempt_at=entry.next_attempt_at if standing is Standing.PAUSED else None,
            attempt=int(entry.attempt),
            last_error=ErrorAnswer.of(entry.last_error),
        )


class OpenJobsAnswer(BaseModel):
    """Jobs that have not ended."""

    items: Annotated[list[OpenJobAnswer], Field(description="Up to 50 of each queue, the longest queued first.")]
    more: Annotated[bool, Field(description="Whether a queue has more than these.", examples=[False])]


class TasksAnswer(BaseModel):
    """Tasks of a share."""

    share: Annotated[Share, Field(description="Setups never wait for refreshes.", examples=[Share.SETUP])]
    taken: Annotated[int, Field(description="Slots that are taken: by a task, or for a job that was called.")]
    slots: Annotated[int, Field(description="Tasks that may run at once.", examples=[40])]


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
    tasks: Annotated[list[TasksAnswer], Field(description="One of each share.")]
