"""Settings can be read, and changed in part."""

import pytest

from local_service.aws.faults import Fault
from tests.integration.aws import Aws
from tests.integration.http.client import Client
from tests.integration.http.races import in_between
from watchlist.alerts.settings import AlertSettings
from watchlist.watching import user_entries

MERGE_PATCH = {"content-type": "application/merge-patch+json"}
URL = "https://hooks.example.org/alerts"


def alerts_of(user_watchlist_id: str) -> str:
    return f"/activity/user-watchlist-alerts/{user_watchlist_id}"


def notifications_of(user_watchlist_id: str) -> str:
    return f"/activity/user-watchlist-notifications/{user_watchlist_id}"


def details_of(user_watchlist_id: str) -> str:
    return f"/activity/user-watchlist/{user_watchlist_id}"


@pytest.fixture
def mine(client: Client) -> str:
    return client.user_watchlist_id(client.add())


def test_settings_are_shown_with_every_default(client: Client, mine: str) -> None:
    shown = client.get(alerts_of(mine)).body

    assert shown["chosen"] == {}
    assert shown["effective"] == AlertSettings().model_dump(mode="json")


def test_a_patch_changes_what_it_states_and_null_gives_the_default_back(client: Client, mine: str) -> None:
    client.patch(alerts_of(mine), {"inactivity": {"days": 30}, "high_churn": {"enabled": False}}, MERGE_PATCH)
    changed = client.patch(alerts_of(mine), {"inactivity": {"enabled": False}}).body
    taken_back = client.patch(alerts_of(mine), {"high_churn": None, "inactivity": {"days": None}}).body

    assert changed["chosen"] == {"inactivity": {"days": 30, "enabled": False}, "high_churn": {"enabled": False}}
    assert taken_back["chosen"] == {"inactivity": {"enabled": False}}
    assert taken_back["effective"]["inactivity"] == {"enabled": False, "days": 90}
    assert client.get(alerts_of(mine)).body == taken_back


def test_put_replaces_and_switches_a_threshold_off_by_null(client: Client, mine: str) -> None:
    client.patch(alerts_of(mine), {"inactivity": {"days": 30}})
    client.change_alerts(mine, {"high_churn": {"multiplier": None}})

    assert client.get(alerts_of(mine)).body["chosen"] == {"high_churn": {"multiplier": None}}


@pytest.mark.parametrize(
    ("patch", "field", "message"),
    [
        ({"inactivity": {"days": 400}}, "inactivity.days", "must be at most 365"),
        ({"inactivity": 3}, "inactivity", "must be an object"),
        ({"inactivity": {"dys": 3}}, "inactivity.dys", "is not a field of this request; known are days, enabled"),
    ],
)
def test_a_patch_that_leads_to_nothing_valid_changes_nothing(
    client: Client, mine: str, patch: object, field: str, message: str
) -> None:
    refused = client.patch(alerts_of(mine), patch)

    assert (refused.status, refused.body["errors"]) == (422, [{"field": field, "message": message}])
    assert client.get(alerts_of(mine)).body["chosen"] == {}


@pytest.mark.parametrize(("body", "status"), [(b"[1]", 422), (b"{", 400), (b"3", 422)])
def test_what_is_no_patch_is_refused(client: Client, mine: str, body: bytes, status: int) -> None:
    assert client.patch(alerts_of(mine), body, MERGE_PATCH).status == status


def test_a_merge_patch_is_nothing_to_replace_settings_with(client: Client, mine: str) -> None:
    assert client.call("PUT", alerts_of(mine), {}, MERGE_PATCH).status == 415


def test_changes_of_alerts_at_the_same_time_are_both_kept(
    client: Client, mine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_between(monkeypatch, user_entries, lambda: client.patch(alerts_of(mine), {"inactivity": {"days": 30}}))

    changed = client.patch(alerts_of(mine), {"high_churn": {"enabled": False}})

    assert changed.body["chosen"] == {"inactivity": {"days": 30}, "high_churn": {"enabled": False}}
    assert client.get(alerts_of(mine)).body == changed.body


def test_notes_and_labels_that_are_changed_at_the_same_time_are_both_kept(
    client: Client, mine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_between(monkeypatch, user_entries, lambda: client.patch(details_of(mine), {"labels": ["web"]}))

    changed = client.patch(details_of(mine), {"notes": "We ship it."}).body

    assert (changed["notes"], changed["labels"]) == ("We ship it.", ["web"])


def test_notification_settings_that_are_changed_at_the_same_time_are_both_kept(
    client: Client, mine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_between(monkeypatch, user_entries, lambda: client.patch(notifications_of(mine), {"webhook_url": URL}))

    changed = client.patch(notifications_of(mine), {"email": True}).body

    assert (changed["email"], changed["webhook_url"], changed["webhook_secret"]) == (True, URL, None)


def test_settings_of_who_leaves_meanwhile_are_not_there(
    client: Client, mine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_between(monkeypatch, user_entries, lambda: client.stop_watching(mine))

    assert client.patch(alerts_of(mine), {"inactivity": {"days": 30}}).code == "not_found"


def test_a_change_whose_answer_was_lost_is_made_once(client: Client, mine: str, aws: Aws) -> None:
    aws.server.inject(Fault(service="dynamodb", operation="UpdateItem", moment="after", times=1))

    created = client.patch(notifications_of(mine), {"webhook_url": URL}).body

    assert created["webhook_secret"].startswith("whsec_")


def test_notifications_are_shown_without_their_secret_and_changed_in_part(client: Client, mine: str) -> None:
    created = client.patch(notifications_of(mine), {"webhook_url": URL}).body
    with_email = client.patch(notifications_of(mine), {"email": True}).body
    shown = client.get(notifications_of(mine)).body
    removed = client.patch(notifications_of(mine), {"webhook_url": None}).body

    assert created["webhook_secret"].startswith("whsec_")
    assert (with_email["email"], with_email["webhook_url"], with_email["webhook_secret"]) == (True, URL, None)
    assert shown == with_email
    assert (removed["email"], removed["webhook_url"]) == (True, None)


def test_notes_and_labels_are_changed(client: Client, mine: str) -> None:
    noted = client.patch(details_of(mine), {"notes": "We ship it.", "labels": ["web", " web ", "prod"]}).body
    relabelled = client.patch(details_of(mine), {"labels": ["lib"]}).body
    emptied = client.patch(details_of(mine), {"notes": None, "labels": None}).body
    (row,) = client.watchlist().body["items"]

    assert (noted["notes"], noted["labels"]) == ("We ship it.", ["web", "prod"])
    assert (relabelled["notes"], relabelled["labels"]) == ("We ship it.", ["lib"])
    assert (emptied["notes"], emptied["labels"]) == (None, [])
    assert (row["notes"], row["labels"]) == (None, [])


@pytest.mark.parametrize("labels", [["a" * 51], [""], [str(number) for number in range(21)], "web", [3]])
def test_labels_have_their_limits(client: Client, mine: str, labels: object) -> None:
    assert client.patch(details_of(mine), {"labels": labels}).status == 422


def test_an_add_takes_labels_and_answers_with_the_watch(client: Client) -> None:
    added = client.post(
        "/activity/user-watchlist-added", {"repo_url": "pallets/flask", "added_by": "ada", "labels": ["web"]}
    ).body

    (row,) = client.watchlist().body["items"]
    assert added["user_watchlist_id"] == row["user_watchlist_id"]
    assert (row["labels"], row["repository_url"]) == (["web"], "https://github.com/pallets/flask")


def test_nobody_sees_or_changes_another_s_settings(client: Client, mine: str) -> None:
    bob = client.of("bob")

    answers = [
        bob.get(alerts_of(mine)),
        bob.patch(alerts_of(mine), {}),
        bob.get(notifications_of(mine)),
        bob.patch(notifications_of(mine), {"email": True}),
        bob.patch(details_of(mine), {"notes": "mine now"}),
    ]

    assert [answer.status for answer in answers] == [404] * 5
