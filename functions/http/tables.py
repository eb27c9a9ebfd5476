"""Rows as files: CSV (RFC 4180) whose cells do nothing in a spreadsheet, and JSON Lines.

A file is as long as an answer and the time for it allow. One that ends before its list does says so where it is looked
at: in its name, in its last row, and to programs in `Link` (RFC 8288).
"""

import csv
import io
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from urllib.parse import quote, urlencode

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from watchlist import limits
from watchlist.storage.cursors import Part
from watchlist.text import for_spreadsheet

Cell = str | int | float | bool | None
Row = Mapping[str, Cell]


class FileFormat(StrEnum):
    """How rows are written."""

    CSV = "csv"
    JSONL = "jsonl"


_CONTENT_TYPES = {FileFormat.CSV: "text/csv; charset=utf-8", FileFormat.JSONL: "application/jsonl"}


@dataclass(frozen=True, slots=True)
class Table:
    """What a file has.

    Attributes:
        name: of the file, without what it ends in.
        columns: of each row, in order.
        notes: what is to be known of the rows, below them.
    """

    name: str
    columns: Sequence[str]
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Address:
    """Where a file was asked for."""

    path: str
    query: Mapping[str, str]

    @classmethod
    def of(cls, router: Router) -> "Address":
        """Return that of the request."""
        event = router.current_event.raw_event
        return cls(event["rawPath"], event.get("queryStringParameters") or {})

    @property
    def is_of_the_rest(self) -> bool:
        """Whether rows in front of the file's were left out."""
        return "cursor" in self.query

    def behind(self, cursor: str) -> str:
        """Return where the file goes on."""
        return f"{quote(self.path)}?{urlencode({**self.query, 'cursor': cursor})}"


def file_of(table: Table, parts: Iterable[Part[Row]], file_format: FileFormat, address: Address) -> Response[str]:
    """Return the parts of a list, as many as one answer has room for, as a file to be saved."""
    lines, next_cursor = _lines(table.columns, parts, file_format)
    notes = list(table.notes)
    headers: dict[str, str | list[str]] = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store"}
    if next_cursor is not None:
        rest = address.behind(next_cursor)
        notes.append(f"NOT THE WHOLE LIST: {len(lines)} rows are in this file, the next ones are at {rest}")
        headers["Link"] = f'<{rest}>; rel="next"'
    is_part = address.is_of_the_rest or next_cursor is not None
    headers["Content-Disposition"] = f'attachment; filename="{table.name}{"-part" * is_part}.{file_format}"'
    return Response(
        HTTPStatus.OK, _CONTENT_TYPES[file_format], _text(table.columns, lines, notes, file_format), headers=headers
    )


def _lines(columns: Sequence[str], parts: Iterable[Part[Row]], file_format: FileFormat) -> tuple[list[str], str | None]:
    """Return the rows that one answer has room and time for, and the cursor behind them; None if these are all."""
    ends_at = time.monotonic() + limits.EXPORT_TIME.total_seconds()
    lines: list[str] = []
    size = 0
    next_cursor: str | None = None
    for part in parts:
        more = [_line([row[column] for column in columns], columns, file_format) for row in part.rows]
        size += sum(map(_bytes_in_an_answer, more))
        if lines and size > limits.EXPORT_BYTES:
            return lines, next_cursor
        lines += more
        next_cursor = part.next_cursor
        if next_cursor is not None and (len(lines) >= limits.EXPORTED or time.monotonic() > ends_at):
            return lines, next_cursor
    return lines, None


def _text(columns: Sequence[str], lines: Sequence[str], notes: Sequence[str], file_format: FileFormat) -> str:
    match file_format:
        case FileFormat.CSV:
            below = [_csv_line([note, *[None] * (len(columns) - 1)]) for note in notes]
            return "".join([_csv_line(columns), *lines, *below])
        case FileFormat.JSONL:
            return "".join([*lines, *(_json_line({"note": note}) for note in notes)])


def _line(cells: Sequence[Cell], columns: Sequence[str], file_format: FileFormat) -> str:
    match file_format:
        case FileFormat.CSV:
            return _csv_line([for_spreadsheet(cell) for cell in cells])
        case FileFormat.JSONL:
            return _json_line(dict(zip(columns, cells, strict=True)))


def _csv_line(cells: Sequence[Cell]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def _json_line(row: Row) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"


def _bytes_in_an_answer(line: str) -> int:
    """Return how much a function's answer, which is JSON, grows by a line at most."""
    return len(json.dumps(line))
