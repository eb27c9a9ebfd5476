"""`alerts`: what is open, and what is done about it."""

from collections.abc import Sequence
from typing import Any

from watchlist_cli.errors import ExitCode
from watchlist_cli.output import Cell, Form, age
from watchlist_cli.session import Session


def show(session: Session, named: str | None, *, everything: bool) -> ExitCode:
    """Print open alerts of one repository or of all, the newest first; resolved ones on request."""
    rows = [session.client.find(named)] if named else list(session.client.watched())
    found: list[tuple[str, dict[str, Any]]] = []
    for row in rows:
        if named or everything or sum(row["open_alerts"].values()):
            alerts = session.client.pages(f"/activity/alerts/{row['user_watchlist_id']}")
            found += [(row["name"], alert) for alert in alerts if everything or alert["resolved_at"] is None]
    found.sort(key=lambda each: str(each[1]["raised_at"]), reverse=True)
    if session.printer.form is Form.JSON:
        session.printer.objects([alert for _, alert in found])
        return ExitCode.GOOD
    columns = ("id", "level", "repository", "what", "raised", "state")
    session.printer.table(columns, [_row(name, alert) for name, alert in found])
    if not found:
        session.printer.note("No alert is open.")
    return ExitCode.GOOD


def _row(name: str, alert: dict[str, Any]) -> tuple[Cell, ...]:
    state = "resolved" if alert["resolved_at"] else "acknowledged" if alert["acknowledged_at"] else "open"
    style = "red" if alert["level"] == "critical" else "yellow"
    return (
        Cell(alert["id"]),
        Cell(alert["level"], style),
        Cell(name),
        Cell(alert["message"]),
        Cell(age(alert["raised_at"])),
        Cell(state),
    )


def settle(session: Session, ids: Sequence[str], verb: str) -> ExitCode:
    """Acknowledge or resolve alerts; `verb` is the last part of the route."""
    for alert_id in ids:
        session.client.send("PATCH", f"/activity/alerts/{alert_id}/{verb}")
        session.printer.line(f"{alert_id}: {verb}d")
    return ExitCode.GOOD
