"""`notify`: where alerts are told: channels for all repositories, and settings of one repository's own."""

from collections.abc import Mapping, Sequence
from typing import Any

from watchlist_cli.errors import CommandError, ExitCode
from watchlist_cli.output import Cell, Form, age
from watchlist_cli.session import Session

_COLUMNS = ("channel", "where", "format", "alerts", "state", "last delivery")
_STATES = {"working": "green", "failing": "red", "switched_off": "red"}


def channels(session: Session) -> ExitCode:
    """Print the user's channels."""
    found = _channels(session)
    if session.printer.form is Form.JSON:
        session.printer.objects(found)
        return ExitCode.GOOD
    session.printer.table(_COLUMNS, [_row(channel) for channel in found])
    if not found:
        session.printer.note("Nobody is told of alerts yet: `watchlist notify add NAME [--webhook URL]`.")
    return ExitCode.GOOD


def add(
    session: Session, name: str, webhook: str | None, form: str | None, rule: Mapping[str, Sequence[str]]
) -> ExitCode:
    """Add a channel.

    Args:
        session: of this run.
        name: what the user calls it.
        webhook: where alerts are posted; None for e-mail.
        form: who reads what is posted; None to go by the address.
        rule: which alerts, by the API's names of what a rule has; what is empty leaves nothing out.
    """
    chosen = {kind: list(values) for kind, values in rule.items() if values}
    settings = {"name": name, "webhook_url": webhook, "webhook_format": form, "rules": [chosen] if chosen else []}
    channel = session.client.send("POST", "/activity/channels", settings, user=session.profile.user)
    _print(session, channel, [_row(channel)], _COLUMNS)
    return ExitCode.GOOD


def remove(session: Session, names: Sequence[str]) -> ExitCode:
    """Remove channels."""
    for channel in [_find(session, name) for name in names]:
        session.client.send("DELETE", f"/activity/channels/{channel['channel_id']}")
        session.printer.line(f"{channel['settings']['name']}: removed")
    return ExitCode.GOOD


def switch(session: Session, name: str, *, on: bool) -> ExitCode:
    """Send nothing to a channel any more, or go on."""
    channel = _find(session, name)
    changed = session.client.send("PATCH", f"/activity/channels/{channel['channel_id']}", {"enabled": on})
    _print(session, changed, [_row(changed)], _COLUMNS)
    return ExitCode.GOOD


def test(session: Session, name: str) -> ExitCode:
    """Send a test to a channel."""
    path = f"/activity/channels/{_find(session, name)['channel_id']}/test"
    session.printer.line(session.client.send("POST", path)["message"])
    return ExitCode.GOOD


def repository(session: Session, named: str, changes: Mapping[str, object], *, forget: bool) -> ExitCode:
    """Print how one repository is told of, after changing it if anything is to be changed.

    Args:
        session: of this run.
        named: the repository.
        changes: fields of the API's settings, which then hold instead of the channels; None takes an address away.
        forget: whether the channels tell of it again.
    """
    if changes and forget:
        raise CommandError("either the channels tell of it, or settings of its own do")
    row = session.client.find(named)
    path = f"/activity/user-watchlist-notifications/{row['user_watchlist_id']}"
    if forget:
        settings = session.client.send("DELETE", path)
    else:
        settings = session.client.send("PATCH", path, dict(changes)) if changes else session.client.get(path)
    _print(session, settings, [(Cell(name), Cell(value)) for name, value in _facts(settings).items()], ("", ""))
    return ExitCode.GOOD


def _channels(session: Session) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = session.client.get("/activity/channels", user=session.profile.user)["items"]
    return found


def _find(session: Session, named: str) -> dict[str, Any]:
    found = [each for each in _channels(session) if named in {each["channel_id"], each["settings"]["name"]}]
    if len(found) != 1:
        raise CommandError(
            f"{len(found)} channels are called {named!r}; `watchlist notify` lists them, and --json their ids"
            if found
            else f"no channel is called {named!r}; `watchlist notify` lists them"
        )
    return found[0]


def _print(session: Session, answer: Mapping[str, Any], rows: Sequence[Sequence[Cell]], columns: Sequence[str]) -> None:
    if session.printer.form is Form.JSON:
        session.printer.objects(answer)
        return
    session.printer.table(columns, rows)
    if answer["webhook_secret"]:
        session.printer.line(f"secret: {answer['webhook_secret']}")
        session.printer.note("The secret is shown this once: what receives the calls checks signatures with it.")


def _row(channel: Mapping[str, Any]) -> tuple[Cell, ...]:
    settings = channel["settings"]
    return (
        Cell(settings["name"]),
        Cell(settings["webhook_url"] or "e-mail"),
        Cell(channel["format"] or "-"),
        Cell("; ".join(map(_rule, settings["rules"])) or "all"),
        Cell(channel["state"], _STATES.get(channel["state"], "")),
        Cell(_outcome(channel["last_delivery"])),
    )


def _rule(rule: Mapping[str, Sequence[str]]) -> str:
    return " ".join(f"{kind}={','.join(values)}" for kind, values in rule.items() if values) or "all"


def _facts(settings: Mapping[str, Any]) -> dict[str, str]:
    if not settings["overrides"]:
        return {"told of by": "the channels"}
    return {
        "told of by": "settings of its own",
        "e-mail": "yes" if settings["email"] else "no",
        "webhook": settings["webhook_url"] or "-",
        "format": settings["webhook_format"] or "-",
        "last delivery": _outcome(settings["last_delivery"]),
    }


def _outcome(delivery: Mapping[str, Any] | None) -> str:
    if delivery is None:
        return "-"
    error = f": {delivery['error']}" if delivery["error"] else ""
    return f"{delivery['outcome']} {age(delivery['at'])} ago{error}"
