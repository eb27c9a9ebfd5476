"""`report` and `export`: the watchlist as a text to send or a table to keep."""

import csv
import io
import sys
from datetime import UTC, datetime
from typing import Any

from watchlist.text import for_spreadsheet
from watchlist_cli.choices import ExportFormat, ReportFormat
from watchlist_cli.errors import ExitCode
from watchlist_cli.output import as_json
from watchlist_cli.reporting import Report, period
from watchlist_cli.session import Session

_EXPORTED = (
    "name",
    "repository_url",
    "status",
    "verdict",
    "reason",
    "score",
    "score_change",
    "last_commit_by_person_at",
    "last_commit_by_bot_at",
    "absence_factor",
    "latest_release",
    "latest_release_at",
    "critical_alerts",
    "mild_alerts",
    "analyzed_at",
    "added_at",
    "labels",
    "notes",
)


def report(session: Session, covered: str, form: ReportFormat) -> ExitCode:
    """Print a report of so long a time until now, like `7d`."""
    now = datetime.now(UTC)
    start = now - period(covered)
    rows = list(session.client.watched())
    since = start.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    alerts = list(session.client.pages("/activity/alerts", user=session.profile.user, since=since))
    made = Report(rows, alerts, start, now)
    sys.stdout.write(made.html() if form is ReportFormat.HTML else made.markdown())
    return ExitCode.GOOD


def export(session: Session, form: ExportFormat) -> ExitCode:
    """Print the watchlist as CSV or as JSON Lines, the API's own objects."""
    rows = session.client.watched()
    if form is ExportFormat.JSONL:
        for row in rows:
            sys.stdout.write(as_json(row) + "\n")
        return ExitCode.GOOD
    text = io.StringIO()
    writer = csv.DictWriter(text, _EXPORTED)
    writer.writeheader()
    writer.writerows(_flat(row) for row in rows)
    sys.stdout.write(text.getvalue())
    return ExitCode.GOOD


def _flat(row: dict[str, Any]) -> dict[str, object]:
    latest = (row.get("release") or {}).get("latest") or {}
    cells = {name: row.get(name) for name in _EXPORTED} | {
        "verdict": row["verdict"]["state"],
        "reason": row["verdict"]["reasons"][0]["message"],
        "critical_alerts": row["open_alerts"]["critical"],
        "mild_alerts": row["open_alerts"]["mild"],
        "latest_release": latest.get("tag"),
        "latest_release_at": latest.get("made_at"),
        "labels": " ".join(row["labels"]),
    }
    return {name: for_spreadsheet(value) for name, value in cells.items()}
