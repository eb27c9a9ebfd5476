from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from watchlist_cli.errors import CommandError
from watchlist_cli.reporting import Report, period

NOW = datetime(2026, 3, 8, tzinfo=UTC)


def row(name: str, state: str, **others: Any) -> dict[str, Any]:
    reasons = [{"code": "x", "message": f"{name} is {state}"}]
    usual = {"status": "ready", "score": None, "score_change": None, "analyzed_at": None}
    return {"name": name, "verdict": {"state": state, "reasons": reasons}, **usual, **others}


def alert(name: str, level: str, kind: str = "files_changed") -> dict[str, Any]:
    return {"name": name, "level": level, "kind": kind, "message": f"{kind} of <b>{name}</b>"}


def section(markdown: str, title: str) -> list[str]:
    return [line for line in markdown.partition(f"## {title}\n")[2].partition("\n## ")[0].splitlines() if line]


@pytest.fixture
def report() -> Report:
    rows = [
        row("gone", "gone", release=None),
        row("new", "unknown", status="processing"),
        row("fell", "active", score=4.5, score_change=-2.5, analyzed_at="2026-03-05T00:00:00.000Z")
        | {"release": {"latest": {"tag": "v1.1_0", "made_at": "2026-03-02T00:00:00.000Z"}}},
        row("rose", "active", score=8.0, score_change=1.0, analyzed_at="2026-03-06T00:00:00.000Z"),
        row("long-ago", "slowing", score=8.0, score_change=-9.0, analyzed_at="2026-02-06T00:00:00.000Z")
        | {"release": {"latest": {"tag": "v1.0.0", "made_at": "2026-02-28T00:00:00.000Z"}}},
    ]
    alerts = [alert("a", "mild"), alert("b", "critical"), alert("c", "mild", "verdict_changes")]
    return Report(rows, alerts, NOW - timedelta(days=7), NOW)


def test_what_is_in_trouble_changed_and_was_raised_is_told_worst_first(report: Report) -> None:
    text = report.markdown()
    assert "5 repositories: 2 active, 1 gone, 1 unknown, 1 slowing; 1 are being processed" in text
    assert section(text, "In trouble") == ["- **gone** gone: gone is gone"]
    assert section(text, "Verdicts that changed") == ["- **c** mild: verdict\\_changes of \\<b\\>c\\</b\\>"]
    assert section(text, "Releases") == ["- **fell** v1.1\\_0, 2026-03-02"]
    assert [line.split()[1] for line in section(text, "Alerts")] == ["**b**", "**a**"]
    assert section(text, "Scores that moved") == ["- **fell** 4.5 \\(-2.5\\)", "- **rose** 8 \\(+1\\)"]


def test_names_and_messages_of_strangers_are_only_text_in_the_page(report: Report) -> None:
    page = report.html()
    assert "&lt;b&gt;a&lt;/b&gt;" in page
    assert "<b>" not in page


def test_nothing_to_tell_is_said() -> None:
    text = Report([], [], NOW, NOW).markdown()
    assert "0 repositories: none" in text
    assert section(text, "In trouble") == ["None."]


@pytest.mark.parametrize(("text", "hours"), [("12h", 12), ("7d", 168), ("2w", 336)])
def test_a_length_of_time_has_its_unit(text: str, hours: int) -> None:
    assert period(text) == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "d", "7", "7m", "-1d", "0d", "1001w", "1.5d", "\u0663d"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(CommandError):
        period(text)
