"""All alerts of a user in one list, whatever repository they are of: open ones first, then the newest."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pynamodb.expressions.condition import Condition

from watchlist import limits
from watchlist.alerts import store as alert_store
from watchlist.alerts.kind import AlertLevel
from watchlist.alerts.settings import AlertKind
from watchlist.alerts.store import AlertNotFoundError
from watchlist.repository_url import Repository
from watchlist.storage import batches, cursors
from watchlist.storage.records import (
    ENTRY_KEY,
    USER_PREFIX,
    AlertRecord,
    Entry,
    UserEntry,
    WatchlistItem,
    as_key,
    user_hash,
)
from watchlist.watching import user_entries
from watchlist.watching.user_entries import UserEntryNotFoundError

_ORDER = re.compile(r"(?:open|done)#[0-9T:.+-]{10,40}")
_ALERT_ID = re.compile(r"[A-Za-z0-9_.-]{1,100}")

_LAST = "~"
"""Sorts behind all that a place in the list can hold."""


@dataclass(frozen=True, slots=True)
class WantedAlerts:
    """Which alerts; what is None leaves nothing out.

    Attributes:
        is_open: whether they are not resolved.
        level: of the alerts.
        kind: of the alerts.
        watchlist_id: of the repository.
        since: raised at or after.
        until: raised before.
    """

    is_open: bool | None = None
    level: AlertLevel | None = None
    kind: AlertKind | None = None
    watchlist_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def takes_all(self) -> bool:
        """Whether nothing but the place in the list decides."""
        return self == WantedAlerts(is_open=self.is_open)

    def takes(self, record: AlertRecord) -> bool:
        """Whether the alert is wanted."""
        return (
            self.level in {None, record.alert["level"]}
            and self.kind in {None, record.alert["kind"]}
            and self.watchlist_id in {None, record.watchlist_id}
            and (self.since is None or record.raised_at >= self.since)
            and (self.until is None or record.raised_at < self.until)
        )

    @property
    def places(self) -> tuple[str, str]:
        """The first and the last place in the list that is wanted."""
        if self.is_open is None:
            return "", _LAST
        prefix = alert_store.OPEN if self.is_open else alert_store.RESOLVED
        return prefix + (as_key(self.since) if self.since else ""), prefix + (
            as_key(self.until) if self.until else _LAST
        )


@dataclass(frozen=True, slots=True)
class ListedAlert:
    """An alert and the repository that it is of."""

    record: AlertRecord
    repository: Repository


@dataclass(frozen=True, slots=True)
class WatchedAlert:
    """An alert, the watch that it was raised for, and what is watched."""

    record: AlertRecord
    user_entry: UserEntry
    entry: Entry


@dataclass(frozen=True, slots=True)
class Page:
    """Alerts, and the cursor of the next page, None at the end."""

    alerts: tuple[ListedAlert, ...]
    next_cursor: str | None


def page(user: str, wanted: WantedAlerts, limit: int, cursor: str | None) -> Page:
    """Return at most `limit` of a user's alerts after `cursor`.

    Two or three calls: a Query of the alerts, and one BatchGet for up to 50 repositories of them. Where an alert is
    left out (by the filters, or since its watch has ended) a page can be short, or empty, without being the last.

    Raises:
        InvalidCursorError: the cursor is malformed, or of another list.
    """
    read = limit + 1 if wanted.takes_all else limits.ALERTS_LOOKED_AT
    first, last = wanted.places
    if first > last:  # DynamoDB takes no such question
        return Page((), None)
    in_range: Condition | None = AlertRecord.listed_order.between(first, last) if first or last != _LAST else None
    query = AlertRecord.by_user_alerts.query(
        user_hash(user),
        in_range,
        scan_index_forward=False,
        page_size=read,
        last_evaluated_key=_start(user, wanted, cursor) if cursor else None,
    )
    answer = next(query.page_iter)
    found = [AlertRecord.from_raw_data(item) for item in answer["Items"]]
    shown, seen = _cut([record for record in found if wanted.takes(record)], found, limit)
    more = "LastEvaluatedKey" in answer or seen < len(found)
    next_cursor = cursors.encode(found[seen - 1].listed_order, found[seen - 1].pk) if more and seen else None
    return Page(tuple(_still_watched(user, shown)), next_cursor)


def find_for(alert_id: str, caller: str | None) -> AlertRecord:
    """Return the alert; `caller` is whose it must be, None for a caller who may see all.

    Raises:
        AlertNotFoundError: it does not exist, is somebody else's, or was raised before they began to watch.
    """
    record = alert_store.find(alert_id)
    try:
        watch = user_entries.find(record.user_watchlist_id, caller)
    except UserEntryNotFoundError:
        raise AlertNotFoundError(alert_id) from None
    if not _is_of(record, watch):
        raise AlertNotFoundError(alert_id)
    return record


def watched_by(user: str | None, records: Sequence[AlertRecord]) -> list[AlertRecord]:
    """Return those of the alerts that are of `user`'s present watches (of anybody's, for None): one read for 50."""
    mine = [
        record
        for record in records
        if user is None or alert_store.user_hash_in(record.user_watchlist_id) == user_hash(user)
    ]
    watches = _watches(
        {(record.watchlist_id, USER_PREFIX + alert_store.user_hash_in(record.user_watchlist_id)) for record in mine}
    )
    return [record for record in mine if _is_of(record, watches.get(record.user_watchlist_id))]


def of_present_watches(records: Sequence[AlertRecord]) -> list[WatchedAlert]:
    """Return those of the alerts whose watch has not ended, in their order: one read for 50 repositories."""
    keys = {
        key
        for record in records
        for key in (
            (record.watchlist_id, ENTRY_KEY),
            (record.watchlist_id, USER_PREFIX + alert_store.user_hash_in(record.user_watchlist_id)),
        )
    }
    watches = _watches(keys)
    return [
        WatchedAlert(record, user_entry, entry)
        for record in records
        if isinstance(entry := watches.get(record.watchlist_id), Entry)
        and not entry.is_removed
        and isinstance(user_entry := watches.get(record.user_watchlist_id), UserEntry)
        and _is_of(record, user_entry)
    ]


def _cut(wanted: list[AlertRecord], found: list[AlertRecord], limit: int) -> tuple[list[AlertRecord], int]:
    """Return the first `limit` of the wanted ones, and how many of the found ones were seen for them."""
    if len(wanted) <= limit:
        # one more than the limit was read to know whether there is more: it is not seen unless it is shown
        return wanted, len(found)
    shown = wanted[:limit]
    return shown, next(at for at, record in enumerate(found, start=1) if record is shown[-1])


def _still_watched(user: str, records: Sequence[AlertRecord]) -> list[ListedAlert]:
    sk = UserEntry.sk_of(user)
    ids = {record.watchlist_id for record in records}
    watches = _watches({(each, key) for each in ids for key in (sk, ENTRY_KEY)})
    return [
        ListedAlert(record, entry.repository)
        for record in records
        if isinstance(entry := watches.get(record.watchlist_id), Entry)
        and not entry.is_removed
        and _is_of(record, watches.get(record.user_watchlist_id))
    ]


def _watches(keys: set[tuple[str, str]]) -> Mapping[str, WatchlistItem]:
    """Return user entries by their ids, and entries by theirs."""
    found = batches.get(WatchlistItem, sorted(keys), batches.REQUEST, consistent=False)
    return {item.user_watchlist_id if isinstance(item, UserEntry) else item.pk: item for item in found}


def _is_of(record: AlertRecord, watch: WatchlistItem | None) -> bool:
    """Whether the alert was raised for that watch, and not for one before it."""
    return isinstance(watch, UserEntry) and bool(record.raised_at >= watch.added_at)


def _start(user: str, wanted: WantedAlerts, cursor: str) -> dict[str, dict[str, str]]:
    """Return the key behind which the page begins; DynamoDB takes only one within the range that is asked for."""
    listed_order, alert_id = cursors.decode(cursor, _ORDER, _ALERT_ID)
    first, last = wanted.places
    if not first <= listed_order <= last:
        raise cursors.InvalidCursorError
    return {
        "pk": {"S": alert_id},
        "sk": {"S": AlertRecord.SK},
        "user_hash": {"S": user_hash(user)},
        "listed_order": {"S": listed_order},
    }
