"""`ls` and `show`: what is watched, the most worrying first, and one repository whole."""

import math
from collections.abc import Mapping
from typing import Any

from watchlist_cli.errors import ExitCode
from watchlist_cli.output import Cell, Form, age, sparkline
from watchlist_cli.session import Session

_STYLES = {
    "active": "green",
    "slowing": "yellow",
    "quiet": "yellow",
    "dormant": "red",
    "archived": "red",
    "moved": "magenta",
    "gone": "bold red",
    "failing": "bold red",
    "unknown": "blue",
}
_COLUMNS = ("repository", "verdict", "why", "score", "52 weeks", "last commit", "alerts")
_SPARE = ("52 weeks", "last commit", "why")


def show_list(session: Session, filters: Mapping[str, object]) -> ExitCode:
    """Print the user's watchlist."""
    rows = list(session.client.watched(**filters))
    if session.printer.form is Form.JSON:
        session.printer.objects(rows)
        return ExitCode.GOOD
    session.printer.table(_COLUMNS, [_row(row) for row in rows], spare=_SPARE)
    if not rows:
        session.printer.note(
            "Nothing matches." if any(filters.values()) else "Nothing is watched yet: `watchlist add owner/name`."
        )
    return ExitCode.GOOD


def verdict_cell(row: Mapping[str, Any]) -> Cell:
    """Return the verdict, or the stage of an entry that is being processed."""
    if row["status"] == "processing":
        return Cell(row["stage"] or "queued", "cyan")
    return state_cell(row["verdict"]["state"])


def state_cell(state: str) -> Cell:
    """Return a verdict's state in its colour."""
    return Cell(state, _STYLES.get(state, ""))


def _row(row: Mapping[str, Any]) -> tuple[Cell, ...]:
    alerts = row["open_alerts"]
    marks = " ".join(f"{number} {level}" for level, number in alerts.items() if number)
    return (
        Cell(row["name"]),
        verdict_cell(row),
        Cell(row["verdict"]["reasons"][0]["message"]),
        Cell(score_text(row["score"], row["score_change"])),
        Cell(sparkline(row["weeks"])),
        Cell(age(row["last_commit_by_person_at"])),
        Cell(marks or "-", "red" if alerts["critical"] else ""),
    )


def score_text(score: float | None, change: float | None) -> str:
    """Return a score with its change since the analysis before; `-` where there is none."""
    if score is None:
        return "-"
    return f"{score:g}" + (f" ({change:+g})" if change else "")


def release_text(release: Mapping[str, Any] | None) -> str:
    """Return the latest release and its age; `-` where there is none, or none was looked for yet."""
    latest = None if release is None else release["latest"] or release["latest_prerelease"]
    if latest is None:
        return "-"
    return f"{latest['tag']}, {age(latest['made_at'])}" if latest["made_at"] else str(latest["tag"])


def show_one(session: Session, named: str) -> ExitCode:
    """Print what is known of one repository."""
    row = session.client.find(named)
    path = f"/activity/watchlist/{row['watchlist_id']}"
    status, health = session.client.get(f"{path}/status"), session.client.get(f"{path}/health")
    if session.printer.form is Form.JSON:
        session.printer.objects({"watched": row, "status": status, "health": health})
        return ExitCode.GOOD
    session.printer.line(f"{row['name']}  {row['repository_url']}", "bold")
    session.printer.line(
        f"{verdict_cell(row).text}: {row['verdict']['reasons'][0]['message']}", verdict_cell(row).style
    )
    for reason in row["verdict"]["reasons"][1:]:
        session.printer.line(f"  {reason['message']}")
    facts = {
        "score": score_text(row["score"], row["score_change"]),
        "last commit by a person": age(row["last_commit_by_person_at"]),
        "last commit by a bot": age(row["last_commit_by_bot_at"]),
        "52 weeks": sparkline(row["weeks"], most=52),
        "latest release": release_text(row.get("release")),
        "absence factor": "-" if row["absence_factor"] is None else str(row["absence_factor"]),
        "analysed": age(row["analyzed_at"]),
        "checked": age(status["checked_at"]),
        "labels": ", ".join(row["labels"]) or "-",
        "notes": row["notes"] or "-",
    }
    error = status["last_error"]
    if error is not None:
        facts["last error"] = f"{error['code']}: {error['message']}"
    session.printer.table(("", ""), [(Cell(name), Cell(value)) for name, value in facts.items()])
    checks = (health["scorecard"] or {}).get("checks") or []
    session.printer.table(("check", "score", "why"), [_check(check) for check in sorted(checks, key=_score)])
    return ExitCode.GOOD


def _score(check: Mapping[str, Any]) -> float:
    """Inconclusive checks come last: they say nothing against the repository."""
    return math.inf if check["score"] is None else float(check["score"])


def _check(check: Mapping[str, Any]) -> tuple[Cell, Cell, Cell]:
    score = "?" if check["score"] is None else str(check["score"])
    return Cell(check["name"]), Cell(score), Cell(check["reason"])
