"""The verdict of the repository is another one."""

from collections.abc import Iterator

from watchlist.alerts.kind import AlertLevel, Finding, KindSettings
from watchlist.alerts.occasions import VerdictFound
from watchlist.health.verdict import VerdictState
from watchlist.text import one_line

TOLD_OTHERWISE = frozenset({VerdictState.GONE, VerdictState.MOVED})
"""Verdicts whose coming and going `repository_unavailable` tells."""


class VerdictChangesSettings(KindSettings[VerdictFound]):
    """The verdict of the repository is another one: it slows down, falls silent, comes back."""

    OCCASION = VerdictFound

    def findings(self, occasion: VerdictFound) -> Iterator[Finding]:
        """Find that the verdict changed; one that is found twice on one day is told once."""
        before, verdict = occasion.before, occasion.verdict
        states = {before, verdict.state}
        if len(states) == 1 or states & TOLD_OTHERWISE:
            return
        yield Finding(
            subject=(before, verdict.state, f"{occasion.at:%Y-%m-%d}"),
            level=AlertLevel.CRITICAL if verdict.state is VerdictState.FAILING else AlertLevel.MILD,
            metric="verdicts_changed",
            value=1,
            threshold=1,
            message=f"It is {verdict.state} now and was {before} before. {one_line(verdict.reasons[0].message, 300)}",
        )
