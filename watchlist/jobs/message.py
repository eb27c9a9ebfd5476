"""The message of one job: small, versioned, without secrets. Everything else stands on the entry."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from watchlist import limits
from watchlist.job_kinds import JobKind

Identifier = Annotated[str, Field(min_length=1, max_length=limits.IDENTIFIER_CHARACTERS, pattern=r"^[A-Za-z0-9._-]+$")]


class JobMessage(BaseModel):
    """Body of a message in a job queue.

    Attributes:
        job_id: 32 hexadecimal digits; `startedBy` of the job's tasks.
        generation: of the entry; a message of another generation is superseded.
        delivery: 0 for the job's first message, one more for each copy that replaced it. Of several messages of a
            job only the one with the entry's (highest) delivery counts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    job_id: Identifier
    kind: JobKind
    watchlist_id: Identifier
    generation: int = Field(ge=1)
    delivery: int = Field(default=0, ge=0)
    correlation_id: Identifier

    def copy_for_later(self) -> Self:
        """Return the message that takes this one's place."""
        return self.model_copy(update={"delivery": self.delivery + 1})
