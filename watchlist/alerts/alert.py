"""What an alert is, whichever rule raises it."""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from watchlist.alerts.settings import AlertKind, AlertSettings

_CUT = "…"


class AlertLevel(StrEnum):
    """How urgent an alert is."""

    MILD = "mild"
    CRITICAL = "critical"


class ThresholdKind(StrEnum):
    """Which threshold was reached; all but `occurrence` are names of settings."""

    CONTRIBUTOR_VARIANCE = "contributor_variance"
    REPOSITORY_VARIANCE = "repository_variance"
    HARDCODED_THRESHOLD = "hardcoded_threshold"
    MULTIPLIER = "multiplier"
    PERCENTAGE_OUTSIDE_RANGE = "percentage_outside_range"
    MINIMUM_HEALTH_CHANGE = "minimum_health_change"
    DAYS = "days"
    OCCURRENCE = "occurrence"


class AlertMetric(StrEnum):
    """What `value` and `threshold` of an alert count, in one unit for both."""

    LINES_CHANGED = "lines_changed"
    FILES_CHANGED = "files_changed"
    FILE_CHANGES_PER_WEEK = "file_changes_per_week"
    HISTORY_REWRITES = "history_rewrites"
    PERCENT_OUTSIDE_USUAL_HOURS = "percent_outside_usual_hours"
    HEALTH_SCORE_DECREASE = "health_score_decrease"
    NEW_VULNERABILITIES = "new_vulnerabilities"
    DAYS_SINCE_LAST_COMMIT = "days_since_last_commit"
    PROCESSING_RUNS_FINISHED = "processing_runs_finished"
    CHECKS_FAILED = "checks_failed"
    CHECKS_ANSWERED = "checks_answered"
    VERDICTS_CHANGED = "verdicts_changed"


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
    """

    user_watchlist_id: str
    settings: AlertSettings

    def alert_id(self, kind: AlertKind, *subject: str) -> str:
        """Return the id of the event that `subject` names: a commit, a file and its week, a result, a quiet period."""
        # JSON keeps ("a", "bc") and ("ab", "c") apart; its ASCII escapes accept any text, lone surrogates too.
        event = json.dumps([self.user_watchlist_id, kind.value, *subject])
        return f"alert_{hashlib.sha256(event.encode()).hexdigest()[:32]}"


def quoted(text: str, limit: int = 80) -> str:
    """Return text from a repository, fit for a sentence: printable, on one line, at most `limit` characters."""
    printable = "".join(character if character.isprintable() else " " for character in text[: 4 * limit])
    words = " ".join(printable.split())
    return words if len(words) <= limit else words[: limit - 1] + _CUT
