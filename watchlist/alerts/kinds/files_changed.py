"""One commit changes unusually many files."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from watchlist.alerts.baseline import files_changed
from watchlist.alerts.kind import WHOLE, Finding, KindSettings, StandardDeviations
from watchlist.alerts.kinds.commit_size import SizeRule
from watchlist.alerts.occasions import NewCommits
from watchlist.alerts.thresholds import number
from watchlist.history.commits import Commit

MINIMUM_FILES = 10
"""No commit of fewer files is unusual by variance."""


def _least(commit: Commit) -> int:
    return max(commit.least_files, len(commit.brought_in))


_RULE = SizeRule(
    metric="files_changed",
    minimum=MINIMUM_FILES,
    size=files_changed,
    spread=lambda usual: usual.files,
    counted=lambda commit: f"{number(files_changed(commit) or _least(commit))} files changed",
    least=_least,
)


class FilesChangedSettings(KindSettings[NewCommits]):
    """Commits that change unusually many files. Any threshold that is reached raises the alert."""

    contributor_variance: StandardDeviations | None = Field(
        default=4.5,
        description="Robust standard deviations above the author's own usual number of files per commit, on a "
        "logarithmic scale. `null` switches this threshold off.",
        examples=[4.5],
    )
    repository_variance: StandardDeviations | None = Field(
        default=4.5,
        description="Robust standard deviations above the repository's usual number of files per commit, on a "
        "logarithmic scale. `null` switches this threshold off.",
        examples=[4.5],
    )
    hardcoded_threshold: Annotated[int, Field(strict=True, ge=1, le=1_000_000), WHOLE] | None = Field(
        default=200,
        description="Files changed by one commit. `null` switches this threshold off.",
        examples=[200],
    )

    OCCASION = NewCommits

    def findings(self, occasion: NewCommits) -> Iterator[Finding]:
        """Find the commits of unusually many files."""
        return _RULE.findings(self, occasion)
