"""One file is changed again and again."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from watchlist.alerts.baseline import week_of
from watchlist.alerts.kind import WHOLE, Finding, KindSettings, Number
from watchlist.alerts.occasions import NewCommits
from watchlist.alerts.thresholds import CRITICAL_FACTOR, Crossing, count_at, level_of, most_severe, number
from watchlist.history.commits import Commit
from watchlist.history.file_changes import changed_paths
from watchlist.text import one_line

MINIMUM_FILE_CHANGES = 8
"""No file changed less often in a week is unusual by its multiplier."""

_PATH_CHARACTERS = 80


class HighChurnSettings(KindSettings[NewCommits]):
    """Files that are changed again and again within one calendar week (ISO 8601, UTC)."""

    multiplier: Annotated[Number, Field(ge=1, le=100)] | None = Field(
        default=5.0,
        description="How many times the file's own usual number of changes in a week with changes. `null` switches "
        "this threshold off.",
        examples=[5.0],
    )
    hardcoded_threshold: Annotated[int, Field(strict=True, ge=1, le=10_000), WHOLE] | None = Field(
        default=20,
        description="Commits that change the same file within one week. `null` switches this threshold off.",
        examples=[20],
    )

    OCCASION = NewCommits

    def findings(self, occasion: NewCommits) -> Iterator[Finding]:
        """Find at most one week of a file: churn as the number of commits by people that change the file.

        This is the churn count of Nagappan & Ball 2005 ("Use of Relative Code Churn Measures to Predict System Defect
        Density"), relative to the file's own past. The usual number is a mean over weeks with changes, since files
        rest for most of the year; a file that is rarely changed counts as the repository's average file.
        """
        changes: defaultdict[tuple[str, str], list[Commit]] = defaultdict(list)
        for commit in occasion.by_time:
            if not occasion.people.of(commit.author).is_bot:
                for path in changed_paths(commit):
                    changes[week_of(commit.committer.time), path].append(commit)
        for (week, path), changing in sorted(changes.items()):
            newest_sha = occasion.newest_of(changing)
            usual = occasion.baseline.usual_file_changes(path)
            crossing = most_severe(self._crossings(len(changing), usual))
            if newest_sha is None or crossing is None:
                continue
            shown = one_line(path, _PATH_CHARACTERS) or "A file without a name"
            yield Finding(
                subject=(path, week),
                level=crossing.level,
                metric="file_changes_per_week",
                value=len(changing),
                threshold=crossing.threshold,
                threshold_kind=crossing.kind,
                commit_sha=newest_sha,
                message=f"{shown} was changed by {len(changing)} commits in week {week}: "
                f"{crossing.threshold:,} or more raise this alert, about {number(usual)} are usual.",
            )

    def _crossings(self, changes: int, usual: float) -> Iterator[Crossing]:
        if self.multiplier is not None:
            threshold = max(count_at(self.multiplier * usual), MINIMUM_FILE_CHANGES)
            if changes >= threshold:
                yield Crossing("multiplier", threshold, level_of(changes / threshold, CRITICAL_FACTOR))
        fixed = self.hardcoded_threshold
        if fixed is not None and changes >= fixed:
            yield Crossing("hardcoded_threshold", fixed, level_of(changes / fixed, CRITICAL_FACTOR))
