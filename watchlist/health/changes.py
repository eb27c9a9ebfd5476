"""What changed between two analyses of one repository, check by check: a pure comparison."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from watchlist.health.scorecard import CheckResult, ScorecardResult


@dataclass(frozen=True, slots=True)
class CheckChange:
    """One check whose score differs; a score of None was inconclusive, or the check was not there.

    Attributes:
        since: when the present score was first seen, in a row up to the newer analysis.
        reason: Scorecard's line on the present score; None where the check is not there any more.
    """

    check: str
    before: int | None
    after: int | None
    since: datetime
    reason: str | None


def changes(analyses: Sequence[tuple[datetime, ScorecardResult]]) -> list[CheckChange]:
    """Return the checks that differ between the first and the last analysis, the largest drop first.

    `analyses` are oldest first.

    Between a known and an unknown score there is no drop: these come last.
    """
    if len(analyses) < 2:  # noqa: PLR2004 - it takes two to differ
        return []
    series = [(at, _checks(result)) for at, result in analyses]
    before, after = series[0][1], series[-1][1]
    changed = [
        CheckChange(name, _score(before, name), _score(after, name), _since(series, name), _reason(after, name))
        for name in sorted(before.keys() | after.keys())
        if _score(before, name) != _score(after, name)
    ]
    return sorted(changed, key=_drop)


def _checks(result: ScorecardResult) -> dict[str, CheckResult]:
    return {check.name: check for check in result.checks}


def _score(checks: dict[str, CheckResult], name: str) -> int | None:
    return checks[name].score if name in checks else None


def _reason(checks: dict[str, CheckResult], name: str) -> str | None:
    return checks[name].reason if name in checks else None


def _since(series: Sequence[tuple[datetime, dict[str, CheckResult]]], name: str) -> datetime:
    since, present = series[-1][0], _score(series[-1][1], name)
    for at, checks in reversed(series):
        if _score(checks, name) != present:
            break
        since = at
    return since


def _drop(change: CheckChange) -> tuple[bool, int, str]:
    known = change.before is not None and change.after is not None
    return not known, (change.after or 0) - (change.before or 0) if known else 0, change.check
