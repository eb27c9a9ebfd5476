"""The host of the functions, which can be held: `python -m tests.e2e.kills.functions FOLDER`."""

import sys
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from local_service.functions import host
from tests.e2e.kills.holding import Holds
from tests.e2e.kills.places import HANDED_ON, RAISED
from watchlist.notifications import digests
from watchlist.storage.records import AlertRecord

HOLDS = Holds(Path(sys.argv[1]))

_collect = digests.collect
_mark_told = digests.mark_told


def collect(of: str, alert_id: str, interval: timedelta, at: datetime, *, user: str | None = None) -> None:
    """Collect an alert; held before that."""
    if user is not None and user.startswith(RAISED):
        HOLDS.reach(RAISED)
    _collect(of, alert_id, interval, at, user=user)


def mark_told(alerts: Iterable[AlertRecord], at: datetime) -> None:
    """Note that alerts were told; held before that."""
    told = list(alerts)
    if any(f"_{HANDED_ON}_" in alert.watchlist_id for alert in told):
        HOLDS.reach(HANDED_ON)
    _mark_told(told, at)


if __name__ == "__main__":
    digests.collect = collect
    digests.mark_told = mark_told
    host.main()
