"""The kinds of alerts, each a row here and a module of its own, and which of them a person wants for a repository.

The models are both the request body's `alerts` and what is stored. Everything is optional. Store
`settings.model_dump_json(exclude_unset=True)`: only what the person chose, so that a better default reaches everybody
who never chose. docs/alerts.md explains every kind and how its default was measured; docs/contributing.md walks through
adding one.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any

from aws_lambda_powertools import Logger
from pydantic import BaseModel, ConfigDict

from watchlist.alerts.kind import Finding, KindSettings
from watchlist.alerts.kinds.ancestry_breaks import AncestryBreaksSettings
from watchlist.alerts.kinds.files_changed import FilesChangedSettings
from watchlist.alerts.kinds.health_score_decreases import HealthScoreDecreasesSettings
from watchlist.alerts.kinds.high_churn import HighChurnSettings
from watchlist.alerts.kinds.inactivity import InactivitySettings
from watchlist.alerts.kinds.lines_added_deleted import LinesAddedDeletedSettings
from watchlist.alerts.kinds.new_release import NewReleaseSettings
from watchlist.alerts.kinds.new_vulnerabilities_detected import NewVulnerabilitiesDetectedSettings
from watchlist.alerts.kinds.processing_finished import ProcessingFinishedSettings
from watchlist.alerts.kinds.repository_renamed import RepositoryRenamedSettings
from watchlist.alerts.kinds.repository_unavailable import RepositoryUnavailableSettings
from watchlist.alerts.kinds.tag_moved import TagMovedSettings
from watchlist.alerts.kinds.unusual_author_activity import UnusualAuthorActivitySettings
from watchlist.alerts.kinds.verdict_changes import VerdictChangesSettings
from watchlist.alerts.kinds.webhook_switched_off import WebhookSwitchedOffSettings
from watchlist.alerts.occasions import Occasion

_logger = Logger(service="alerts")


class AlertKind(StrEnum):
    """What can raise an alert; each is also the name of its field in `AlertSettings`."""

    LINES_ADDED_DELETED = "lines_added_deleted"
    FILES_CHANGED = "files_changed"
    HIGH_CHURN = "high_churn"
    ANCESTRY_BREAKS = "ancestry_breaks"
    UNUSUAL_AUTHOR_ACTIVITY = "unusual_author_activity"
    HEALTH_SCORE_DECREASES = "health_score_decreases"
    NEW_VULNERABILITIES_DETECTED = "new_vulnerabilities_detected"
    INACTIVITY = "inactivity"
    PROCESSING_FINISHED = "processing_finished"
    REPOSITORY_UNAVAILABLE = "repository_unavailable"
    REPOSITORY_RENAMED = "repository_renamed"
    WEBHOOK_SWITCHED_OFF = "webhook_switched_off"
    NEW_RELEASE = "new_release"
    TAG_MOVED = "tag_moved"
    VERDICT_CHANGES = "verdict_changes"


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
    CHECKS_NOT_RUN = "checks_not_run"
    CHECKS_ANSWERED = "checks_answered"
    NAMES_CHANGED = "names_changed"
    WEBHOOKS_SWITCHED_OFF = "webhooks_switched_off"
    NEW_RELEASES = "new_releases"
    TAGS_MOVED = "tags_moved"
    TAGS_REMOVED = "tags_removed"
    VERDICTS_CHANGED = "verdicts_changed"


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


class AlertSettings(BaseModel):
    """One person's alert settings for one repository; a kind that is left out has its defaults."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "lines_added_deleted": {"contributor_variance": 3.5, "hardcoded_threshold": 5_000},
                    "high_churn": {"enabled": False},
                    "inactivity": {"days": 30},
                }
            ]
        },
    )

    lines_added_deleted: LinesAddedDeletedSettings = LinesAddedDeletedSettings()
    files_changed: FilesChangedSettings = FilesChangedSettings()
    high_churn: HighChurnSettings = HighChurnSettings()
    ancestry_breaks: AncestryBreaksSettings = AncestryBreaksSettings()
    unusual_author_activity: UnusualAuthorActivitySettings = UnusualAuthorActivitySettings()
    health_score_decreases: HealthScoreDecreasesSettings = HealthScoreDecreasesSettings()
    new_vulnerabilities_detected: NewVulnerabilitiesDetectedSettings = NewVulnerabilitiesDetectedSettings()
    inactivity: InactivitySettings = InactivitySettings()
    processing_finished: ProcessingFinishedSettings = ProcessingFinishedSettings()
    repository_unavailable: RepositoryUnavailableSettings = RepositoryUnavailableSettings()
    repository_renamed: RepositoryRenamedSettings = RepositoryRenamedSettings()
    webhook_switched_off: WebhookSwitchedOffSettings = WebhookSwitchedOffSettings()
    new_release: NewReleaseSettings = NewReleaseSettings()
    tag_moved: TagMovedSettings = TagMovedSettings()
    verdict_changes: VerdictChangesSettings = VerdictChangesSettings()

    def updated(self, change: "AlertSettings") -> "AlertSettings":
        """Return these settings with every field that `change` states; what it leaves out stays as it is.

        A threshold stated as null is switched off. The result remembers which fields were ever stated, so that it is
        stored with `exclude_unset` like its parts.
        """
        chosen: dict[str, dict[str, Any]] = self.model_dump(exclude_unset=True)
        for kind, fields in change.model_dump(exclude_unset=True).items():
            chosen[kind] = {**chosen.get(kind, {}), **fields}
        return AlertSettings.model_validate(chosen)

    def findings(self, occasion: Occasion) -> Iterator[tuple[AlertKind, Finding]]:
        """Return what the kinds that are wanted find in what happened, kind by kind; an error in one costs that one."""
        for kind in AlertKind:
            settings: KindSettings[Any] = getattr(self, kind)
            if settings.enabled and isinstance(occasion, settings.OCCASION):
                yield from ((kind, finding) for finding in _found(kind, settings, occasion))


def _found(kind: AlertKind, settings: KindSettings[Any], occasion: Occasion) -> Sequence[Finding]:
    try:
        return list(settings.findings(occasion))
    except Exception:
        _logger.exception("a kind of alert broke off", kind=kind)
        return ()
