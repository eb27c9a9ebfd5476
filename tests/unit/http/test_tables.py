import csv
import io
import json

import pytest

from functions.http.tables import Cell, FileFormat, file_of


def written(cell: Cell, file_format: FileFormat) -> str:
    body = file_of("file", ["a"], [{"a": cell}], file_format).body
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
