"""The analyses of an entry in DynamoDB, newest first."""

from datetime import datetime
from typing import Any

from watchlist import limits
from watchlist.storage.records import HEALTH_PREFIX, HealthRecord


def put(watchlist_id: str, analyzed_at: datetime, head_sha: str | None, document: dict[str, Any]) -> None:
    """Write one analysis; the same moment's is replaced."""
    HealthRecord(
        watchlist_id,
        f"{HEALTH_PREFIX}{analyzed_at.isoformat()}",
        analyzed_at=analyzed_at,
        head_sha=head_sha,
        document=document,
    ).save()


def latest(watchlist_id: str, limit: int = limits.HEALTH_HISTORY_SHOWN) -> list[HealthRecord]:
    """Return the last `limit` analyses, newest first."""
    return list(
        HealthRecord.query(
            watchlist_id, HealthRecord.sk.startswith(HEALTH_PREFIX), scan_index_forward=False, limit=limit
        )
    )
