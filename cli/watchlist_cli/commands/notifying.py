"""`notify`: where alerts of a repository are sent."""

from collections.abc import Mapping
from typing import Any

from watchlist_cli.errors import ExitCode
from watchlist_cli.output import Cell, Form, age
from watchlist_cli.session import Session


def notify(session: Session, named: str, changes: Mapping[str, object], *, test: bool) -> ExitCode:
    """Change where alerts of one repository are sent, if anything is to be changed, and print what holds now.

    Args:
        session: of this run.
        named: the repository.
        changes: fields of the API's settings; None takes an address away.
        test: whether a test is sent to the webhook.
    """
    row = session.client.find(named)
    path = f"/activity/user-watchlist-notifications/{row['user_watchlist_id']}"
    settings = session.client.send("PATCH", path, dict(changes)) if changes else session.client.get(path)
    if session.printer.form is Form.JSON:
        session.printer.objects(settings)
    else:
        session.printer.table(("", ""), [(Cell(name), Cell(value)) for name, value in _facts(settings).items()])
        if settings["webhook_secret"]:
            session.printer.note("The secret is shown this once: what receives the calls checks signatures with it.")
    if test:
        session.printer.note(session.client.send("POST", f"{path}/test")["message"])
    return ExitCode.GOOD


def _facts(settings: Mapping[str, Any]) -> dict[str, str]:
    facts = {
        "e-mail": "yes" if settings["email"] else "no",
        "webhook": settings["webhook_url"] or "-",
        "format": settings["webhook_format"] or "-",
    }
    if settings["webhook_secret"]:
        facts["secret"] = settings["webhook_secret"]
    delivery = settings["last_delivery"]
    facts["last delivery"] = "-" if delivery is None else _outcome(delivery)
    return facts


def _outcome(delivery: Mapping[str, Any]) -> str:
    error = f": {delivery['error']}" if delivery["error"] else ""
    return f"{delivery['outcome']} {age(delivery['at'])} ago{error}"
