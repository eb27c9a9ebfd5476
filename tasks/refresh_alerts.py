"""What a refresh has to tell the watchers: of new commits and a rewritten history, and of a health that got worse.

The alerts are stored before the refresh counts as done, so an attempt that breaks off tells again, and tells the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tasks.history import CommitWindow
from watchlist.alerts import telling as alerting
from watchlist.alerts.baseline import Baseline, week_of
from watchlist.alerts.kinds.ancestry_breaks import descends_from
from watchlist.alerts.occasions import NewCommits
from watchlist.history.commits import Commit
from watchlist.history.dates import as_made
from watchlist.history.people import People
from watchlist.storage.records import Entry


class Job(Protocol):
    """What is needed of the job."""

    def check(self) -> None:
        """Raise JobCancelledError when the job is lost."""


@dataclass(frozen=True, slots=True)
class Backfill:
    """What a backfill found.

    Attributes:
        window: of the history, as it is now.
        before: the commits that were known before; none where the repository had been quiet for the window's time.
        new: the new ones, with their files.
        people: who wrote all these.
    """

    window: CommitWindow
    before: Sequence[Commit]
    new: Sequence[Commit]
    people: People


def tell_of_commits(entry: Entry, backfill: Backfill, *, job: Job, now: datetime) -> int:
    """Raise the alerts of what a backfill found and return how many are new; a repository's first commits raise none.

    One that had been dormant has commits, if none that is kept: what wakes it up is news.

    The baseline is that of the commits stored before, which are bounded in number and size; nothing else is kept.
    """
    head, people = backfill.window.head.sha, backfill.people
    if entry.head_sha is None or head is None:
        return 0
    made = as_made([*backfill.before, *backfill.new], now)
    before, new = made[: len(backfill.before)], made[len(backfill.before) :]
    baseline = Baseline.of(before, people)
    weeks = {week_of(commit.committer.time) for commit in new}
    recent = [commit for commit in before if week_of(commit.committer.time) in weeks]
    occasion = NewCommits(
        baseline=baseline,
        new=new,
        people=people,
        recent=recent,
        previous_head=entry.head_sha,
        head=head,
        descends=_descends(entry, backfill),
    )
    return alerting.tell(entry.watchlist_id, occasion, now, job.check)


def _descends(entry: Entry, backfill: Backfill) -> bool | None:
    """Whether HEAD continues the stored history; None where that cannot be told, or another branch is the default."""
    window = backfill.window
    if entry.default_branch != window.head.branch or entry.head_sha is None or window.head.sha is None:
        return None
    if not window.rewritten:
        return True
    stored = {commit.sha for commit in backfill.before}
    return descends_from(entry.head_sha, window.head.sha, new_commits=backfill.new, stored_shas=stored)
