"""An alert to raise, where it does not matter of what."""

from uuid import uuid4

from watchlist.alerts.alert import Alert
from watchlist.alerts.kind import AlertLevel
from watchlist.alerts.settings import AlertKind, AlertMetric, ThresholdKind


def files_changed(
    alert_id: str | None = None, *, commit_sha: str | None = "a" * 40, message: str = "Ada changed 412 files."
) -> Alert:
    """Return an alert about a commit of 412 files, with an id of its own unless one is given."""
    return Alert(
        id=alert_id or f"alert_{uuid4().hex}",
        kind=AlertKind.FILES_CHANGED,
        level=AlertLevel.MILD,
        metric=AlertMetric.FILES_CHANGED,
        value=412,
        threshold=200,
        threshold_kind=ThresholdKind.HARDCODED_THRESHOLD,
        commit_sha=commit_sha,
        message=message,
    )
