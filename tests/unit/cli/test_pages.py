from collections.abc import Iterator
from typing import Any

import pytest
from watchlist_cli.client import Client
from watchlist_cli.profile import Profile


@pytest.fixture
def client() -> Client:
    return Client(Profile(url="http://127.0.0.1:1", live_url=None, user="ada"))


def answers(monkeypatch: pytest.MonkeyPatch, pages: Iterator[dict[str, Any]]) -> list[object]:
    """Let the service answer with these pages; return the cursors that it is asked with."""
    asked: list[object] = []

    def get(_: Client, path: str, **query: object) -> dict[str, Any]:
        assert path == "/activity/watchlist"
        asked.append(query["cursor"])
        return next(pages)

    monkeypatch.setattr(Client, "get", get)
    return asked


def page(*items: int, after: str | None = None, shifted: bool = False) -> dict[str, Any]:
    totals = {"alerts_complete": True}
    return {"items": [{"id": item} for item in items], "next_cursor": after, "shifted": shifted, "totals": totals}


def ids(rows: list[dict[str, Any]]) -> list[int]:
    return [row["id"] for row in rows]


def test_a_list_is_read_to_its_end(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch, iter([page(1, 2, after="a"), page(3)]))

    assert ids(client.watched()) == [1, 2, 3]
    assert asked == [None, "a"]


def test_a_list_whose_rows_moved_meanwhile_is_read_anew(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch, iter([page(1, 2, after="a"), page(2, shifted=True), page(1, after="b"), page(2, 3)]))

    assert ids(client.watched()) == [1, 2, 3]
    assert asked == [None, "a", None, "b"]


def test_a_list_whose_rows_never_rest_ends_all_the_same(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch, iter([page(1, after="a"), page(2, shifted=True)] * 9))

    assert ids(client.watched()) == [1, 2]
    assert len(asked) == 8


def test_open_alerts_that_the_service_did_not_count_are_counted(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def row(watchlist_id: str, critical: int) -> dict[str, Any]:
        return {"watchlist_id": watchlist_id, "open_alerts": {"critical": critical, "mild": 0}}

    def get(_: Client, path: str, **query: object) -> dict[str, Any]:
        if path == "/activity/watchlist":
            return {"items": [row("a", 1), row("b", 0)], "next_cursor": None, "totals": {"alerts_complete": False}}
        assert (path, query["user"], query["state"]) == ("/activity/alerts", "ada", "open")
        first = query["cursor"] is None
        items = (
            [{"watchlist_id": "a", "level": "critical"}] if first else [{"watchlist_id": "b", "level": "critical"}] * 2
        )
        return {"items": items, "next_cursor": "older" if first else None}

    monkeypatch.setattr(Client, "get", get)

    assert client.watched() == [row("a", 1), row("b", 2)]
