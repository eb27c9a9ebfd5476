"""Raises the alerts of what happened for everybody who watches a repository, however many they are.

What happened is evaluated once for all watchers with equal settings; each of them gets the alerts under ids of their
own.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from pydantic import ValidationError

from watchlist import limits
from watchlist.alerts import store as alert_store
from watchlist.alerts.alert import Watcher
from watchlist.alerts.kind import AlertLevel, Finding
from watchlist.alerts.occasions import Occasion
from watchlist.alerts.settings import AlertKind, AlertSettings
from watchlist.alerts.store import AddressedAlert
from watchlist.storage.records import USER_PREFIX, UserEntry
from watchlist.text import shorten

Found = tuple[AlertKind, Finding]

_PAGE = 500
"""Watchers that are read at once."""


def tell(watchlist_id: str, occasion: Occasion, at: datetime, check: Callable[[], None] = lambda: None) -> int:
    """Store the alerts that what happened raises for the watchers of the entry; return how many are new.

    The watchers are read page by page, so that memory does not grow with their number.

    Args:
        watchlist_id: of the entry.
        occasion: what happened.
        at: when the alerts count as raised.
        check: called for each watcher; it raises when the job was taken away.
    """
    return alert_store.put_all(_addressed(watchlist_id, occasion, check), at)


def tell_watcher(user_entry: UserEntry, occasion: Occasion, at: datetime) -> int:
    """Store the alerts that what happened raises for one watcher alone; return how many are new."""
    return alert_store.put_all(_of_watcher(user_entry, once_per_settings(occasion)), at)


def once_per_settings(occasion: Occasion) -> Callable[[AlertSettings], Sequence[Found]]:
    """Return what finds the alerts of the occasion, evaluated once for equal settings."""

    @lru_cache(maxsize=limits.WATCHER_SETTINGS_AT_ONCE)
    def found(settings: AlertSettings) -> Sequence[Found]:
        return _most_urgent(list(settings.findings(occasion)))

    return found


def _addressed(watchlist_id: str, occasion: Occasion, check: Callable[[], None]) -> Iterator[AddressedAlert]:
    found = once_per_settings(occasion)
    watching = UserEntry.sk.startswith(USER_PREFIX)
    for user_entry in UserEntry.query(watchlist_id, watching, consistent_read=True, page_size=_PAGE):
        check()
        yield from _of_watcher(user_entry, found)


def _of_watcher(user_entry: UserEntry, found: Callable[[AlertSettings], Sequence[Found]]) -> Iterator[AddressedAlert]:
    watcher = Watcher(user_entry.user_watchlist_id, _settings_of(user_entry), user_entry.added_at)
    for alert, finding in watcher.raised(found(watcher.settings)):
        yield AddressedAlert(watcher.user_watchlist_id, user_entry.watchlist_id, alert, is_open=finding.is_open)


def _settings_of(user_entry: UserEntry) -> AlertSettings:
    """Return the watcher's settings; the defaults where they are of a version that knew other ones."""
    try:
        return AlertSettings.model_validate_json(json.dumps(user_entry.alerts or {}))
    except ValidationError:
        return AlertSettings()


def _most_urgent(found: Sequence[Found]) -> Sequence[Found]:
    """Return at most as many as one refresh may raise: critical ones first, then the ones that came first.

    The last of them says how many were left out.
    """
    left_out = len(found) - limits.ALERTS_OF_ONE_REFRESH
    if left_out <= 0:
        return found
    ranked = sorted(found, key=lambda each: each[1].level is not AlertLevel.CRITICAL)
    *raised, (kind, last) = ranked[: limits.ALERTS_OF_ONE_REFRESH]
    more = f" (This look found {left_out} more of no higher level, for which no alerts are raised.)"
    message = shorten(last.message, limits.ALERT_MESSAGE_BYTES - len(more)) + more
    return [*raised, (kind, replace(last, message=message))]
