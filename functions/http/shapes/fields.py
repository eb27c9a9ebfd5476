"""Fields that several answers have."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, PlainSerializer, WithJsonSchema

from functions.http.responses import stored_as
from watchlist import clock
from watchlist.alerts.settings import AlertSettings
from watchlist.errors import ErrorCode
from watchlist.states import EntryStatus, Stage
from watchlist.storage.records import LastError

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
Alerts = Annotated[dict[str, Any], stored_as(AlertSettings)]
"""What the user chose; what they never chose has its default and is left out."""
Score = Annotated[
    float | None, Field(description="Scorecard's score, 0 to 10; null where there is none.", examples=[7.3])
]


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


def shown_status(status: EntryStatus) -> Literal[EntryStatus.PROCESSING, EntryStatus.READY, EntryStatus.FAILED]:
    """Return a status that callers see.

    Raises:
        ValueError: it is none.
    """
    if status is EntryStatus.REMOVED:
        raise ValueError("a removed entry is shown to nobody")
    return status


STANDINGS = (
    "`running`: a task works on it; `starting`: one was launched; `in_line`: others are first, or all tasks of its "
    "share are taken; `paused`: it waits for its next attempt; `queued`: its message waits."
)
"""What a `Standing` means."""
