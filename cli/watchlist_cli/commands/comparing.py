"""`compare`: several repositories beside each other."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from watchlist_cli.commands.listing import release_text, score_text, state_cell
from watchlist_cli.errors import CommandError, ExitCode
from watchlist_cli.output import Cell, Form, age, sparkline
from watchlist_cli.session import Session

MOST = 5
"""As many as the API takes at once."""

_AXES: Mapping[str, Callable[[Mapping[str, Any]], Cell]] = {
    "verdict": lambda item: state_cell(item["verdict"]["state"]),
    "why": lambda item: Cell(item["verdict"]["reasons"][0]["message"]),
    "score": lambda item: Cell(score_text(item["score"], None)),
    "activity score": lambda item: _number(item["activity_score"]),
    "commits in 13 weeks": lambda item: _number(item["commits_last_quarter"]),
    "commits in a year": lambda item: _number(item["commits_last_year"]),
    "people in 13 weeks": lambda item: _number(item["people_active"]),
    "absence factor": lambda item: _number(item["absence_factor"]),
    "last commit by a person": lambda item: Cell(age(item["last_commit_by_person_at"])),
    "latest release": lambda item: Cell(release_text(item.get("release"))),
    "52 weeks": lambda item: Cell(sparkline(item["weeks"])),
    "stars": lambda item: _number(item["stars"]),
    "license": lambda item: Cell(item["license"] or "-"),
    "analysed": lambda item: Cell(age(item["analyzed_at"])),
}
"""What is compared, in the order of the lines."""


def compare(session: Session, named: Sequence[str]) -> ExitCode:
    """Print one line for each figure and one column for each repository.

    Raises:
        CommandError: there are fewer than two repositories, or more than the API takes.
    """
    ids = dict.fromkeys(session.client.find(name)["watchlist_id"] for name in named)
    if not 1 < len(ids) <= MOST:
        raise CommandError(f"2 to {MOST} different repositories can be compared, not {len(ids)}")
    items = session.client.get("/activity/compare", watchlist_ids=",".join(ids))["items"]
    if session.printer.form is Form.JSON:
        session.printer.objects(items)
    else:
        names = [Cell(item["name"], "bold") for item in items]
        rows = [[Cell(axis), *(show(item) for item in items)] for axis, show in _AXES.items()]
        session.printer.table(["", *[""] * len(items)], [[Cell("repository"), *names], *rows])
    return ExitCode.GOOD


def _number(value: int | None) -> Cell:
    return Cell("-" if value is None else str(value))
