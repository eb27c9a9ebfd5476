from typing import Any

from watchlist.alerts.alert import Alert, Watcher
from watchlist.alerts.occasions import Occasion
from watchlist.alerts.settings import AlertSettings


def watcher(**kinds: dict[str, Any]) -> Watcher:
    return Watcher("user-watchlist-1", AlertSettings.model_validate(kinds))


def raised(watching: Watcher, occasion: Occasion) -> list[Alert]:
    return watching.alerts(watching.settings.findings(occasion))


def only_one(watching: Watcher, kind: str, occasion: Occasion) -> Alert | None:
    """Return the alert of one kind, of which there must not be more."""
    alerts = [alert for alert in raised(watching, occasion) if alert.kind == kind]
    assert len(alerts) <= 1
    return alerts[0] if alerts else None
