"""Weekly reports: what changed among all that a user watches, the worst first, for each channel that wants one."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from watchlist import clock, limits
from watchlist.alerts import store as alert_store
from watchlist.alerts.kind import AlertLevel
from watchlist.health.verdict import Thresholds
from watchlist.notifications.messages import ReportedRepository, WeeklyReportMessage
from watchlist.storage.records import AlertRecord, Channel
from watchlist.watching import overview
from watchlist.watching.overview import Row

_WEEK = timedelta(weeks=1)


def compose(channel: Channel, thresholds: Thresholds, now: datetime) -> WeeklyReportMessage:
    """Return the report for a channel's user; the same week's has the same id.

    Changes are the alerts of the week that are not resolved.
    """
    since = channel.due_at - _WEEK
    rows = overview.all_rows(channel.user, thresholds, now)
    alerts: defaultdict[str, list[AlertRecord]] = defaultdict(list)
    for record in alert_store.open_since(channel.user, since):
        alerts[record.user_watchlist_id].append(record)
    changed = [
        _reported(row, of_the_week)
        for row in rows
        if (of_the_week := _raised_since(max(since, row.user_entry.added_at), alerts[row.user_entry.user_watchlist_id]))
    ]
    shown = tuple(changed[: limits.REPORT_ROWS])
    return WeeklyReportMessage(
        id=_id(channel),
        created_at=now,
        channel_id=channel.channel_id,
        since=since,
        watched=len(rows),
        verdicts=dict(Counter(row.verdict.state for row in rows)),
        changed=shown,
        more_changed=len(changed) - len(shown),
        leave_url=f"{channel.base_url}/leave/{channel.channel_id}/{channel.leave_token}" if channel.base_url else None,
    )


def _raised_since(since: datetime, alerts: Sequence[AlertRecord]) -> list[AlertRecord]:
    return [alert for alert in alerts if alert.raised_at >= since]


def _reported(row: Row, alerts: Sequence[AlertRecord]) -> ReportedRepository:
    shown = tuple(record.alert["message"] for record in alerts[: limits.REPORT_CHANGES])
    return ReportedRepository(
        watchlist_id=row.user_entry.watchlist_id,
        user_watchlist_id=row.user_entry.user_watchlist_id,
        repository_url=row.entry.repository.url,
        verdict=row.verdict.state,
        reason=row.verdict.reasons[0].message,
        changes=shown,
        more_changes=len(alerts) - len(shown),
        has_critical=any(record.alert["level"] == AlertLevel.CRITICAL for record in alerts),
    )


def _id(channel: Channel) -> str:
    week = f"{channel.channel_id}\n{clock.to_json(channel.due_at)}"
    return f"report_{hashlib.sha256(week.encode()).hexdigest()[:32]}"
