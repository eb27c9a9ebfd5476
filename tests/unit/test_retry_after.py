"""How long `Retry-After` asks to wait."""

from datetime import UTC, datetime, timedelta

import pytest

from watchlist import retry_after

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("0", 0),
        ("1.5", 2),
        ("Sun, 01 Mar 2026 12:01:30 GMT", 90),
        ("Sunday, 01-Mar-26 12:01:30 GMT", 90),
        ("Sun Mar  1 12:01:30 2026", 90),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("9" * 400, 86_400),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
    ],
)
def test_seconds_fractions_and_dates_are_read(text: str, seconds: int) -> None:
    assert retry_after.read(text, NOW) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", [None, "", "soon", "-1", "1,5", "1e3", "٣", "Sun, 99 Mar 2026 12:00:00 GMT"])
def test_what_says_no_time_asks_for_none(text: str | None) -> None:
    assert retry_after.read(text, NOW) is None
