"""What the two kinds of alert about the size of a commit share.

Merges have no lines or files of their own; their content is measured in the commits that they bring in. Only what is in
none of a merge's parents is measured as the merge's, at least.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from watchlist.alerts.baseline import Baseline, ContributorBaseline, Spread
from watchlist.alerts.kind import Finding
from watchlist.alerts.occasions import NewCommits
from watchlist.alerts.thresholds import (
    CRITICAL_FACTOR,
    CRITICAL_VARIANCE_FACTOR,
    Crossing,
    count_at,
    level_of,
    most_severe,
    name_of,
    number,
)
from watchlist.history.commits import Commit
from watchlist.history.people import Person


class SizeSettings(Protocol):
    """The thresholds of either kind; None switches one off."""

    @property
    def contributor_variance(self) -> float | None:
        """Standard deviations above the author's usual size."""

    @property
    def repository_variance(self) -> float | None:
        """Standard deviations above the repository's usual size."""

    @property
    def hardcoded_threshold(self) -> int | None:
        """A size that raises it whatever is usual."""


@dataclass(frozen=True, slots=True)
class SizeRule:
    """What the two kinds do not share.

    Attributes:
        metric: what a size counts.
        minimum: the least size that is unusual by variance, however small the usual ones are.
        size: of a commit; None where it is not known.
        spread: of the sizes of a repository or a contributor.
        counted: a commit's size in words.
        least: the size that a commit has at least whose size is not known; 0 where nothing is known.
    """

    metric: str
    minimum: int
    size: Callable[[Commit], int | None]
    spread: Callable[[Baseline | ContributorBaseline], Spread | None]
    counted: Callable[[Commit], str]
    least: Callable[[Commit], int] = lambda _: 0

    def findings(self, settings: SizeSettings, occasion: NewCommits) -> Iterator[Finding]:
        """Find each commit that reached a threshold, by the most severe of those that it reached."""
        for commit in occasion.by_time:
            known = self.size(commit)
            size = self.least(commit) if known is None else known
            if commit.sha not in occasion.new_by_sha or not size:
                continue
            author = occasion.people.of(commit.author)
            crossing = most_severe(self._crossings(settings, occasion.baseline, author, size))
            if crossing is None:
                continue
            because = {
                "contributor_variance": f"this author's usual commit has {number(crossing.usual)}",
                "repository_variance": f"this repository's usual commit has {number(crossing.usual)}",
                "hardcoded_threshold": "a fixed limit",
            }[crossing.kind]
            yield Finding(
                subject=(commit.sha,),
                level=crossing.level,
                metric=self.metric,
                value=size,
                threshold=crossing.threshold,
                threshold_kind=crossing.kind,
                commit_sha=commit.sha,
                message=f"{'' if known else 'At least '}{self.counted(commit)} by {name_of(author)} in "
                f"{_place(commit)}: {crossing.threshold:,} or more raise this alert, {because}.",
            )

    def _crossings(self, settings: SizeSettings, baseline: Baseline, author: Person, size: int) -> Iterator[Crossing]:
        contributor = baseline.contributor(author)
        own = self.spread(contributor) if contributor else None
        # A program is measured against itself only: the repository's spread is that of its people.
        everybody = None if author.is_bot else self.spread(baseline)
        variances = (
            ("contributor_variance", settings.contributor_variance, own),
            ("repository_variance", settings.repository_variance, everybody),
        )
        for kind, variance, spread in variances:
            if variance is None or spread is None or size < self.minimum:
                continue
            threshold = max(count_at(spread.size_at(variance)), self.minimum)
            if size >= threshold:
                level = level_of(spread.deviations(size) / variance, CRITICAL_VARIANCE_FACTOR)
                yield Crossing(kind, threshold, level, usual=spread.usual_size)
        fixed = settings.hardcoded_threshold
        if fixed is not None and size >= fixed:
            yield Crossing("hardcoded_threshold", fixed, level_of(size / fixed, CRITICAL_FACTOR))


def _place(commit: Commit) -> str:
    return "one merge, beyond what its parents hold" if commit.is_merge else "one commit"
