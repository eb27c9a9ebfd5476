"""The health score fell."""

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field

from watchlist.alerts.kind import AlertLevel, Finding, KindSettings, Number
from watchlist.alerts.occasions import NewHealth
from watchlist.text import one_line

CRITICAL_FACTOR = 2
"""A decrease of the health score is critical from this many times its threshold on."""

_SCORE_DIGITS = 6
_NAMED_IN_MESSAGE = 5
_LONGEST_NAME = 80


class HealthScoreDecreasesSettings(KindSettings[NewHealth]):
    """The health score fell between two analyses, compared over the checks that both have."""

    minimum_health_change: Annotated[Number, Field(ge=0.5, le=5)] = Field(
        default=1.0,
        description="Points of the score (0 to 10) by which it must fall.",
        examples=[1.0],
    )

    OCCASION = NewHealth

    def findings(self, occasion: NewHealth) -> Iterator[Finding]:
        """Find that the score fell by the minimum or more."""
        previous, score = occasion.previous_score, occasion.score
        if previous is None or score is None or previous < 0 or score < 0:
            return
        minimum = self.minimum_health_change
        decrease = round(previous - score, _SCORE_DIGITS)
        if decrease >= minimum:
            yield Finding(
                subject=(occasion.previous_result_id,),
                level=AlertLevel.CRITICAL if decrease >= CRITICAL_FACTOR * minimum else AlertLevel.MILD,
                metric="health_score_decrease",
                value=decrease,
                threshold=minimum,
                threshold_kind="minimum_health_change",
                commit_sha=occasion.commit_sha,
                message=f"The health score fell from {previous:.1f} to {score:.1f}, over the checks that both analyses "
                f"have: a decrease of {minimum:g} or more raises this alert.{_not_compared(occasion.not_compared)}",
            )


def _not_compared(checks: Sequence[str]) -> str:
    if not checks:
        return ""
    named = ", ".join(one_line(name, _LONGEST_NAME) for name in checks[:_NAMED_IN_MESSAGE])
    return f" Without a result in one of them, and so not compared: {named}" + (
        " and others." if len(checks) > _NAMED_IN_MESSAGE else "."
    )
