"""Rows as files: CSV (RFC 4180) whose cells do nothing in a spreadsheet, and JSON Lines."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from watchlist.text import for_spreadsheet

Cell = str | int | float | bool | None
Row = Mapping[str, Cell]


class FileFormat(StrEnum):
    """How rows are written."""

    CSV = "csv"
    JSONL = "jsonl"


_CONTENT_TYPES = {FileFormat.CSV: "text/csv; charset=utf-8", FileFormat.JSONL: "application/jsonl"}


def file_of(name: str, columns: Sequence[str], rows: Iterable[Row], file_format: FileFormat) -> Response[str]:
    """Return the rows as a file to be saved."""
    body = _csv(columns, rows) if file_format is FileFormat.CSV else _json_lines(columns, rows)
    headers: dict[str, str | list[str]] = {
        "Content-Disposition": f'attachment; filename="{name}.{file_format}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    return Response(HTTPStatus.OK, _CONTENT_TYPES[file_format], body, headers=headers)


def _csv(columns: Sequence[str], rows: Iterable[Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([for_spreadsheet(row[column]) for column in columns])
    return text.getvalue()


def _json_lines(columns: Sequence[str], rows: Iterable[Row]) -> str:
    return "".join(json.dumps({column: row[column] for column in columns}, ensure_ascii=False) + "\n" for row in rows)
