"""Regular changes in both tables, for which every stream consumer is called: one that is not has stopped.

A consumer that is never called is behind of nothing, so that its age alone would not tell.
"""

from datetime import datetime

from watchlist.storage.records import ActivityHeartbeat, Heartbeat


def beat(now: datetime) -> None:
    """Change one item in each table."""
    Heartbeat(Heartbeat.PK, Heartbeat.SK, at=now).save()
    ActivityHeartbeat(ActivityHeartbeat.PK, ActivityHeartbeat.SK, at=now).save()
