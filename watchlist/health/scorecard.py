"""The health of a repository as OpenSSF Scorecard sees it: the result, its size, and how two results compare.

Source of checks, risks and the aggregate: Scorecard 5.5.0, `docs/checks.md` and `pkg/scorecard/scorecard_result.go`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, computed_field, model_validator

from watchlist.text import shorten

MAX_CHECKS = 30
"""Most checks kept of one result; Scorecard has 20."""

MAX_DETAILS = 10
"""Most details kept of one check, warnings first; `details_omitted` counts the others."""

DETAIL_BYTES = 200
"""Longest detail, in UTF-8 bytes."""

MAX_RESULT_BYTES = 200_000
"""No result is longer than this as JSON: it follows from the limits above, and half of a DynamoDB item remains."""

_CRITICAL, _HIGH, _MEDIUM, _LOW = 10.0, 7.5, 5.0, 2.5

WEIGHTS: Mapping[str, float] = {
    "Binary-Artifacts": _HIGH,
    "Branch-Protection": _HIGH,
    "CI-Tests": _LOW,
    "CII-Best-Practices": _LOW,
    "Code-Review": _HIGH,
    "Contributors": _LOW,
    "Dangerous-Workflow": _CRITICAL,
    "Dependency-Update-Tool": _HIGH,
    "Fuzzing": _MEDIUM,
    "License": _LOW,
    "Maintained": _HIGH,
    "Packaging": _MEDIUM,
    "Pinned-Dependencies": _MEDIUM,
    "SAST": _MEDIUM,
    "SBOM": _MEDIUM,
    "Security-Policy": _MEDIUM,
    "Signed-Releases": _HIGH,
    "Token-Permissions": _HIGH,
    "Vulnerabilities": _HIGH,
    "Webhooks": _CRITICAL,
}
"""What each check weighs in the aggregate: the weight of its risk."""


class ScorecardSource(StrEnum):
    """Where a result came from, best first."""

    FORGE = "forge"
    """Scorecard ran against the forge's API and saw everything that it can check."""

    PUBLISHED = "published"
    """The OpenSSF's weekly scan; it may be days older than HEAD."""

    LOCAL = "local"
    """Scorecard ran on a checkout: only the checks that look at files."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CheckResult(_Frozen):
    """One check.

    Attributes:
        name: of the check, as Scorecard spells it.
        score: 0 to 10, or None where the check was inconclusive (Scorecard writes -1).
        reason: Scorecard's one line on the score.
        documentation_url: where Scorecard explains the check.
        details: the findings, warnings first, at most MAX_DETAILS.
        details_omitted: how many findings are not in `details`.
    """

    name: str
    score: int | None = Field(ge=0, le=10)
    reason: str
    documentation_url: str | None
    details: tuple[str, ...] = Field(default=(), max_length=MAX_DETAILS)
    details_omitted: int = Field(default=0, ge=0)


class PassedOver(_Frozen):
    """A better source that gave no result, and why.

    Attributes:
        source: which one.
        reason: one sentence.
    """

    source: ScorecardSource
    reason: str


class ScorecardResult(_Frozen):
    """What Scorecard says of a repository, or why it says nothing.

    Attributes:
        score: the aggregate, 0.0 to 10.0, or None where there is none; never -1 and never 0 for a missing one.
        reason: why `score` is None, one sentence; None when there is a score.
        source: where the result came from; None when there is no score.
        head: the commit that HEAD was when the result was asked for.
        obtained_at: when it was asked for; the age of a cached result counts from here.
        date: when Scorecard ran.
        commit: what Scorecard looked at; with PUBLISHED it may be older than `head`. None where it does not say.
        version: of Scorecard, as `v5.5.0`.
        checks: sorted by name.
        passed_over: the better sources that were tried or ruled out, in the order of preference.
    """

    score: float | None = Field(ge=0, le=10)
    reason: str | None = None
    source: ScorecardSource | None = None
    head: str
    obtained_at: datetime
    date: datetime | None = None
    commit: str | None = None
    version: str | None = None
    checks: tuple[CheckResult, ...] = Field(default=(), max_length=MAX_CHECKS)
    passed_over: tuple[PassedOver, ...] = ()

    @computed_field  # type: ignore[prop-decorator] # mypy has no notion of decorated properties
    @property
    def checks_run(self) -> int:
        """How many checks the result has."""
        return len(self.checks)

    @computed_field  # type: ignore[prop-decorator] # as above
    @property
    def checks_conclusive(self) -> int:
        """How many of them came to a score."""
        return sum(check.score is not None for check in self.checks)

    @model_validator(mode="before")
    @classmethod
    def _forget_what_is_computed(cls, data: object) -> object:
        """Accept the model's own JSON, in which the counts stand besides what they are counted from."""
        if isinstance(data, dict):
            return {key: value for key, value in data.items() if key not in {"checks_run", "checks_conclusive"}}
        return data

    @model_validator(mode="after")
    def _either_a_score_or_a_reason(self) -> Self:
        if (self.score is None) != (self.reason is not None) or (self.score is None) != (self.source is None):
            raise ValueError("a result has a score and its source, or a reason why it has none")
        return self


def no_score(
    reason: str, *, head: str, obtained_at: datetime, passed_over: Iterable[PassedOver] = ()
) -> ScorecardResult:
    """Return the result that says why there is no score."""
    return ScorecardResult(
        score=None,
        reason=shorten(reason),
        head=head,
        obtained_at=obtained_at,
        passed_over=tuple(passed_over),
    )


def aggregate(scores: Mapping[str, int]) -> float | None:
    """Return Scorecard's aggregate of `scores` (check name to 0-10): the mean weighted by risk, to one decimal.

    A check without a known weight does not count. None when no check counts.
    """
    weighed = {name: WEIGHTS[name] for name in scores if name in WEIGHTS}
    if not weighed:
        return None
    return round(sum(weight * scores[name] for name, weight in weighed.items()) / sum(weighed.values()), 1)


class CheckMove(_Frozen):
    """A check whose score changed."""

    name: str
    old: int
    new: int


class Comparison(_Frozen):
    """Two results side by side, over the checks that are conclusive in both.

    Attributes:
        old_score: aggregate of the older result over those checks only; None when there are none.
        new_score: the same of the newer one. Neither need equal the result's own score.
        compared: names of those checks.
        moved: the ones whose score differs, largest drop first.
        not_compared: checks that are conclusive in only one of the two.
    """

    old_score: float | None
    new_score: float | None
    compared: tuple[str, ...]
    moved: tuple[CheckMove, ...]
    not_compared: tuple[str, ...]

    @property
    def change(self) -> float | None:
        """New score less old score, to one decimal; None where nothing can be compared."""
        if self.old_score is None or self.new_score is None:
            return None
        return round(self.new_score - self.old_score, 1)


def compare(old: ScorecardResult, new: ScorecardResult) -> Comparison:
    """Compare two results over the checks that both have.

    The sources may differ: a local result has fewer checks than one from the forge, and their own scores say nothing
    about each other. Over the common checks they do.
    """
    before, after = _conclusive(old), _conclusive(new)
    common = sorted(before.keys() & after.keys())
    moved = [CheckMove(name=name, old=before[name], new=after[name]) for name in common if before[name] != after[name]]
    return Comparison(
        old_score=aggregate({name: before[name] for name in common}),
        new_score=aggregate({name: after[name] for name in common}),
        compared=tuple(common),
        moved=tuple(sorted(moved, key=lambda move: (move.new - move.old, move.name))),
        not_compared=tuple(sorted(before.keys() ^ after.keys())),
    )


def last_known(results: Sequence[ScorecardResult]) -> ScorecardResult | None:
    """Return the latest result that has a score, with what is known of checks that came to none in it.

    A check that failed to run once must not hide what became of it since: for such a check the latest result in which
    it was conclusive counts. None where no result has a score.

    Args:
        results: newest first.
    """
    latest = next((result for result in results if result.score is not None), None)
    if latest is None:
        return None
    known = {check.name: check for result in reversed(results) for check in result.checks if check.score is not None}
    checks = {check.name: check for check in latest.checks} | known
    return latest.model_copy(update={"checks": tuple(checks[name] for name in sorted(checks)[:MAX_CHECKS])})


class NotRun(_Frozen):
    """A check that came to no score, and did before.

    Attributes:
        name: of the check.
        reason: Scorecard's line on it.
        last_run: when the last result was obtained in which it had a score.
    """

    name: str
    reason: str
    last_run: datetime


def not_run(results: Sequence[ScorecardResult], new: ScorecardResult) -> tuple[NotRun, ...]:
    """Return the checks of a new result that failed to run, given the results before, newest first.

    What another source does not look at at all has not failed.
    """
    runs = {name: result.obtained_at for result in reversed(results) for name in _conclusive(result)}
    failed = (check for check in new.checks if check.score is None and check.name in runs)
    return tuple(NotRun(name=check.name, reason=check.reason, last_run=runs[check.name]) for check in failed)


def _conclusive(result: ScorecardResult) -> dict[str, int]:
    return {check.name: check.score for check in result.checks if check.score is not None}
