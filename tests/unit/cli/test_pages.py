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
    return {"items": [{"id": item} for item in items], "next_cursor": after, "shifted": shifted}


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
