"""Tells watchers of a new Scorecard result that is worse than the one before."""

from collections.abc import Callable, Sequence
from datetime import datetime

from watchlist.alerts import telling as alerting
from watchlist.alerts.kinds.new_vulnerabilities_detected import VULNERABILITIES_CHECK
from watchlist.alerts.occasions import NewHealth, VulnerabilitiesCheck
from watchlist.health.scorecard import ScorecardResult, compare, last_known, not_run


def tell_of_health(
    watchlist_id: str,
    earlier: Sequence[ScorecardResult],
    result: ScorecardResult,
    now: datetime,
    check: Callable[[], None] = lambda: None,
) -> int:
    """Raise the alerts of a new result and return how many are new.

    It is compared with what is known from `earlier`, newest first: a check that failed to run once is compared with the
    last time at which it did.

    Args:
        watchlist_id: of the entry.
        earlier: the results before.
        result: the new one.
        now: UTC.
        check: called for each watcher; it raises when the job was taken away.
    """
    previous = last_known(earlier)
    if previous is None or result.obtained_at == earlier[0].obtained_at:
        return 0
    comparison = compare(previous, result)
    occasion = NewHealth(
        previous_result_id=previous.obtained_at.isoformat(),
        previous_score=comparison.old_score,
        score=comparison.new_score,
        not_compared=comparison.not_compared,
        previous_vulnerabilities=_vulnerabilities(previous),
        vulnerabilities=_vulnerabilities(result),
        not_run=not_run(earlier, result),
        no_score=result.reason if result.score is None else None,
        commit_sha=result.head,
    )
    return alerting.tell(watchlist_id, occasion, now, check)


def _vulnerabilities(result: ScorecardResult) -> VulnerabilitiesCheck:
    check = next((check for check in result.checks if check.name == VULNERABILITIES_CHECK), None)
    if check is None:
        return VulnerabilitiesCheck(None)
    return VulnerabilitiesCheck(check.score, None if check.details_omitted else check.details)
