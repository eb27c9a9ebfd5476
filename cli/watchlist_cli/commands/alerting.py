"""`alerts`: what is open, and what is done about it."""

from collections.abc import Sequence
from typing import Any

from watchlist_cli.errors import ExitCode
from watchlist_cli.output import Cell, Form, age
from watchlist_cli.session import Session


def show(session: Session, named: str | None, *, everything: bool) -> ExitCode:
    """Print open alerts of one repository or of all; on request resolved ones, too."""
    watchlist_id = session.client.find(named)["watchlist_id"] if named else None
    state = None if everything else "open"
    user = session.profile.user
    found = list(session.client.pages("/activity/alerts", user=user, watchlist_id=watchlist_id, state=state))
    if session.printer.form is Form.JSON:
        session.printer.objects(found)
        return ExitCode.GOOD
    columns = ("id", "level", "repository", "what", "raised", "state")
    session.printer.table(columns, [_row(alert) for alert in found])
    if not found:
        session.printer.note("No alert is open.")
    return ExitCode.GOOD


def _row(alert: dict[str, Any]) -> tuple[Cell, ...]:
    state = "resolved" if alert["resolved_at"] else "acknowledged" if alert["acknowledged_at"] else "open"
    style = "red" if alert["level"] == "critical" else "yellow"
    return (
        Cell(alert["id"]),
        Cell(alert["level"], style),
        Cell(alert["name"]),
        Cell(alert["message"]),
        Cell(age(alert["raised_at"])),
        Cell(state),
    )


def settle(session: Session, ids: Sequence[str], verb: str) -> ExitCode:
    """Acknowledge or resolve alerts.

    Args:
        session: of this run.
        ids: of the alerts.
        verb: `acknowledge` or `resolve`, the last part of the route.
    """
    for alert_id in ids:
        session.client.send("PATCH", f"/activity/alerts/{alert_id}/{verb}")
        session.printer.line(f"{alert_id}: {verb}d")
    return ExitCode.GOOD
