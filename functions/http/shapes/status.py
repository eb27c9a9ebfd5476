"""What the status of an entry shows."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from functions.http.responses import stored_as
from functions.http.shapes.fields import (
    STANDINGS,
    Alerts,
    ErrorAnswer,
    Moment,
    Sha,
    ShownStatus,
    UserWatchlistId,
    WatchlistId,
    shown_status,
)
from functions.http.shapes.history import HistoryAnswer
from functions.http.shapes.releases import ReleaseAnswer, Releases
from functions.http.shapes.verdict import VerdictAnswer
from watchlist import clock
from watchlist.errors import ErrorCode
from watchlist.git.package import Package
from watchlist.health.verdict import Verdict
from watchlist.jobs.open import Standing, standing_of
from watchlist.states import CheckOutcome, DueKind, Stage
from watchlist.storage.records import Entry, Progress, UserEntry
from watchlist.watching import links, names
from watchlist.watching.entries import EntryWithWatchers


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
        total = progress.total
        return cls(stage=Stage(progress.stage), done=progress.done, total=total)


class UserEntryAnswer(BaseModel):
    """One user's watch on the repository."""

    user_watchlist_id: UserWatchlistId
    added_by: Annotated[str, Field(description="The user.", examples=["ada@example.org"])]
    added_at: Annotated[Moment, Field(description="When the user added it.")]
    notes: Annotated[str | None, Field(description="Why, in the user's words.", examples=["We depend on it."])]
    labels: Annotated[list[str], Field(description="The user's own.", examples=[["production"]])]
    alerts: Alerts

    @classmethod
    def of(cls, entry: UserEntry) -> "UserEntryAnswer":
        """Show a user entry."""
        return cls(
            user_watchlist_id=entry.user_watchlist_id,
            added_by=entry.user,
            added_at=entry.added_at,
            notes=entry.notes,
            labels=list(entry.labels or ()),
            alerts=entry.alerts,
        )


class CheckErrorAnswer(BaseModel):
    """Why the repository could not be brought up to date."""

    model_config = ConfigDict(from_attributes=True)

    code: Annotated[ErrorCode, Field(description="Stable.", examples=[ErrorCode.HOST_UNREACHABLE])]
    message: Annotated[str, Field(description="For a person.", examples=["The host did not answer."])]


class LastCheckAnswer(BaseModel):
    """The last look at a repository; what is stored is that of the last good one."""

    model_config = ConfigDict(from_attributes=True)

    at: Annotated[Moment, Field(description="When it ended.")]
    outcome: Annotated[CheckOutcome, Field(description="How.", examples=[CheckOutcome.UNCHANGED])]
    error: Annotated[CheckErrorAnswer | None, Field(description="Why it failed; else null.", examples=[None])]

    @classmethod
    def of(cls, entry: Entry) -> "LastCheckAnswer | None":
        """Show the last look at the entry's repository, if there was one."""
        return cls.model_validate(entry.last_check) if entry.last_check else None


class StatusAnswer(BaseModel):
    """Everything that a person who polls sees."""

    watchlist_id: Annotated[
        WatchlistId,
        Field(
            description="Names the watched repository; another id than was asked for where the host has renamed it and "
            "two entries of it became one."
        ),
    ]
    status: Annotated[
        ShownStatus,
        Field(
            description="`failed` only when no attempt is left. A refresh that fails leaves a ready entry ready: "
            "see `last_check`."
        ),
    ]
    verdict: VerdictAnswer
    processing_started_at: Annotated[Moment, Field(description="When it was added, or retried last.")]
    processing_completed_at: Annotated[Moment | None, Field(description="Null while it is processing.")]
    last_error: Annotated[ErrorAnswer | None, Field(description="Of the last attempt, if it failed.", examples=[None])]
    attempt: Annotated[int, Field(description="Of at most `max_attempts`; 0 until the first starts.", examples=[1])]
    max_attempts: Annotated[int, Field(description="When so many have failed, the entry has.", examples=[3])]
    next_attempt_at: Annotated[Moment | None, Field(description="While it waits for the next one.", examples=[None])]
    progress: Annotated[ProgressAnswer | None, Field(description="Of the current or last job.")]
    standing: Annotated[
        Standing | None,
        Field(description=f"Why the open job is not further, null while none is open. {STANDINGS}", examples=[None]),
    ]
    package: Annotated[Package, stored_as(Package)]
    former_names: Annotated[
        list[str],
        Field(
            description="What its host called it before, as `host/owner/name`: adding it by one of these joins this "
            "entry, until another repository has that name.",
            examples=[["github.com/mitsuhiko/flask"]],
        ),
    ]
    commit_page: Annotated[
        str | None,
        Field(
            description="Where its host shows a commit, whose id stands for `{sha}`; null of hosts without such pages.",
            examples=["https://github.com/pallets/flask/commit/{sha}"],
        ),
    ]
    tag_page: Annotated[
        str | None,
        Field(
            description="Where it shows a tag, whose name stands for `{tag}`; null as above.",
            examples=["https://github.com/pallets/flask/releases/tag/{tag}"],
        ),
    ]
    head_sha: Annotated[Sha | None, Field(description="The commit up to which the history is stored.")]
    commits: Annotated[int | None, Field(description="Commits stored; null until known.", examples=[423])]
    history: Annotated[
        HistoryAnswer | None,
        Field(description="The default branch's history as a whole; null until the first analysis."),
    ]
    release: Releases
    checked_at: Annotated[Moment | None, Field(description="When the repository last said where its HEAD is.")]
    next_check_at: Annotated[Moment | None, Field(description="Null while a job is open.")]
    analyzed_at: Annotated[Moment | None, Field(description="When the health that is shown was computed.")]
    scorecard_date: Annotated[Moment | None, Field(description="When Scorecard ran for the score that is shown.")]
    last_check: Annotated[
        LastCheckAnswer | None,
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
    def of(cls, watched: EntryWithWatchers, verdict: Verdict, max_attempts: int) -> "StatusAnswer":
        """Show an entry with its watchers and what is to be thought of it."""
        entry = watched.entry
        return cls(
            watchlist_id=entry.watchlist_id,
            status=shown_status(entry.entry_status),
            verdict=VerdictAnswer.of(verdict),
            processing_started_at=entry.processing_started_at,
            processing_completed_at=entry.processing_completed_at,
            last_error=ErrorAnswer.of(entry.last_error),
            attempt=entry.attempt,
            max_attempts=max_attempts,
            next_attempt_at=entry.next_attempt_at,
            progress=ProgressAnswer.of(entry.progress),
            standing=standing_of(entry, clock.now()) if entry.state.is_open else None,
            package=_package(entry),
            former_names=names.former_names(entry),
            commit_page=links.of_commit(entry.repository, "{sha}"),
            tag_page=links.of_tag(entry.repository, "{tag}"),
            head_sha=entry.head_sha,
            commits=entry.commits,
            history=HistoryAnswer.of(entry),
            release=ReleaseAnswer.of(entry, clock.now()),
            checked_at=entry.checked_at,
            next_check_at=entry.due_at if entry.due_kind == DueKind.CHECK else None,
            analyzed_at=entry.analyzed_at,
            scorecard_date=entry.scorecard_date,
            last_check=LastCheckAnswer.of(entry),
            watchers=entry.watchers,
            user_watchlists=[UserEntryAnswer.of(user_entry) for user_entry in watched.user_entries],
        )


def _package(entry: Entry) -> Package:
    repository = entry.repository
    known = entry.package or Package(name=f"{repository.owner}/{repository.name}", url=repository.url)
    # What the repository itself says of its branch is newer than its description.
    return known.model_copy(update={"default_branch": entry.default_branch}) if entry.default_branch else known
