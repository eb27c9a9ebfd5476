"""Tells the watchers how the first analysis of a repository, or the one after a retry, came to its end."""

from datetime import datetime
from typing import Literal

from watchlist.alerts import telling as alerting
from watchlist.alerts.occasions import SetupEnded
from watchlist.states import EntryStatus
from watchlist.storage.records import Entry


def tell_of_setup(entry: Entry, now: datetime) -> int:
    """Tell the watchers of an entry whose setup has ended; return how many alerts are new: told again, none is.

    A setup that the service tries again by itself is news only when it succeeds.
    """
    status: Literal["ready", "failed"] = "ready" if entry.entry_status is EntryStatus.READY else "failed"
    if status == "failed" and entry.check_failures > 1:
        return 0
    reason = entry.last_error.message if entry.last_error else None
    return alerting.tell(entry.watchlist_id, SetupEnded(job_id=entry.job_id, status=status, reason=reason), now)
