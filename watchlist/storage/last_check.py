"""The last look at a repository, as it is stored on its entry."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, PlainSerializer

from watchlist import clock, limits
from watchlist.errors import ErrorCode
from watchlist.states import CheckOutcome


class CheckError(BaseModel):
    """Why the repository could not be brought up to date: a code and a sentence for a person."""

    model_config = ConfigDict(frozen=True)

    code: ErrorCode
    message: str


class LastCheck(BaseModel):
    """When and how an entry was last looked at.

    Attributes:
        at: when the look ended, UTC.
        error: why it failed; None if it did not.
    """

    model_config = ConfigDict(frozen=True)

    at: Annotated[datetime, PlainSerializer(clock.to_json, return_type=str)]
    outcome: CheckOutcome
    error: CheckError | None = None

    @classmethod
    def failed(cls, at: datetime, code: str, message: str) -> Self:
        """Return a look that failed for this reason, whose message is cut to size."""
        error = CheckError(code=ErrorCode(code), message=message[: limits.ERROR_MESSAGE_CHARACTERS])
        return cls(at=at, outcome=CheckOutcome.FAILED, error=error)
