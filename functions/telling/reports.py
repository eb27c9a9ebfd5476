"""Weekly reports: what changed among all that a user watches, the worst first, for each channel that wants one."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from watchlist import clock, limits
from watchlist.alerts.kind import AlertLevel
from watchlist.health.verdict import Thresholds
from watchlist.notifications.messages import ReportedRepository, WeeklyReportMessage
from watchlist.storage.records import AlertRecord, Channel
from watchlist.watching import overview, user_alerts
from watchlist.watching.overview import Row
from watchlist.watching.user_alerts import WantedAlerts

_WEEK = timedelta(weeks=1)


def compose(channel: Channel, thresholds: Thresholds, now: datetime) -> WeeklyReportMessage:
    """Return the report for a channel's user; the same week's has the same id.

    Changes are the alerts of the week that are not resolved, the newest `limits.ALERTS_PAGE_MAX` of them.
    """
    since = channel.due_at - _WEEK
    rows = overview.all_rows(channel.user, thresholds, now)
    wanted = WantedAlerts(is_open=True, since=since)
    alerts: defaultdict[str, list[AlertRecord]] = defaultdict(list)
    for listed in user_alerts.page(channel.user, wanted, limits.ALERTS_PAGE_MAX, None).alerts:
        alerts[listed.record.user_watchlist_id].append(listed.record)
    changed = [
        _reported(row, alerts[row.user_entry.user_watchlist_id])
        for row in rows
        if row.user_entry.user_watchlist_id in alerts
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
