"""An author works at unusual hours."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from watchlist.alerts.baseline import contributor_key, week_of
from watchlist.alerts.kind import AlertLevel, Finding, KindSettings, Number
from watchlist.alerts.occasions import NewCommits
from watchlist.alerts.thresholds import name_of
from watchlist.history.commits import Commit

MINIMUM_COMMITS_OUTSIDE_HOURS = 3
"""Commits outside an author's usual hours that a week needs; fewer are one late evening."""


class UnusualAuthorActivitySettings(KindSettings[NewCommits]):
    """A known author commits at hours of the day at which they usually do not."""

    percentage_outside_range: Annotated[Number, Field(ge=1, le=100)] = Field(
        default=50.0,
        description="Percentage of the author's commits of one calendar week that lie outside their usual hours.",
        examples=[50.0],
    )

    OCCASION = NewCommits

    def findings(self, occasion: NewCommits) -> Iterator[Finding]:
        """Find at most one week of an author: the share of that week's commits outside the usual hours.

        Times are those at which commits were written, on a clock of 24 hours without an end at midnight.
        """
        weeks: defaultdict[tuple[str, str], list[Commit]] = defaultdict(list)
        for commit in occasion.by_time:
            author = contributor_key(occasion.people.of(commit.author))
            weeks[week_of(commit.committer.time), author].append(commit)
        for (week, author), written in sorted(weeks.items()):
            contributor = occasion.baseline.contributors.get(author)
            if contributor is None or contributor.hours is None:
                continue
            outside = [commit for commit in written if not contributor.hours.hold(commit.author.time.hour)]
            newest_sha = occasion.newest_of(outside)
            percent = 100 * len(outside) / len(written)
            if (
                newest_sha is None
                or len(outside) < MINIMUM_COMMITS_OUTSIDE_HOURS
                or percent < self.percentage_outside_range
            ):
                continue
            name = name_of(occasion.people.of(outside[-1].author))
            yield Finding(
                subject=(author, week),
                level=AlertLevel.MILD,
                metric="percent_outside_usual_hours",
                value=round(percent, 1),
                threshold=self.percentage_outside_range,
                threshold_kind="percentage_outside_range",
                commit_sha=newest_sha,
                message=f"{len(outside)} of {len(written)} commits by {name} in week {week} were written outside this "
                f"author's usual hours ({contributor.hours}).",
            )
