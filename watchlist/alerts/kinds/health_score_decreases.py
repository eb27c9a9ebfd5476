"""The health score fell, or what it is made of could not be found out."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Annotated

from pydantic import Field

from watchlist.alerts.kind import AlertLevel, Finding, KindSettings, Number
from watchlist.alerts.occasions import NewHealth
from watchlist.health.scorecard import NotRun
from watchlist.text import one_line

CRITICAL_FACTOR = 2
"""A decrease of the health score is critical from this many times its threshold on."""

_SCORE_DIGITS = 6
_NAMED_IN_MESSAGE = 5
_LONGEST_NAME = 80


class HealthScoreDecreasesSettings(KindSettings[NewHealth]):
    """The health score fell between two analyses, compared over the checks that both have; or checks failed to run."""

    minimum_health_change: Annotated[Number, Field(ge=0.5, le=5)] = Field(
        default=1.0,
        description="Points of the score (0 to 10) by which it must fall.",
        examples=[1.0],
    )

    OCCASION = NewHealth

    def findings(self, occasion: NewHealth) -> Iterator[Finding]:
        """Find that the score fell by the minimum or more; and that checks failed to run, which is no "no decrease"."""
        yield from self._decrease(occasion)
        for last_run, checks in groupby(sorted(occasion.not_run, key=_last_run), key=_last_run):
            yield _not_run(occasion, last_run, [f"{check.name} ({one_line(check.reason, 150)})" for check in checks])
        if occasion.no_score is not None:
            yield Finding(
                subject=("no score", occasion.previous_result_id),
                level=AlertLevel.MILD,
                metric="checks_not_run",
                value=1,
                threshold=1,
                commit_sha=occasion.commit_sha,
                message="There is no health score any more, so whether it fell is not known: "
                f"{one_line(occasion.no_score, 300)}",
            )

    def _decrease(self, occasion: NewHealth) -> Iterator[Finding]:
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


def _last_run(check: NotRun) -> datetime:
    return check.last_run


def _not_run(occasion: NewHealth, last_run: datetime, checks: Sequence[str]) -> Finding:
    """Tell of checks whose last score is of the same result; as long as that stays so, it is told once."""
    named = "; ".join(checks[:_NAMED_IN_MESSAGE]) + ("; and others" if len(checks) > _NAMED_IN_MESSAGE else "")
    many = "1 check" if len(checks) == 1 else f"{len(checks)} checks"
    return Finding(
        subject=("not run", last_run.isoformat(), *sorted(check.partition(" ")[0] for check in checks)),
        level=AlertLevel.MILD,
        metric="checks_not_run",
        value=len(checks),
        threshold=1,
        commit_sha=occasion.commit_sha,
        message=f"{many} failed to run, so that a decrease would not be seen; the last result is of "
        f"{last_run:%Y-%m-%d}: {named}.",
    )


def _not_compared(checks: Sequence[str]) -> str:
    if not checks:
        return ""
    named = ", ".join(one_line(name, _LONGEST_NAME) for name in checks[:_NAMED_IN_MESSAGE])
    return f" Without a result in one of them, and so not compared: {named}" + (
        " and others." if len(checks) > _NAMED_IN_MESSAGE else "."
    )
