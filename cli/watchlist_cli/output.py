"""What the command prints: tables for people, lines for programs, the API's own objects as JSON."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from watchlist_cli.text import one_line

_UNITS = ((365 * 86400, "y"), (30 * 86400, "mo"), (86400, "d"), (3600, "h"), (60, "min"))
_SPARKS = "▁▂▃▄▅▆▇█"


class Form(StrEnum):
    """In which form results are printed."""

    TABLE = "table"
    PLAIN = "plain"
    JSON = "json"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: what it says.
        style: of rich; programs never see it.
    """

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Printer:
    """Prints results in one form; warnings and errors go to stderr, so that results can be piped."""

    form: Form

    def objects(self, objects: object) -> None:
        """Print JSON as the API has it."""
        print(json.dumps(objects, ensure_ascii=False, indent=2))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
        """Print rows: with borders and colours on a terminal, else separated by tabs without a head."""
        if self.form is Form.TABLE:
            _print_rich(columns, rows)
        elif self.form is Form.PLAIN:
            for row in rows:
                print("\t".join(one_line(cell.text) for cell in row))

    def line(self, text: str, style: str = "") -> None:
        """Print one line."""
        if self.form is Form.TABLE and style:
            from rich.console import Console  # noqa: PLC0415 - rich takes long to import

            Console().print(one_line(text), style=style, markup=False, highlight=False)
        elif self.form is not Form.QUIET:
            print(one_line(text))

    def note(self, text: str) -> None:
        """Say something beside the results."""
        print(one_line(text), file=sys.stderr)


def form_for(*, as_json: bool) -> Form:
    """Return the form: JSON on request, tables on a terminal, else plain lines."""
    if as_json:
        return Form.JSON
    return Form.TABLE if sys.stdout.isatty() and os.environ.get("TERM") != "dumb" else Form.PLAIN


def age(moment: str | None, now: datetime | None = None) -> str:
    """Return how long ago a moment of the API was, in its largest unit; `-` where there is none."""
    if moment is None:
        return "-"
    seconds = ((now or datetime.now(UTC)) - datetime.fromisoformat(moment)).total_seconds()
    return next((f"{int(seconds // unit)} {name}" for unit, name in _UNITS if seconds >= unit), "now")


def sparkline(numbers: Sequence[int] | None, most: int = 26) -> str:
    """Return a line of bars, two weeks each where there are too many."""
    if not numbers:
        return ""
    step = -(-len(numbers) // most)
    bars = [sum(numbers[start : start + step]) for start in range(0, len(numbers), step)]
    highest = max(bars)
    return "".join(_SPARKS[-(-number * (len(_SPARKS) - 1) // highest) if highest else 0] for number in bars)


def _print_rich(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    from rich.console import Console  # noqa: PLC0415 - rich takes long to import
    from rich.table import Table  # noqa: PLC0415 - rich takes long to import
    from rich.text import Text  # noqa: PLC0415 - rich takes long to import

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(one_line(cell.text), style=cell.style) for cell in row))
    Console().print(table)
