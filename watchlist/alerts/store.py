"""The alerts of user entries in DynamoDB."""

import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from pynamodb.exceptions import PutError, UpdateError
from pynamodb.expressions.update import Action

from watchlist import limits
from watchlist.alerts.alert import Alert
from watchlist.errors import RequestRefusedError
from watchlist.storage import batches, cursors
from watchlist.storage.failures import is_refused
from watchlist.storage.records import AlertRecord, as_key, user_hash

_MOMENT = re.compile(r"[0-9T:.+-]{10,40}")
_ALERT_ID = re.compile(r"[A-Za-z0-9_.-]{1,100}")

OPEN, RESOLVED = "open#", "done#"
"""How the places of open and of resolved alerts begin in the list of a user's alerts, which is read backwards."""

_AT_ONCE = 4
"""Alerts that are written at the same time."""

_HELD = 200
"""Alerts that are held while they are written."""


class AlertNotFoundError(RequestRefusedError):
    """There is no such alert (any more)."""


@dataclass(frozen=True, slots=True)
class Page:
    """Alerts, newest first, and the cursor of the next page, None at the end."""

    alerts: tuple[AlertRecord, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class OpenAlerts:
    """Alerts that are not resolved, and whether these are all."""

    alerts: tuple[AlertRecord, ...]
    is_complete: bool


@dataclass(frozen=True, slots=True)
class AddressedAlert:
    """An alert of one user entry; one that is not open is resolved from the start."""

    user_watchlist_id: str
    watchlist_id: str
    alert: Alert
    is_open: bool = True

    def to_record(self, raised_at: datetime) -> AlertRecord:
        """Return the item of the alert."""
        done_at = None if self.is_open else raised_at
        return AlertRecord(
            self.alert.id,
            AlertRecord.SK,
            user_watchlist_id=self.user_watchlist_id,
            watchlist_id=self.watchlist_id,
            raised_at=raised_at,
            alert=self.alert.model_dump(mode="json"),
            user_hash=user_hash_in(self.user_watchlist_id),
            acknowledged_at=done_at,
            resolved_at=done_at,
            listed_order=_listed_order(raised_at, is_open=self.is_open),
            expires_at=raised_at + limits.ALERT_RETENTION,
        )


def put_all(alerts: Iterable[AddressedAlert], raised_at: datetime) -> int:
    """Store the alerts that are not stored already, several at the same time; return how many were new.

    Each is a write of its own: a batch can carry no condition, and a transaction costs twice as much.
    """
    stored = 0
    pending = iter(alerts)
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        while some := list(islice(pending, _HELD)):
            stored += sum(threads.map(lambda each: _put(each, raised_at), some))
    return stored


def put(user_watchlist_id: str, watchlist_id: str, alert: Alert, raised_at: datetime) -> bool:
    """Store an open alert unless it is stored already; whether it was new."""
    return _put(AddressedAlert(user_watchlist_id, watchlist_id, alert), raised_at)


def _put(addressed: AddressedAlert, raised_at: datetime) -> bool:
    record = addressed.to_record(raised_at)
    try:
        record.save(condition=AlertRecord.pk.does_not_exist())
    except PutError as error:
        if is_refused(error):
            return False
        raise
    return True


def find(alert_id: str) -> AlertRecord:
    """Return the alert.

    Raises:
        AlertNotFoundError: there is none with this id.
    """
    try:
        return AlertRecord.get(alert_id, AlertRecord.SK, consistent_read=True)
    except AlertRecord.DoesNotExist:
        raise AlertNotFoundError(alert_id) from None


def find_all(alert_ids: Sequence[str]) -> list[AlertRecord]:
    """Return those of the alerts that there are, 100 a call."""
    keys = [(alert_id, AlertRecord.SK) for alert_id in dict.fromkeys(alert_ids)]
    return list(batches.get(AlertRecord, keys, batches.REQUEST))


def acknowledge(alert: AlertRecord, at: datetime) -> AlertRecord:
    """Note that the user has seen the alert; the first time counts.

    Raises:
        AlertNotFoundError: it is not there any more.
    """
    return change(alert.pk, AlertRecord.acknowledged_at.set(AlertRecord.acknowledged_at | at))


def resolve(alert: AlertRecord, at: datetime) -> AlertRecord:
    """Note that the alert is dealt with, and so seen; the first time counts. It is no longer among the open ones.

    Raises:
        AlertNotFoundError: it is not there any more.
    """
    return change(alert.pk, *resolved(alert, at))


def resolved(record: AlertRecord, at: datetime) -> list[Action]:
    """Return what notes that the alert is dealt with."""
    return [
        AlertRecord.acknowledged_at.set(AlertRecord.acknowledged_at | at),
        AlertRecord.resolved_at.set(AlertRecord.resolved_at | at),
        AlertRecord.listed_order.set(_listed_order(record.raised_at, is_open=False)),
    ]


def open_alerts(user: str) -> OpenAlerts:
    """Return the open alerts of a user, the newest first: as many as one call of DynamoDB reads."""
    query = AlertRecord.by_user_alerts.query(
        user_hash(user),
        AlertRecord.listed_order.startswith(OPEN),
        scan_index_forward=False,
        attributes_to_get=["pk", "sk", "type", "user_watchlist_id", "raised_at", "alert"],
        page_size=limits.OPEN_ALERTS_COUNTED,
    )
    answer = next(query.page_iter)
    alerts = tuple(AlertRecord.from_raw_data(item) for item in answer["Items"])
    return OpenAlerts(alerts, is_complete="LastEvaluatedKey" not in answer)


def open_since(user: str, since: datetime) -> Iterator[AlertRecord]:
    """Return all open alerts of a user that were raised at or after `since`, the newest first."""
    return AlertRecord.by_user_alerts.query(
        user_hash(user), AlertRecord.listed_order.between(OPEN + as_key(since), OPEN + "~"), scan_index_forward=False
    )


def page(user_watchlist_id: str, since: datetime, limit: int, cursor: str | None) -> Page:
    """Return at most `limit` alerts of a user entry, raised at or after `since`, after `cursor`.

    Raises:
        InvalidCursorError: the cursor is malformed.
    """
    start = _start(user_watchlist_id, since, cursor) if cursor else None
    found = list(
        AlertRecord.by_user_entry.query(
            user_watchlist_id,
            AlertRecord.raised_at >= since,
            scan_index_forward=False,
            limit=limit + 1,
            page_size=limit + 1,
            last_evaluated_key=start,
        )
    )
    shown = tuple(found[:limit])
    return Page(shown, _cursor_after(shown[-1]) if len(found) > limit else None)


def all_of(user_watchlist_id: str) -> list[AlertRecord]:
    """Return all alerts of a user entry, newest first, as the index has them."""
    return list(AlertRecord.by_user_entry.query(user_watchlist_id, scan_index_forward=False))


def moved(watchlist_id: str, user_watchlist_id: str) -> list[Action]:
    """Return what makes an alert one of this user entry for this repository."""
    return [AlertRecord.watchlist_id.set(watchlist_id), AlertRecord.user_watchlist_id.set(user_watchlist_id)]


def remove(user_watchlist_id: str, at_most: int) -> None:
    """Delete alerts of a user entry; what is left expires by itself, and is shown to nobody.

    Whoever watches the repository again sees only what is raised from then on (`page`'s `since`).
    """
    batches.delete(list(AlertRecord.by_user_entry.query(user_watchlist_id, limit=at_most)), batches.REQUEST)


def change(alert_id: str, *actions: Action) -> AlertRecord:
    """Change an alert.

    Raises:
        AlertNotFoundError: there is none with this id.
    """
    record = AlertRecord(alert_id, AlertRecord.SK)
    try:
        record.update(actions=list(actions), condition=AlertRecord.pk.exists())
    except UpdateError as error:
        if is_refused(error):
            raise AlertNotFoundError(alert_id) from None
        raise
    return record


def _listed_order(raised_at: datetime, *, is_open: bool) -> str:
    return (OPEN if is_open else RESOLVED) + as_key(raised_at)


def user_hash_in(user_watchlist_id: str) -> str:
    """Return the part of a user entry's id that stands for the user."""
    return user_watchlist_id.removeprefix("user_").partition("_")[0]


def _cursor_after(record: AlertRecord) -> str:
    return cursors.encode(as_key(record.raised_at), record.pk)


def _start(user_watchlist_id: str, since: datetime, cursor: str) -> dict[str, dict[str, str]]:
    """Return the key behind which the page begins; DynamoDB takes only one within the range that is asked for."""
    raised_at, alert_id = cursors.decode(cursor, _MOMENT, _ALERT_ID)
    if raised_at < as_key(since):
        raise cursors.InvalidCursorError
    return {
        "pk": {"S": alert_id},
        "sk": {"S": AlertRecord.SK},
        "user_watchlist_id": {"S": user_watchlist_id},
        "raised_at": {"S": raised_at},
    }
