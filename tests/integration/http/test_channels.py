"""A user's channels: made, shown, changed, tested, removed; and nobody else's."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from tests.integration.http.client import Client
from tests.integration.http.races import in_between
from tests.integration.recording import Call, operations
from watchlist import limits
from watchlist.notifications import channels
from watchlist.notifications.channels import ChannelSettings

CHANNELS = "/activity/channels?user=ada"
URL = "https://hooks.example.org/alerts"
TEAM: Mapping[str, Any] = {"name": "team", "webhook_url": URL}


def channel_of(channel_id: str) -> str:
    return f"/activity/channels/{channel_id}"


def add(client: Client, settings: Mapping[str, Any] = TEAM, user: str = "ada") -> dict[str, Any]:
    answer = client.post(f"/activity/channels?user={user}", settings)
    assert answer.status == 201
    body: dict[str, Any] = answer.body
    return body


def test_a_channel_is_shown_with_its_secret_once_and_every_default(client: Client) -> None:
    made = add(client)
    (listed,) = client.get(CHANNELS).body["items"]

    assert made["webhook_secret"].startswith("whsec_")
    assert listed == {**made, "webhook_secret": None}
    assert listed["settings"] == {
        "name": "team",
        "enabled": True,
        "webhook_url": URL,
        "webhook_format": None,
        "rules": [],
        "weekly_report": False,
    }
    assert (listed["state"], listed["format"], listed["last_delivery"]) == ("new", "standard", None)
    assert client.get(channel_of(made["channel_id"])).body == listed


def test_a_channel_without_an_address_is_e_mail(client: Client) -> None:
    made = add(client, {"name": "mail"})

    assert (made["format"], made["webhook_secret"]) == (None, None)


def test_a_patch_changes_what_it_states_and_a_new_address_has_a_new_secret(client: Client) -> None:
    made = add(client)
    path = channel_of(made["channel_id"])

    ruled = client.patch(path, {"rules": [{"levels": ["critical"]}]}).body
    moved = client.patch(path, {"webhook_url": "https://discord.com/api/webhooks/1/x"}).body
    mailed = client.patch(path, {"webhook_url": None, "rules": None}).body

    assert (ruled["webhook_secret"], ruled["settings"]["rules"][0]["levels"]) == (None, ["critical"])
    assert moved["webhook_secret"] not in {None, made["webhook_secret"]}
    assert (moved["format"], moved["settings"]["rules"]) == ("discord", ruled["settings"]["rules"])
    assert (mailed["format"], mailed["settings"]["rules"]) == (None, [])


def test_a_channel_that_is_enabled_again_begins_anew(client: Client) -> None:
    channel_id = add(client)["channel_id"]
    noted = {"at": "2026-01-31T12:00:00.000Z", "outcome": "switched_off", "error": "it answered with status 410"}
    channels.switch_off(channels.find(channel_id, None), noted)
    off = client.get(channel_of(channel_id)).body

    on = client.patch(channel_of(channel_id), {"enabled": True}).body

    assert (off["state"], off["last_delivery"]["outcome"]) == ("switched_off", "switched_off")
    assert (on["state"], on["last_delivery"], on["settings"]["webhook_url"]) == ("new", None, URL)


def test_put_replaces_what_it_leaves_out(client: Client) -> None:
    path = channel_of(add(client, {**TEAM, "rules": [{"labels": ["web"]}]})["channel_id"])

    replaced = client.call("PUT", path, {"name": "other"}).body

    assert (replaced["settings"]["name"], replaced["settings"]["rules"]) == ("other", [])
    assert replaced["settings"]["webhook_url"] is None


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "a" * 61}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"name": "a", "webhook_url": "https://127.0.0.1/"}, "webhook_url"),
        ({"name": "a", "webhook_url": "http://hooks.example.org/"}, "webhook_url"),
        ({"name": "a", "webhook_format": "irc"}, "webhook_format"),
        ({"name": "a", "enabled": "yes"}, "enabled"),
        ({"name": "a", "rules": [{"levels": ["loud"]}]}, "rules.0.levels.0"),
        ({"name": "a", "rules": [{"label": "web"}]}, "rules.0.label"),
        ({"name": "a", "rules": [{"labels": ["\udfff"]}]}, "rules.0.labels.0"),
        ({"name": "a", "rules": [{}] * 11}, "rules"),
        ({"name": "a", "rules": {"levels": ["critical"]}}, "rules"),
        ({"name": "a", "phone": "1"}, "phone"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_their_field(
    client: Client, settings: Mapping[str, Any], field: str
) -> None:
    refused = client.post(CHANNELS, settings)

    assert (refused.status, [error["field"] for error in refused.body["errors"]]) == (422, [field])
    assert client.get(CHANNELS).body["items"] == []


def test_what_is_no_field_is_answered_with_those_that_there_are(client: Client) -> None:
    path = channel_of(add(client)["channel_id"])
    settings = {"name": "a", "rules": [{"level": ["mild"]}], "url": URL}
    known = ", ".join(sorted(ChannelSettings.model_fields))

    for answer in (client.post(CHANNELS, settings), client.call("PUT", path, settings), client.patch(path, settings)):
        assert answer.status == 422
        assert {error["field"]: error["message"].partition("; ")[2] for error in answer.body["errors"]} == {
            "rules.0.level": "known are kinds, labels, levels, verdicts",
            "url": f"known are {known}",
        }


def test_a_user_has_so_many_channels_and_a_removed_one_makes_room(client: Client) -> None:
    made = [add(client)["channel_id"] for _ in range(limits.CHANNELS)]
    refused = client.post(CHANNELS, TEAM)
    removed = client.call("DELETE", channel_of(made[3]))
    again = add(client)["channel_id"]

    assert (refused.status, refused.body["code"]) == (409, "too_many_channels")
    assert removed.status == 204
    assert again not in made
    assert client.get(channel_of(made[3])).status == 404
    assert len(client.get(CHANNELS).body["items"]) == limits.CHANNELS


def test_a_test_of_a_mail_channel_is_with_the_topic_at_once_and_one_that_is_off_sends_none(client: Client) -> None:
    path = channel_of(add(client, {"name": "mail"})["channel_id"])

    tested = client.post(f"{path}/test", None)
    shown = client.get(path).body
    client.patch(path, {"enabled": False})
    refused = client.post(f"{path}/test", None)

    assert tested.status == 202
    assert (shown["state"], shown["last_delivery"]["outcome"]) == ("working", "delivered")
    assert (refused.status, refused.body["code"]) == (409, "channel_off")
    assert client.get(path).body["state"] == "off"


def test_nobody_sees_changes_tests_or_removes_another_s_channel(client: Client) -> None:
    path = channel_of(add(client)["channel_id"])
    bob = client.of("bob")

    answers = [
        bob.get(path),
        bob.patch(path, {"enabled": False}),
        bob.call("PUT", path, {"name": "mine"}),
        bob.post(f"{path}/test", None),
        bob.call("DELETE", path),
    ]

    assert [answer.status for answer in answers] == [404] * 5
    assert bob.get(CHANNELS).status == bob.post(CHANNELS, TEAM).status == 403
    assert client.get(path).body["state"] == "new"


@pytest.mark.parametrize(
    "channel_id", ["channel_x", "alert_1", "channel_" + "0" * 32 + "_0_" + "0" * 16, "channel_" + "0" * 32 + "_0"]
)
def test_a_channel_that_is_not_there_is_not_found(client: Client, channel_id: str) -> None:
    assert client.get(channel_of(channel_id)).body["code"] == "not_found"


def test_each_route_takes_one_read_and_at_most_one_write(client: Client, calls: list[Call]) -> None:
    channel_id = add(client, {"name": "mail"})["channel_id"]
    path = channel_of(channel_id)
    made = operations(calls)
    calls.clear()

    client.get(CHANNELS)
    client.get(path)
    client.patch(path, {"name": "post"})
    client.post(f"{path}/test", None)
    client.call("DELETE", path)

    assert made == ["Query", "PutItem"]
    assert operations(calls) == [
        *("Query", "GetItem", "GetItem", "UpdateItem"),
        *("GetItem", "Publish", "UpdateItem", "GetItem", "DeleteItem"),
    ]


def test_settings_of_a_repository_override_the_channels_until_they_are_forgotten(client: Client) -> None:
    path = f"/activity/user-watchlist-notifications/{client.user_watchlist_id(client.add())}"

    at_first = client.get(path).body
    chosen = client.call("PUT", path, {"email": True}).body
    forgotten = client.call("DELETE", path).body

    assert (at_first["overrides"], chosen["overrides"], forgotten["overrides"]) == (False, True, False)
    assert forgotten == at_first
    assert client.of("bob").call("DELETE", path).status == 404


def leave_address(channel_id: str) -> str:
    channel = channels.find(channel_id, None)
    return f"/leave/{channel_id}/{channel.leave_token}"


def test_a_weekly_report_ends_by_one_link_that_only_asks_when_it_is_opened(client: Client) -> None:
    channel_id = add(client, {"name": "<b>team</b>", "weekly_report": True})["channel_id"]
    nobody, address = Client(client.functions), leave_address(channel_id)

    asked = nobody.get(address)
    still = channels.find(channel_id, None).settings["weekly_report"]
    left = nobody.post(address, b"List-Unsubscribe=One-Click", {"content-type": "application/x-www-form-urlencoded"})
    again = nobody.post(address)
    channel = channels.find(channel_id, None)

    assert (asked.status, left.status, again.status, still) == (200, 200, 200, True)
    assert "&lt;b&gt;team" in asked.body
    assert "form-action 'self'" in asked.headers["content-security-policy"]
    assert not channel.settings["weekly_report"]
    assert channel.due_at is None


def test_who_leaves_while_the_channel_is_changed_has_left(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    channel_id = add(client, {"name": "team", "weekly_report": True})["channel_id"]
    address = leave_address(channel_id)
    in_between(monkeypatch, channels, lambda: client.post(address))

    changed = client.patch(channel_of(channel_id), {"name": "other"}).body

    assert (changed["settings"]["name"], changed["settings"]["weekly_report"]) == ("other", False)


def test_what_is_changed_while_somebody_leaves_is_kept(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    channel_id = add(client, {"name": "team", "weekly_report": True})["channel_id"]
    address = leave_address(channel_id)
    in_between(monkeypatch, channels, lambda: client.patch(channel_of(channel_id), {"name": "other"}))

    left = client.post(address)
    settings = client.get(channel_of(channel_id)).body["settings"]

    assert (left.status, settings["name"], settings["weekly_report"]) == (200, "other", False)


def test_who_has_no_token_of_a_channel_s_reports_ends_none(client: Client) -> None:
    with_report = add(client, {"name": "a", "weekly_report": True})["channel_id"]
    without = add(client, {"name": "b"})["channel_id"]
    token = channels.find(with_report, None).leave_token

    for address in (f"/leave/{with_report}/x", f"/leave/{without}/{token}", f"/leave/{without}/None", "/leave/x/y"):
        assert client.get(address).status == client.post(address).status == 404
    assert channels.find(with_report, None).settings["weekly_report"]


def test_the_report_is_due_on_mondays_while_it_is_wanted(client: Client) -> None:
    path = channel_of(add(client, {"name": "a", "weekly_report": True})["channel_id"])
    due = channels.find(path.rpartition("/")[2], None).due_at

    client.patch(path, {"enabled": False})
    off = channels.find(path.rpartition("/")[2], None).due_at
    client.patch(path, {"enabled": True})
    on = channels.find(path.rpartition("/")[2], None).due_at

    assert (due.weekday(), due.hour) == (0, 6)
    assert [off, on] == [None, due]


@pytest.mark.parametrize(
    ("now", "expected"),
    [("2026-01-05T05:59", "2026-01-05"), ("2026-01-05T06:00", "2026-01-12"), ("2026-01-11T23:00", "2026-01-12")],
)
def test_the_next_report_is_on_the_next_monday_at_six(now: str, expected: str) -> None:
    assert channels.next_report(datetime.fromisoformat(f"{now}+00:00")).isoformat() == f"{expected}T06:00:00+00:00"
