"""The analyses of an entry in DynamoDB, newest first."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from watchlist import limits
from watchlist.history.people import Identities
from watchlist.storage import cursors
from watchlist.storage.records import HEALTH_PREFIX, HealthRecord

_KEY = re.compile(HEALTH_PREFIX + r"[0-9T:.+-]{10,40}")
_LAST = "~"
"""Sorts behind all moments."""


def put(
    watchlist_id: str,
    analyzed_at: datetime,
    head_sha: str | None,
    document: dict[str, Any],
    identities: Sequence[Identities] = (),
) -> None:
    """Write one analysis; the same moment's is replaced.

    Args:
        watchlist_id: of the entry.
        analyzed_at: when.
        head_sha: of what.
        document: what is shown of it.
        identities: of the repository's people who have several, for searches.
    """
    HealthRecord(
        watchlist_id,
        f"{HEALTH_PREFIX}{analyzed_at.isoformat()}",
        analyzed_at=analyzed_at,
        head_sha=head_sha,
        document=document,
        expires_at=analyzed_at + limits.HEALTH_RETENTION,
        identities=list(identities) or None,
    ).save()


@dataclass(frozen=True, slots=True)
class Page:
    """Analyses, newest first, and the cursor of the next page, None at the end."""

    analyses: tuple[HealthRecord, ...]
    next_cursor: str | None


def page(watchlist_id: str, between: tuple[datetime | None, datetime | None], limit: int, cursor: str | None) -> Page:
    """Return at most `limit` analyses of a time (from, to, both included; None for no bound), newest first.

    One call: where analyses are large a page has fewer.

    Raises:
        InvalidCursorError: the cursor is malformed, or of another time.
    """
    first = HEALTH_PREFIX + (between[0].isoformat() if between[0] else "")
    last = HEALTH_PREFIX + (between[1].isoformat() if between[1] else _LAST)
    if cursor is not None:
        (before,) = cursors.decode(cursor, _KEY)
        if not first <= before <= last:
            raise cursors.InvalidCursorError
    query = HealthRecord.query(
        watchlist_id,
        HealthRecord.sk.between(first, last),
        scan_index_forward=False,
        page_size=limit,
        last_evaluated_key={"pk": {"S": watchlist_id}, "sk": {"S": before}} if cursor is not None else None,
    )
    answer = next(query.page_iter)
    found = tuple(HealthRecord.from_raw_data(item) for item in answer["Items"])
    more = "LastEvaluatedKey" in answer and found
    return Page(found, cursors.encode(found[-1].sk) if more else None)


def identities(watchlist_id: str) -> list[Identities]:
    """Return the identities of the repository's people who have several, as of the last analysis."""
    return [
        [(name, email) for name, email in person]
        for record in latest(watchlist_id, 1)
        for person in record.identities or ()
    ]


def latest(watchlist_id: str, limit: int = limits.HEALTH_HISTORY_SHOWN) -> list[HealthRecord]:
    """Return the last `limit` analyses, newest first."""
    return list(
        HealthRecord.query(
            watchlist_id, HealthRecord.sk.startswith(HEALTH_PREFIX), scan_index_forward=False, limit=limit
        )
    )
