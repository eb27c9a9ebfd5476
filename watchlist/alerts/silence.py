"""Tells watchers that a repository's people have been silent for long enough."""

from collections.abc import Callable
from datetime import datetime, timedelta

from watchlist.alerts import telling as alerting
from watchlist.alerts.occasions import Quiet
from watchlist.history.last_commits import LastCommits


def tell_of_silence(
    watchlist_id: str, last: LastCommits, now: datetime, check: Callable[[], None] = lambda: None
) -> int:
    """Tell the watchers for whom it has been long enough, and return how many alerts are new.

    Nobody is told on the first day after a commit.

    Args:
        watchlist_id: of the entry.
        last: the last commits of its default branch.
        now: UTC.
        check: called for each watcher; it raises when the job was taken away.
    """
    if last.by_person is None or now - last.by_person.at < timedelta(days=1):
        return 0
    quiet = Quiet(
        last_commit_sha=last.by_person.sha,
        last_commit_at=last.by_person.at,
        last_commit_by_bot_at=last.by_bot.at if last.by_bot else None,
        now=now,
    )
    return alerting.tell(watchlist_id, quiet, now, check)
