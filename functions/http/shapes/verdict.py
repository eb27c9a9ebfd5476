"""What is shown of a verdict."""

from typing import Annotated

from pydantic import BaseModel, Field

from watchlist.health.verdict import ReasonCode, Verdict, VerdictState


class ReasonAnswer(BaseModel):
    """One reason of a verdict."""

    code: Annotated[ReasonCode, Field(description="Stable.", examples=[ReasonCode.NO_COMMIT_BY_PEOPLE])]
    message: Annotated[
        str, Field(description="For a person.", examples=["No commit by a person for 120 days, since 2025-10-03."])
    ]


class VerdictAnswer(BaseModel):
    """Whether a repository is alive, and why the service thinks so; docs/verdict.md has the rules."""

    state: Annotated[VerdictState, Field(description="As of now.", examples=[VerdictState.QUIET])]
    reasons: Annotated[list[ReasonAnswer], Field(description="The first decided it.", min_length=1)]

    @classmethod
    def of(cls, verdict: Verdict) -> "VerdictAnswer":
        """Show a verdict."""
        reasons = [ReasonAnswer(code=reason.code, message=reason.message) for reason in verdict.reasons]
        return cls(state=verdict.state, reasons=reasons)
