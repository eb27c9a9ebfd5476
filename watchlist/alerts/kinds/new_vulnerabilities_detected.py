"""A known vulnerability is new."""

import re
from collections.abc import Iterator
from typing import Final

from watchlist.alerts.kind import AlertLevel, Finding, KindSettings
from watchlist.alerts.occasions import NewHealth
from watchlist.text import one_line

CRITICAL_NEW_VULNERABILITIES = 5
"""Vulnerabilities new in one result from which on the alert is critical; Scorecard does not tell their severity."""
VULNERABILITIES_CHECK: Final = "Vulnerabilities"

_BEST_CHECK_SCORE = 10
_NAMED_IN_MESSAGE = 5
_MOST_DETAILS = 10_000
_LONGEST_DETAIL = 2_000
_LONGEST_NAME = 80
_FOUND = re.compile(r"vulnerable to:(.*)", re.IGNORECASE | re.DOTALL)
_VULNERABILITY_ID = re.compile(r"[A-Z][A-Za-z0-9]{1,15}-[A-Za-z0-9:.-]{1,60}")


class NewVulnerabilitiesDetectedSettings(KindSettings[NewHealth]):
    """Scorecard's Vulnerabilities check found a known vulnerability that the analysis before did not have."""

    OCCASION = NewHealth

    def findings(self, occasion: NewHealth) -> Iterator[Finding]:
        """Find vulnerabilities that the result before did not have.

        With the details of both results they are compared by their ids, all names of one vulnerability being one.
        Without them the score tells: it is 10 less one for each vulnerability, at least 0.
        """
        previous, current = occasion.previous_vulnerabilities, occasion.vulnerabilities
        if previous.score is None or current.score is None or previous.score < 0 or current.score < 0:
            return
        before, now = _named(previous.score, previous.details), _named(current.score, current.details)
        names: list[str] = []
        if before is None or now is None:
            count = previous.score - current.score
        else:
            known = frozenset[str]().union(*before)
            names = sorted(min(aliases) for aliases in now if not aliases & known)
            count = len(names)
        if count < 1:
            return
        named = ", ".join(names[:_NAMED_IN_MESSAGE]) + (" and others" if count > _NAMED_IN_MESSAGE else "")
        yield Finding(
            subject=(occasion.previous_result_id,),
            level=AlertLevel.CRITICAL if count >= CRITICAL_NEW_VULNERABILITIES else AlertLevel.MILD,
            metric="new_vulnerabilities",
            value=count,
            threshold=1,
            commit_sha=occasion.commit_sha,
            check=VULNERABILITIES_CHECK,
            message=f"{count} known {'vulnerability' if count == 1 else 'vulnerabilities'} more than in the analysis "
            f"before{': ' if names else ''}{named}.",
        )


def _named(score: int, details: tuple[str, ...] | None) -> frozenset[frozenset[str]] | None:
    """Return each vulnerability as the set of its names, or None where the details do not account for the score.

    A detail line is "Warn: Project is vulnerable to: " and an address of osv.dev that ends in the id (Scorecard
    5.5.0, probes/hasOSVVulnerabilities), or, in older releases, ids separated by slashes.
    """
    if details is None:
        return None
    found = set()
    for detail in details[:_MOST_DETAILS]:
        finding = _FOUND.search(detail[:_LONGEST_DETAIL])
        names = (
            frozenset(one_line(name, _LONGEST_NAME) for name in _VULNERABILITY_ID.findall(finding[1]))
            if finding
            else None
        )
        if names:
            found.add(names)
    return frozenset(found) if len(found) >= _BEST_CHECK_SCORE - score else None
