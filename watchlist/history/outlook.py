"""What commits say of the history around them: who is who, which were the last, and from when on all are known."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from watchlist import limits
from watchlist.history import metrics as history_metrics
from watchlist.history.commits import Commit
from watchlist.history.last_commits import LastCommits
from watchlist.history.metrics import HistoryMetrics
from watchlist.history.people import People


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known beside the commits of the window.

    Attributes:
        people: who wrote them.
        last: the last commits of all, which may lie before the window.
        covered_since: from when on all commits are known; None where those of the whole year are.
    """

    people: People
    last: LastCommits
    covered_since: datetime | None

    @classmethod
    def at(cls, now: datetime, people: People, last: LastCommits, covered_since: datetime | None) -> Self:
        """Return what is known as of now: what is not covered may have left the window since."""
        is_cut = covered_since is not None and covered_since > now - limits.HISTORY_PERIOD
        return cls(people, last, covered_since if is_cut else None)

    def measure(self, commits: Sequence[Commit], now: datetime) -> HistoryMetrics:
        """Compute the metrics of the window's commits."""
        return history_metrics.measure(commits, self.people, now=now, last=self.last, covered_since=self.covered_since)
