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
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\uff1d1", "=cmd|' /C calc'!A0"],
)
def test_no_cell_is_computed_by_a_spreadsheet(cell: str) -> None:
    (_, (found,)) = csv.reader(io.StringIO(written(cell, FileFormat.CSV), newline=""))

    assert found == "'" + cell


@pytest.mark.parametrize("cell", ["plain", "a=b", 'say "hi", all', "two\nlines", -1, 7.5, True])
def test_other_cells_are_as_they_are(cell: Cell) -> None:
    (_, (found,)) = csv.reader(io.StringIO(written(cell, FileFormat.CSV), newline=""))

    assert found == str(cell)


def test_a_line_of_json_has_the_text_as_it_is() -> None:
    lines = written("=1+1\n\u2028é", FileFormat.JSONL).split("\n")

    assert json.loads(lines[0]) == {"a": "=1+1\n\u2028é"}
    assert lines[1:] == [""]
