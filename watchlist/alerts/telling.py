"""Tells the watchers of a repository: evaluates a rule for each by their settings, and stores the alerts.

Nothing here sends anything; what is stored is passed on by whoever follows the table. A rule that is evaluated again
for the same event raises the same alerts, which are stored once.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache

from pydantic import ValidationError

from watchlist import limits
from watchlist.alerts import store as alert_store
from watchlist.alerts.alert import Alert, AlertLevel, Watcher
from watchlist.alerts.settings import AlertSettings
from watchlist.alerts.store import AddressedAlert
from watchlist.storage.records import USER_PREFIX, UserEntry

Rule = Callable[[Watcher, datetime], Sequence[Alert]]
"""Returns the alerts of a watcher who has watched since then."""

_ANYBODY = "anybody"

_PAGE = 500
"""Watchers that are read at once."""


def tell(watchlist_id: str, rule: Rule, at: datetime, check: Callable[[], None] = lambda: None) -> int:
    """Evaluate `rule` for every watcher of the entry and store the alerts; return how many are new.

    The watchers are read page by page, so that memory does not grow with their number.

    Args:
        watchlist_id: of the entry.
        rule: what is evaluated.
        at: when the alerts count as raised.
        check: called for each watcher; it raises when the job was taken away.
    """
    return alert_store.put_all(_addressed(watchlist_id, rule, check), at)


def once_per_settings(evaluate: Callable[[Watcher], Sequence[Alert]]) -> Rule:
    """Return a rule that evaluates once for all watchers with equal settings: for what costs more than a few lookups.

    `evaluate` gets a watcher who stands for them; each of them gets the alerts under ids of their own.
    """

    @lru_cache(maxsize=limits.WATCHER_SETTINGS_AT_ONCE)
    def of_settings(settings: str) -> tuple[Alert, ...]:
        return tuple(_most_urgent(evaluate(Watcher(_ANYBODY, AlertSettings.model_validate_json(settings)))))

    def rule(watcher: Watcher, watched_since: datetime) -> list[Alert]:
        del watched_since
        return [_of(watcher, alert) for alert in of_settings(watcher.settings.model_dump_json())]

    return rule


def _addressed(watchlist_id: str, rule: Rule, check: Callable[[], None]) -> Iterator[AddressedAlert]:
    watching = UserEntry.sk.startswith(USER_PREFIX)
    for user_entry in UserEntry.query(watchlist_id, watching, consistent_read=True, page_size=_PAGE):
        check()
        watcher = Watcher(user_entry.user_watchlist_id, _settings_of(user_entry))
        for alert in rule(watcher, user_entry.added_at):
            yield AddressedAlert(watcher.user_watchlist_id, watchlist_id, alert)


def _settings_of(user_entry: UserEntry) -> AlertSettings:
    """Return the watcher's settings; the defaults where they are of a version that knew other ones."""
    try:
        return AlertSettings.model_validate_json(json.dumps(user_entry.alerts or {}))
    except ValidationError:
        return AlertSettings()


def _of(watcher: Watcher, alert: Alert) -> Alert:
    return alert.model_copy(update={"id": watcher.alert_id(alert.kind, alert.id)})


def _most_urgent(alerts: Sequence[Alert]) -> Sequence[Alert]:
    """Return at most as many as one refresh may raise: critical ones first, then the ones that came first."""
    if len(alerts) <= limits.ALERTS_OF_ONE_REFRESH:
        return alerts
    ranked = sorted(alerts, key=lambda alert: alert.level is not AlertLevel.CRITICAL)
    return ranked[: limits.ALERTS_OF_ONE_REFRESH]
