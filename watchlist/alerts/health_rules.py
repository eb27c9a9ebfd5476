"""Alerts from comparing two health results: pure functions of the watcher's settings and the two results.

A first result has nothing to be compared with and raises none. An alert's id names the result that was current before:
it is succeeded once, so a job that is run again raises the same alert, whatever its own result is called.
"""

import re
from dataclasses import dataclass
from typing import Final

from watchlist.alerts.alert import Alert, AlertLevel, AlertMetric, ThresholdKind, Watcher, quoted
from watchlist.alerts.settings import AlertKind

CRITICAL_FACTOR = 2
"""A decrease of the health score is critical from this many times its threshold on."""
CRITICAL_NEW_VULNERABILITIES = 5
"""Vulnerabilities new in one result from which on the alert is critical; Scorecard does not tell their severity."""
VULNERABILITIES_CHECK: Final = "Vulnerabilities"

_BEST_CHECK_SCORE = 10
_SCORE_DIGITS = 6
_NAMED_IN_MESSAGE = 5
_MOST_DETAILS = 10_000
_LONGEST_DETAIL = 2_000
_FINDING = re.compile(r"vulnerable to:(.*)", re.IGNORECASE | re.DOTALL)
_VULNERABILITY_ID = re.compile(r"[A-Z][A-Za-z0-9]{1,15}-[A-Za-z0-9:.-]{1,60}")


@dataclass(frozen=True, slots=True)
class VulnerabilitiesCheck:
    """Scorecard's Vulnerabilities check: its score (0 to 10, None or negative where inconclusive) and detail lines.

    `details` are all of its lines; None where they are not known or were trimmed.
    """

    score: int | None
    details: tuple[str, ...] | None = None


def health_score_alert(
    watcher: Watcher,
    *,
    previous_result_id: str,
    previous_score: float | None,
    score: float | None,
    commit_sha: str | None,
) -> Alert | None:
    """Return the alert of a health score that fell by the minimum or more.

    Args:
        watcher: whose alert it is.
        previous_result_id: names the result before, such as its date; the same on every evaluation.
        previous_score: 0 to 10 over the checks that are conclusive in *both* results, None or negative where
            there is no such.
        score: likewise, of the new result.
        commit_sha: the commit that the new result is of.
    """
    settings = watcher.settings.health_score_decreases
    if not settings.enabled or previous_score is None or score is None or previous_score < 0 or score < 0:
        return None
    minimum = settings.minimum_health_change
    decrease = round(previous_score - score, _SCORE_DIGITS)
    if not decrease >= minimum:
        return None
    return Alert(
        id=watcher.alert_id(AlertKind.HEALTH_SCORE_DECREASES, previous_result_id),
        kind=AlertKind.HEALTH_SCORE_DECREASES,
        level=AlertLevel.CRITICAL if decrease >= CRITICAL_FACTOR * minimum else AlertLevel.MILD,
        metric=AlertMetric.HEALTH_SCORE_DECREASE,
        value=decrease,
        threshold=minimum,
        threshold_kind=ThresholdKind.MINIMUM_HEALTH_CHANGE,
        commit_sha=commit_sha,
        message=f"The health score fell from {previous_score:.1f} to {score:.1f}, over the checks that both analyses "
        f"have: a decrease of {minimum:g} or more raises this alert.",
    )


def new_vulnerabilities_alert(
    watcher: Watcher,
    *,
    previous_result_id: str,
    previous: VulnerabilitiesCheck,
    current: VulnerabilitiesCheck,
    commit_sha: str | None,
) -> Alert | None:
    """Return the alert of known vulnerabilities that the result before did not have.

    With the details of both results they are compared by their ids, all names of one vulnerability being one. Without
    them the score tells: it is 10 less one for each vulnerability, at least 0.

    Args:
        watcher: whose alert it is.
        previous_result_id: names the result before, such as its date; the same on every evaluation.
        previous: the check in the result before.
        current: the check in the new result.
        commit_sha: the commit that the new result is of.
    """
    if not watcher.settings.new_vulnerabilities_detected.enabled:
        return None
    if previous.score is None or current.score is None or previous.score < 0 or current.score < 0:
        return None
    before, now = _vulnerabilities(previous.score, previous.details), _vulnerabilities(current.score, current.details)
    names: list[str] = []
    if before is None or now is None:
        count = previous.score - current.score
    else:
        known = frozenset[str]().union(*before)
        names = sorted(min(aliases) for aliases in now if not aliases & known)
        count = len(names)
    if count < 1:
        return None
    named = ", ".join(names[:_NAMED_IN_MESSAGE]) + (" and others" if count > _NAMED_IN_MESSAGE else "")
    return Alert(
        id=watcher.alert_id(AlertKind.NEW_VULNERABILITIES_DETECTED, previous_result_id),
        kind=AlertKind.NEW_VULNERABILITIES_DETECTED,
        level=AlertLevel.CRITICAL if count >= CRITICAL_NEW_VULNERABILITIES else AlertLevel.MILD,
        metric=AlertMetric.NEW_VULNERABILITIES,
        value=count,
        threshold=1,
        threshold_kind=ThresholdKind.OCCURRENCE,
        commit_sha=commit_sha,
        check=VULNERABILITIES_CHECK,
        message=f"{count} known {'vulnerability' if count == 1 else 'vulnerabilities'} more than in the analysis "
        f"before{': ' if names else ''}{named}.",
    )


def _vulnerabilities(score: int, details: tuple[str, ...] | None) -> frozenset[frozenset[str]] | None:
    """Return each vulnerability as the set of its names, or None where the details do not account for the score.

    A detail line is "Warn: Project is vulnerable to: " and an address of osv.dev that ends in the id (Scorecard
    5.5.0, probes/hasOSVVulnerabilities), or, in older releases, ids separated by slashes.
    """
    if details is None:
        return None
    found = set()
    for detail in details[:_MOST_DETAILS]:
        finding = _FINDING.search(detail[:_LONGEST_DETAIL])
        names = frozenset(quoted(name) for name in _VULNERABILITY_ID.findall(finding[1])) if finding else None
        if names:
            found.add(names)
    return frozenset(found) if len(found) >= _BEST_CHECK_SCORE - score else None
