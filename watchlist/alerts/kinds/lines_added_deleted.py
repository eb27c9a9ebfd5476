"""One commit adds and deletes unusually many lines."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from watchlist.alerts.baseline import lines_changed, lines_of
from watchlist.alerts.kind import WHOLE, Finding, KindSettings, StandardDeviations
from watchlist.alerts.kinds.commit_size import SizeRule
from watchlist.alerts.occasions import NewCommits
from watchlist.alerts.thresholds import number
from watchlist.history.commits import Commit

MINIMUM_LINES = 200
"""No commit of fewer lines is unusual by variance: nobody wants to hear of it, however small the usual ones are."""


def _least(commit: Commit) -> int:
    return max(commit.least_lines, lines_of(commit.brought_in))


def _counted(commit: Commit) -> str:
    if commit.least_lines and not commit.files:
        return f"{number(_least(commit))} lines added and deleted"
    files = commit.brought_in or commit.files or ()
    added, deleted = sum(change.added or 0 for change in files), sum(change.deleted or 0 for change in files)
    return f"{number(added)} lines added and {number(deleted)} deleted"


_RULE = SizeRule(
    metric="lines_changed",
    minimum=MINIMUM_LINES,
    size=lines_changed,
    spread=lambda usual: usual.lines,
    counted=_counted,
    least=_least,
)


class LinesAddedDeletedSettings(KindSettings[NewCommits]):
    """Commits that add and delete unusually many lines. Any threshold that is reached raises the alert."""

    contributor_variance: StandardDeviations | None = Field(
        default=3.5,
        description="Robust standard deviations above the author's own usual number of lines per commit, on a "
        "logarithmic scale. `null` switches this threshold off.",
        examples=[3.5],
    )
    repository_variance: StandardDeviations | None = Field(
        default=3.5,
        description="Robust standard deviations above the repository's usual number of lines per commit, on a "
        "logarithmic scale. `null` switches this threshold off.",
        examples=[3.5],
    )
    hardcoded_threshold: Annotated[int, Field(strict=True, ge=1, le=10_000_000), WHOLE] | None = Field(
        default=10_000,
        description="Lines added plus deleted by one commit. `null` switches this threshold off.",
        examples=[10_000],
    )

    OCCASION = NewCommits

    def findings(self, occasion: NewCommits) -> Iterator[Finding]:
        """Find the commits of unusually many lines."""
        return _RULE.findings(self, occasion)
