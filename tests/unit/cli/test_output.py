"""How results are printed."""

import pytest
from watchlist_cli.output import Cell, Form, Printer

COLUMNS = ("repository", "why", "weeks", "alerts")
ROW = tuple(
    map(Cell, ("owner/a-rather-long-name", "No commit by a person for 232 days, since April.", "▁" * 26, "1 mild"))
)


def printed(width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    Printer(Form.TABLE).table(COLUMNS, [ROW], spare=("weeks", "why"))
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("width", "columns"), [(100, COLUMNS), (60, ("repository", "why", "alerts")), (38, ("repository", "alerts"))]
)
def test_a_narrow_terminal_does_without_a_column_before_words_are_broken(
    width: int, columns: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = printed(width, monkeypatch, capsys)
    assert tuple(shown.splitlines()[0].split()) == columns
    assert "owner/a-rather-long-name" in shown
    assert "1 mild" in shown
    assert ("▁" * 26 in shown) == ("weeks" in columns)
