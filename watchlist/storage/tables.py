"""The DynamoDB tables as infrastructure creates them; `watchlist.storage.records` holds the items."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index over two string attributes.

    Attributes:
        included: attributes projected besides the keys, or None for all.
    """

    name: str
    hash_key: str
    range_key: str
    included: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Table:
    """A table with the string keys `pk` and `sk`; items expire by `expires_at`."""

    name: Literal["watchlist", "activity"]
    indexes: tuple[Index, ...] = ()


HASH_KEY = "pk"
RANGE_KEY = "sk"
TIME_TO_LIVE = "expires_at"

BY_USER = Index("by-user", "user", "added_order", included=None)
BY_DUE = Index("by-due", "due_kind", "due_at", included=("type",))
BY_QUEUE = Index("by-queue", "open_queue", "job_queued_at", included=("type", "waits_in"))
BY_TURN = Index("by-turn", "waits_in", "turn", included=("type",))
BY_USER_ENTRY = Index("by-user-entry", "user_watchlist_id", "raised_at", included=None)
BY_USER_ALERTS = Index("by-user-alerts", "user_hash", "listed_order", included=None)

WATCHLIST = Table("watchlist", (BY_USER, BY_DUE, BY_QUEUE, BY_TURN))
ACTIVITY = Table("activity", (BY_USER_ENTRY, BY_USER_ALERTS))
