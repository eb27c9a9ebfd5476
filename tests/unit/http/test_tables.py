import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from functions.http.tables import Address, Cell, FileFormat, Row, Table, file_of
from watchlist.storage.cursors import Part


def written(cell: Cell, file_format: FileFormat) -> str:
    body = file_of(Table("file", ["a"]), [Part([{"a": cell}], None)], file_format, Address("/file", {})).body
    assert isinstance(body, str)
    return body


@pytest.mark.parametrize(
    "cell",
    [
        *(
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "  =1",
            "\uff1d1",
            "=cmd|' /C calc'!A0",
            '="a"&"b"',
            "-",
            "\t1",
            "\r1",
            "\n1",
        ),
        *("\x00=1", "\x1b=1", "\xa0=1", "\u200b+1", "\u202e=1", "\u2028@a", "\ufeff=1", "\u3000-1"),
    ],
    ids=ascii,
)
def test_no_cell_is_computed_by_a_spreadsheet(cell: str) -> None:
    (_, (found,)) = csv.reader(io.StringIO(written(cell, FileFormat.CSV), newline=""))

    assert found == "'" + cell


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ("a;=1", "a;'=1"),
        ("a; \u200b@b", "a;' \u200b@b"),
        ("a\r\n=1", "a\r\n'=1"),
        ("a\n\n-1", "a\n\n'-1"),
        ("a\t+1", "a\t+1"),
        ("\t=1;\t=1", "'\t=1;'\t=1"),
    ],
    ids=ascii,
)
def test_no_cell_is_computed_where_semicolons_separate(cell: str, kept: str) -> None:
    (_, (found,)) = csv.reader(io.StringIO(written(cell, FileFormat.CSV), newline=""))

    assert found == kept


@pytest.mark.parametrize(
    "cell", ["plain", "a=b", "a - b", "a;b", 'say "hi", all', "two\nlines", "\u202eabc", -1, 7.5, True]
)
def test_other_cells_are_as_they_are(cell: Cell) -> None:
    (_, (found,)) = csv.reader(io.StringIO(written(cell, FileFormat.CSV), newline=""))

    assert found == str(cell)


def test_a_line_of_json_has_the_text_as_it_is() -> None:
    lines = written("=1+1\n\u2028é", FileFormat.JSONL).split("\n")

    assert json.loads(lines[0]) == {"a": "=1+1\n\u2028é"}
    assert lines[1:] == [""]


def parts(number: int, cell: Cell = "x") -> Iterator[Part[Row]]:
    """Return parts of two rows each; the cursor of each is its number."""
    for each in range(1, number + 1):
        yield Part([{"a": cell}] * 2, None if each == number else str(each))


def test_a_file_that_has_no_room_for_all_ends_with_a_whole_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchlist.limits.EXPORT_BYTES", 3000)

    answer = file_of(Table("file", ["a"]), parts(9, "\U0001f331" * 50), FileFormat.CSV, Address("/a", {"user": "ada"}))

    assert answer.headers["Link"] == '</a?user=ada&cursor=2>; rel="next"'
    assert isinstance(answer.body, str)
    assert len(json.dumps(answer.body)) < 3000


def test_one_part_is_in_the_file_however_little_time_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchlist.limits.EXPORT_TIME", timedelta(seconds=-1))

    answer = file_of(Table("file", ["a"]), parts(3), FileFormat.JSONL, Address("/a", {}))

    assert answer.headers["Link"] == '</a?cursor=1>; rel="next"'


def test_a_list_that_ends_where_a_file_is_full_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchlist.limits.EXPORTED", 6)

    answer = file_of(Table("file", ["a"]), parts(3), FileFormat.CSV, Address("/a", {}))

    assert "Link" not in answer.headers
    assert answer.headers["Content-Disposition"] == 'attachment; filename="file.csv"'


def test_the_rest_of_a_file_does_not_pass_for_a_whole_one() -> None:
    answer = file_of(Table("file", ["a"]), parts(1), FileFormat.CSV, Address("/a", {"cursor": "8"}))

    assert answer.headers["Content-Disposition"] == 'attachment; filename="file-part.csv"'
    assert answer.body == "a\r\nx\r\nx\r\n"
