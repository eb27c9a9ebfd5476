"""What the command prints: tables for people, lines for programs, the API's own objects as JSON."""

import codecs
import io
import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from watchlist_cli.text import one_line

if TYPE_CHECKING:
    from rich.table import Table

_UNITS = ((365 * 86400, "y"), (30 * 86400, "mo"), (86400, "d"), (3600, "h"), (60, "min"))
_SPARKS = "▁▂▃▄▅▆▇█"
_WIDEST = 1000
"""Columns; more than any table takes."""
_PROSE = 24
"""Letters; texts that are longer, and have spaces, are broken into lines."""


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
        print(as_json(objects, indent=2))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[Cell]], spare: Sequence[str] = ()) -> None:
        """Print rows: under a head and in colours on a terminal, else separated by tabs without a head.

        Args:
            columns: their names.
            rows: a cell for each column.
            spare: columns that a narrow terminal can do without, the first one first.
        """
        if self.form is Form.TABLE:
            _print_rich(columns, list(rows), spare)
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


def make_ready() -> None:
    """Let output go wherever it is sent: nowhere, if it was closed, and also to where few letters are known."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - open to the end
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def give_up() -> None:
    """Write nothing more to where results go: nobody reads it, or it is full."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def as_json(value: object, indent: int | None = None) -> str:
    """Return JSON that can be written to where results go; what cannot be written there is escaped."""
    is_unicode = codecs.lookup(sys.stdout.encoding or "ascii").name.startswith("utf")
    return json.dumps(value, ensure_ascii=not is_unicode, indent=indent)


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


def _print_rich(columns: Sequence[str], rows: Sequence[Sequence[Cell]], spare: Sequence[str]) -> None:
    from rich.console import Console  # noqa: PLC0415 - rich takes long to import

    console = Console()
    left = list(columns)
    table = _table(left, columns, rows)
    for name in spare:
        if console.measure(table, options=console.options.update(width=_WIDEST)).minimum > console.width:
            left.remove(name)
            table = _table(left, columns, rows)
    console.print(table)


def _table(shown: Sequence[str], columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> "Table":
    from rich.table import Table  # noqa: PLC0415 - rich takes long to import
    from rich.text import Text  # noqa: PLC0415 - rich takes long to import

    places = [place for place, name in enumerate(columns) if name in shown]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for place in places:
        is_prose = any(len(row[place].text) > _PROSE and " " in row[place].text for row in rows)
        width = None if is_prose else max(len(text) for text in (columns[place], *(row[place].text for row in rows)))
        table.add_column(columns[place], overflow="fold", no_wrap=not is_prose, min_width=width)
    for row in rows:
        table.add_row(*(Text(one_line(row[place].text), style=row[place].style) for place in places))
    return table
