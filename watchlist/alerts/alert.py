"""What an alert is, whichever rule raises it."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from watchlist import limits
from watchlist.alerts.kind import AlertLevel, Finding
from watchlist.alerts.settings import AlertKind, AlertMetric, AlertSettings, ThresholdKind
from watchlist.text import shorten


class Alert(BaseModel):
    """One event that one watcher wants to know of."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(
        description="The same for the same event of the same watcher, however often it is evaluated.",
        examples=["alert_7f3c1f0d2a9b4e5c8d6f7a8b9c0d1e2f"],
    )
    kind: AlertKind = Field(description="The settings' kind that raised it.", examples=[AlertKind.FILES_CHANGED])
    level: AlertLevel = Field(description="How urgent it is.", examples=[AlertLevel.MILD])
    metric: AlertMetric = Field(description="What was measured.", examples=[AlertMetric.FILES_CHANGED])
    value: float = Field(description="The measured value.", examples=[412])
    threshold: float = Field(description="The value from which on the alert is raised.", examples=[200])
    threshold_kind: ThresholdKind = Field(
        description="The setting that the threshold comes from.", examples=[ThresholdKind.HARDCODED_THRESHOLD]
    )
    commit_sha: str | None = Field(
        default=None,
        description="The commit that raised it; of several, the newest.",
        examples=["8d3a1c1e6f0b4c7d9e2f5a6b7c8d9e0f1a2b3c4d"],
    )
    check: str | None = Field(
        default=None, description="The Scorecard check that raised it.", examples=["Vulnerabilities"]
    )
    message: str = Field(
        description="One sentence for a person, in English.",
        examples=["Ada Lovelace changed 412 files in commit 8d3a1c1e6f0b; 200 or more raise this alert."],
    )


@dataclass(frozen=True, slots=True)
class Watcher:
    """Whose alerts are evaluated: one user's entry for one repository, and what that user wants to know of.

    The id is part of every alert's id, so that two users of one repository have two alerts, each to acknowledge.

    Attributes:
        since: when the user added the repository; None for always.
    """

    user_watchlist_id: str
    settings: AlertSettings
    since: datetime | None = None

    def alerts(self, findings: Iterable[tuple[AlertKind, Finding]]) -> list[Alert]:
        """Return the alerts of what the settings' kinds found and what is news to this watcher."""
        return [alert for alert, _ in self.raised(findings)]

    def raised(self, findings: Iterable[tuple[AlertKind, Finding]]) -> list[tuple[Alert, Finding]]:
        """Return the same alerts, each with what it is of."""
        return [(self._alert(kind, finding), finding) for kind, finding in findings if self._is_news(finding)]

    def _is_news(self, finding: Finding) -> bool:
        return finding.true_since is None or self.since is None or self.since < finding.true_since

    def _alert(self, kind: AlertKind, finding: Finding) -> Alert:
        # JSON keeps ("a", "bc") and ("ab", "c") apart; its ASCII escapes accept any text, lone surrogates too.
        event = json.dumps([self.user_watchlist_id, kind.value, *finding.subject])
        return Alert(
            id=f"alert_{hashlib.sha256(event.encode()).hexdigest()[:32]}",
            kind=kind,
            level=finding.level,
            metric=AlertMetric(finding.metric),
            value=finding.value,
            threshold=finding.threshold,
            threshold_kind=ThresholdKind(finding.threshold_kind),
            commit_sha=finding.commit_sha,
            check=finding.check and shorten(finding.check),
            message=shorten(finding.message, limits.ALERT_MESSAGE_BYTES),
        )
