"""Which alerts a person wants for one watched repository, and from which values on.

The models are both the request body's `alerts` and what is stored. Everything is optional. Store
`settings.model_dump_json(exclude_unset=True)`: only what the person chose, so that a better default reaches everybody
who never chose. docs/alerts.md explains every kind and how its default was measured.
"""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


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
    VERDICT_CHANGES = "verdict_changes"


def _integral(value: object) -> object:
    """Return 20.0 as 20: JSON Schema calls both an integer, a strict int takes only the latter."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_Switch = Annotated[bool, Field(strict=True)]
_Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
# The last annotation runs first; the schema shows the bounds of the int within.
_WHOLE = BeforeValidator(_integral)

_StandardDeviations = Annotated[_Number, Field(ge=1, le=20)]


class _KindSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: _Switch = Field(default=True, description="Whether this kind of alert is raised at all.", examples=[True])


class LinesAddedDeletedSettings(_KindSettings):
    """Commits that add and delete unusually many lines. Any threshold that is reached raises the alert."""

    contributor_variance: _StandardDeviations | None = Field(
        default=3.5,
        description="Robust standard deviations above the author's own usual number of lines per commit, on a "
        "logarithmic scale. `null` switches this threshold off.",
        examples=[3.5],
    )
    repository_variance: _StandardDeviations | None = Field(
        default=3.5,
        description="Robust standard deviations above the repository's usual number of lines per commit, on a "
        "logarithmic scale. `null` switches this threshold off.",
        examples=[3.5],
    )
    hardcoded_threshold: Annotated[int, Field(strict=True, ge=1, le=10_000_000), _WHOLE] | None = Field(
        default=10_000,
        description="Lines added plus deleted by one commit. `null` switches this threshold off.",
        examples=[10_000],
    )


class FilesChangedSettings(_KindSettings):
    """Commits that change unusually many files. Any threshold that is reached raises the alert."""

    contributor_variance: _StandardDeviations | None = Field(
        default=4.5,
        description="Robust standard deviations above the author's own usual number of files per commit, on a "
        "logarithmic scale. `null` switches this threshold off.",
        examples=[4.5],
    )
    repository_variance: _StandardDeviations | None = Field(
        default=4.5,
        description="Robust standard deviations above the repository's usual number of files per commit, on a "
        "logarithmic scale. `null` switches this threshold off.",
        examples=[4.5],
    )
    hardcoded_threshold: Annotated[int, Field(strict=True, ge=1, le=1_000_000), _WHOLE] | None = Field(
        default=200,
        description="Files changed by one commit. `null` switches this threshold off.",
        examples=[200],
    )


class HighChurnSettings(_KindSettings):
    """Files that are changed again and again within one calendar week (ISO 8601, UTC)."""

    multiplier: Annotated[_Number, Field(ge=1, le=100)] | None = Field(
        default=5.0,
        description="How many times the file's own usual number of changes in a week with changes. `null` switches "
        "this threshold off.",
        examples=[5.0],
    )
    hardcoded_threshold: Annotated[int, Field(strict=True, ge=1, le=10_000), _WHOLE] | None = Field(
        default=20,
        description="Commits that change the same file within one week. `null` switches this threshold off.",
        examples=[20],
    )


class AncestryBreaksSettings(_KindSettings):
    """The default branch's history was rewritten: its former head is no ancestor of the new one (a force push)."""


class UnusualAuthorActivitySettings(_KindSettings):
    """A known author commits at hours of the day at which they usually do not."""

    percentage_outside_range: Annotated[_Number, Field(ge=1, le=100)] = Field(
        default=50.0,
        description="Percentage of the author's commits of one calendar week that lie outside their usual hours.",
        examples=[50.0],
    )


class HealthScoreDecreasesSettings(_KindSettings):
    """The health score fell between two analyses, compared over the checks that both have."""

    minimum_health_change: Annotated[_Number, Field(ge=0.5, le=5)] = Field(
        default=1.0,
        description="Points of the score (0 to 10) by which it must fall.",
        examples=[1.0],
    )


class NewVulnerabilitiesDetectedSettings(_KindSettings):
    """Scorecard's Vulnerabilities check found a known vulnerability that the analysis before did not have."""


class InactivitySettings(_KindSettings):
    """No commit for a number of days; raised once per quiet period."""

    days: Annotated[int, Field(strict=True, ge=1, le=365), _WHOLE] = Field(
        default=90,
        description="Days since the last commit.",
        examples=[90],
    )


class ProcessingFinishedSettings(_KindSettings):
    """The analysis of a newly added or retried repository came to its end."""

    ready: _Switch = Field(default=True, description="Raise it when the repository is ready.", examples=[True])
    failed: _Switch = Field(default=True, description="Raise it when the analysis failed for good.", examples=[True])


class RepositoryUnavailableSettings(_KindSettings):
    """The repository vanished, turned private or moved; raised once, and once more when it is back."""


class VerdictChangesSettings(_KindSettings):
    """The verdict of the repository is another one: it slows down, falls silent, comes back."""


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
