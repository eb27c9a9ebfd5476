"""Feeds and badges by addresses that cannot be guessed: made, seen by anybody, revoked."""

import json
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.integration.http.client import Client
from tests.integration.http.stored import raise_alerts
from tests.integration.recording import Call, operations
from watchlist import limits

SHARES = "/activity/shares?user=ada"
ATOM = "{http://www.w3.org/2005/Atom}"


def share(client: Client, wanted: Mapping[str, Any]) -> dict[str, Any]:
    answer = client.post(SHARES, wanted)
    assert answer.status == 201
    body: dict[str, Any] = answer.body
    return body


def xml(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - what the service itself has written


def revoke(client: Client, token: str) -> int:
    return client.call("DELETE", f"/activity/shares/{token}?user=ada").status


def test_a_feed_shows_the_user_s_alerts_to_whoever_has_its_address(client: Client) -> None:
    watchlist_id = client.add()
    mine = client.user_watchlist_id(watchlist_id)
    raised = raise_alerts(mine, watchlist_id, 2)
    made = share(client, {"kind": "feed"})

    answer = Client(client.functions).get(made["paths"][0])
    feed = xml(answer.body)
    entries = feed.findall(f"{ATOM}entry")

    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/atom+xml")
    assert answer.headers["content-security-policy"].endswith("sandbox")
    assert {entry.findtext(f"{ATOM}id") for entry in entries} == {f"urn:repository-watchlist:{each}" for each in raised}
    assert all((entry.findtext(f"{ATOM}title") or "").startswith("pallets/flask: ") for entry in entries)
    for tag in ("id", "title", "updated"):
        assert feed.findtext(f"{ATOM}{tag}")
        assert all(entry.findtext(f"{ATOM}{tag}") for entry in entries)
    assert "ada" not in answer.body


def test_a_feed_without_alerts_is_a_feed(client: Client) -> None:
    feed = xml(client.get(share(client, {"kind": "feed"})["paths"][0]).body)

    assert feed.findall(f"{ATOM}entry") == []
    assert feed.findtext(f"{ATOM}updated")


def test_a_badge_says_the_verdict_as_a_picture_and_for_shields(client: Client) -> None:
    picture, shields = share(client, {"kind": "badge", "watchlist_id": client.add()})["paths"]

    svg, form = Client(client.functions).get(picture), client.get(shields)
    root = xml(svg.body)

    assert svg.headers["content-type"].startswith("image/svg+xml")
    assert "max-age" in svg.headers["cache-control"]
    assert svg.headers["content-security-policy"].endswith("sandbox")
    assert root.attrib["aria-label"] == "repository: unknown"
    assert {each.tag.partition("}")[2] for each in root.iter()} == {"svg", "title", "rect", "g", "text"}
    assert form.body == {
        "schemaVersion": 1,
        "label": "repository",
        "message": "unknown",
        "color": "#5a5a5a",
        "cacheSeconds": 300,
    }


def test_what_is_revoked_shows_nothing(client: Client) -> None:
    made = share(client, {"kind": "feed"})
    kept = share(client, {"kind": "feed"})

    assert revoke(client, made["token"]) == 204
    assert client.get(made["paths"][0]).status == 404
    assert revoke(client, made["token"]) == 404
    assert [each["token"] for each in client.get(SHARES).body["items"]] == [kept["token"]]


def test_a_badge_ends_with_its_user_s_watch(client: Client) -> None:
    watchlist_id = client.add()
    client.add(user="bob")
    picture, shields = share(client, {"kind": "badge", "watchlist_id": watchlist_id})["paths"]

    client.stop_watching(client.user_watchlist_id(watchlist_id))

    assert client.get(picture).status == client.get(shields).status == 404


@pytest.mark.parametrize(
    "wanted", [{}, {"kind": "rss"}, {"kind": "badge"}, {"kind": "feed", "watchlist_id": "w"}, {"kind": "feed", "a": 1}]
)
def test_what_cannot_be_shared_is_refused(client: Client, wanted: Mapping[str, Any]) -> None:
    assert client.post(SHARES, wanted).status == 422


def test_what_a_user_does_not_watch_has_no_badge_of_theirs(client: Client) -> None:
    of_bob = client.add(user="bob")

    assert client.post(SHARES, {"kind": "badge", "watchlist_id": of_bob}).status == 404
    assert client.post(SHARES, {"kind": "badge", "watchlist_id": "watchlist_none"}).status == 404


def test_nobody_lists_makes_or_revokes_another_s_addresses(client: Client) -> None:
    made = share(client, {"kind": "feed"})
    bob = client.of("bob")

    assert bob.get(SHARES).status == bob.post(SHARES, {"kind": "feed"}).status == 403
    assert bob.call("DELETE", f"/activity/shares/{made['token']}?user=ada").status == 403
    assert bob.call("DELETE", f"/activity/shares/{made['token']}?user=bob").status == 404
    assert client.get(made["paths"][0]).status == 200


@pytest.mark.parametrize("token", ["x", "a" * 43, "..%2F..", "a" * 100])
def test_a_token_that_was_never_made_shows_nothing(client: Client, token: str) -> None:
    for path in (f"/feeds/{token}", f"/badges/{token}", f"/badges/{token}/shields"):
        assert client.get(path).status == 404


def test_a_feed_s_token_is_no_badge_s(client: Client) -> None:
    feed = share(client, {"kind": "feed"})["token"]
    badge = share(client, {"kind": "badge", "watchlist_id": client.add()})["token"]

    assert client.get(f"/badges/{feed}").status == client.get(f"/feeds/{badge}").status == 404


def test_a_user_shares_so_many_addresses(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SHARES", 2)
    share(client, {"kind": "feed"})
    last = share(client, {"kind": "feed"})

    refused = client.post(SHARES, {"kind": "feed"})
    revoke(client, last["token"])

    assert (refused.status, refused.body["code"]) == (409, "too_many_shares")
    assert client.post(SHARES, {"kind": "feed"}).status == 201


def test_what_a_shared_address_shows_takes_two_or_three_reads(client: Client, calls: list[Call]) -> None:
    watchlist_id = client.add()
    raise_alerts(client.user_watchlist_id(watchlist_id), watchlist_id, 2)
    feed = share(client, {"kind": "feed"})["paths"][0]
    calls.clear()
    badge = share(client, {"kind": "badge", "watchlist_id": watchlist_id})["paths"][0]
    made = operations(calls)
    calls.clear()

    client.get(badge)
    client.get(feed)

    assert made == ["BatchGetItem", "Query", "PutItem", "PutItem"]
    assert operations(calls) == ["GetItem", "BatchGetItem", "GetItem", "Query", "BatchGetItem"]


def test_the_token_of_an_address_is_not_where_the_address_is_looked_up(client: Client, calls: list[Call]) -> None:
    calls.clear()
    made = share(client, {"kind": "feed"})

    written = [call for call in calls if call.operation == "PutItem"]
    (looked_up,) = (call for call in written if call.parameters["Item"]["type"]["S"] == "shared")
    assert made["token"] not in json.dumps(looked_up.parameters)
