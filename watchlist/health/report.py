"""Reading Scorecard's JSON: whether it is a result at all, and what it says. Its exit code says nothing of that.

Scorecard 5.5.0 ends with 0 and no output when the repository cannot be reached, with 1 and a complete report when
single checks failed, and with 0 and `checks: null` for an empty repository.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, ValidationError

from watchlist.health.scorecard import (
    DETAIL_BYTES,
    MAX_CHECKS,
    MAX_DETAILS,
    CheckResult,
    ScorecardResult,
    ScorecardSource,
)
from watchlist.text import shorten

MIN_CONCLUSIVE = {ScorecardSource.FORGE: 8, ScorecardSource.PUBLISHED: 8, ScorecardSource.LOCAL: 5}
"""Fewest conclusive checks with which the aggregate is a score: half of the 16 that are asked of a forge; of a
checkout, those that any repository's files decide, with no workflows and no network (Binary-Artifacts,
Dependency-Update-Tool, License, SAST, Security-Policy)."""


class UnusableReportError(Exception):
    """There is no score in what Scorecard left; the message says why, for a person."""


class _Documentation(BaseModel):
    url: str = ""


class _Check(BaseModel):
    name: str
    score: int
    reason: str = ""
    details: list[str] | None = None
    documentation: _Documentation | None = None


class _Repo(BaseModel):
    name: str
    commit: str = ""


class _Scorecard(BaseModel):
    version: str = ""


class _Report(BaseModel):
    model_config = ConfigDict(allow_inf_nan=False)

    date: datetime
    repo: _Repo
    scorecard: _Scorecard
    score: float
    checks: list[_Check] | None = None


def read_report(  # noqa: PLR0913 - all of them stand in the result or decide whether it is one
    document: object,
    *,
    name: str,
    source: ScorecardSource,
    head: str,
    obtained_at: datetime,
    clean: Callable[[str], str] = str,
) -> ScorecardResult:
    """Read a report.

    Args:
        document: the parsed JSON that Scorecard wrote or the published results' server answered.
        name: the repository that was asked for, as `github.com/OWNER/NAME` or `file://TREE`.
        source: where the report comes from.
        head: the commit that HEAD is now.
        obtained_at: now.
        clean: takes out of a text what must not be kept, such as the path of a scratch directory.

    Raises:
        UnusableReportError: the report is malformed, of another repository or has too few conclusive checks.
    """
    report = _validate(document)
    if report.repo.name.lower() != name.lower():
        raise UnusableReportError(f"the report is about another repository, {shorten(clean(report.repo.name), 150)}")
    if not report.checks:
        raise UnusableReportError("the repository is empty: no check could run")
    checks = tuple(sorted((_check(c, clean) for c in report.checks[:MAX_CHECKS]), key=lambda check: check.name))
    conclusive = sum(check.score is not None for check in checks)
    if report.score < 0:
        raise UnusableReportError(
            f"Scorecard gives no aggregate (-1): {conclusive} of {len(checks)} checks have a result, none that counts"
        )
    if conclusive < MIN_CONCLUSIVE[source]:
        raise UnusableReportError(
            f"only {conclusive} of {len(checks)} checks were conclusive; a score needs {MIN_CONCLUSIVE[source]}"
        )
    return ScorecardResult(
        score=report.score,
        source=source,
        head=head,
        obtained_at=obtained_at,
        date=report.date.astimezone(UTC) if report.date.tzinfo else report.date.replace(tzinfo=UTC),
        commit=head if source is ScorecardSource.LOCAL else _known(report.repo.commit),
        version=_known(report.scorecard.version),
        checks=checks,
    )


def _validate(document: object) -> _Report:
    try:
        report = _Report.model_validate(document)
    except ValidationError:
        raise UnusableReportError("the report is not in Scorecard's format") from None
    if report.score > 10 or any(check.score > 10 for check in report.checks or ()):  # noqa: PLR2004 - Scorecard's scale
        raise UnusableReportError("the report has scores above 10")
    return report


def _known(text: str) -> str | None:
    return None if text in {"", "unknown"} else shorten(text, 100)


def _check(check: _Check, clean: Callable[[str], str]) -> CheckResult:
    details = sorted(check.details or (), key=lambda detail: not detail.startswith("Warn"))
    return CheckResult(
        name=shorten(check.name, 100),
        score=check.score if check.score >= 0 else None,
        reason=shorten(clean(check.reason)),
        documentation_url=shorten(check.documentation.url) if check.documentation and check.documentation.url else None,
        details=tuple(shorten(clean(detail), DETAIL_BYTES) for detail in details[:MAX_DETAILS]),
        details_omitted=max(0, len(details) - MAX_DETAILS),
    )
