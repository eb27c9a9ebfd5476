"""What a user sees whose token names them, and what somebody sees who may act for every user."""

from urllib.parse import quote

import pytest

from tests.integration.http.client import CLICK, FLASK, Answer, Client
from tests.integration.http.stored import end_job, raise_alerts
from watchlist.deployment import routes
from watchlist.states import EntryStatus


def added_by_ada(client: Client) -> str:
    return client.of("ada").add(user="ada")


def test_a_user_adds_polls_and_lists_in_their_own_name(client: Client) -> None:
    ada = client.of("ada")

    watchlist_id = ada.add(user="ada")

    assert [entry["added_by"] for entry in ada.status(watchlist_id).body["user_watchlists"]] == ["ada"]
    assert [item["watchlist_id"] for item in ada.watchlist().body["items"]] == [watchlist_id]


def test_a_user_cannot_add_in_another_s_name(client: Client) -> None:
    answer = client.of("bob").post(routes.ADD.path, {"repo_url": FLASK, "added_by": "ada"})

    assert (answer.status, answer.code) == (403, "not_yours")
    assert client.watchlist("ada").body["items"] == []


def test_a_batch_rejects_only_the_items_in_another_s_name(client: Client) -> None:
    items = [{"repo_url": FLASK, "added_by": "ada"}, {"repo_url": CLICK, "added_by": "bob"}]

    results = client.of("bob").add_batch(*items).body["results"]

    assert [result["outcome"] for result in results] == ["rejected", "accepted"]
    assert results[0]["problem"]["code"] == "not_yours"


def test_other_watchers_of_the_same_repository_are_hidden(client: Client) -> None:
    watchlist_id = added_by_ada(client)
    client.of("bob").add(user="bob")

    seen = client.of("bob").status(watchlist_id).body

    assert [entry["added_by"] for entry in seen["user_watchlists"]] == ["bob"]
    assert seen["watchers"] == 2


@pytest.mark.parametrize("path", [routes.STATUS, routes.COMMITS, routes.HEALTH, routes.RELEASES])
def test_an_entry_that_the_user_does_not_watch_is_not_there(client: Client, path: routes.Route) -> None:
    watchlist_id = added_by_ada(client)

    answer = client.of("bob").get(path.path.replace("{watchlist_id}", watchlist_id))

    assert (answer.status, answer.code) == (404, "not_found")
    assert answer.body == client.get(path.path.replace("{watchlist_id}", "watchlist_a_b_1")).body


def test_a_failed_entry_that_the_user_does_not_watch_cannot_be_retried(client: Client) -> None:
    watchlist_id = added_by_ada(client)
    end_job(watchlist_id, EntryStatus.FAILED)

    assert client.of("bob").retry(watchlist_id).status == 404
    assert client.status(watchlist_id).body["status"] == "failed"
    assert client.of("ada").retry(watchlist_id).status == 202


def test_another_user_s_entry_is_not_there_whatever_is_done_with_it(client: Client) -> None:
    watchlist_id = added_by_ada(client)
    hers = client.user_watchlist_id(watchlist_id)
    (alert_id,) = raise_alerts(hers, watchlist_id, 1)
    bob = client.of("bob")

    tried = [
        bob.stop_watching(hers),
        bob.change_alerts(hers, {}),
        bob.alerts(hers),
        bob.acknowledge(alert_id),
        bob.resolve(alert_id),
    ]

    assert {answer.status for answer in tried} == {404}
    (alert,) = client.of("ada").alerts(hers).body["items"]
    assert alert["acknowledged_at"] is None


@pytest.mark.parametrize("path", ["/activity/watchlist?user=ada", "/activity/watchlist/{}/status?user=ada"])
def test_a_user_cannot_name_another(client: Client, path: str) -> None:
    watchlist_id = added_by_ada(client)

    answer = client.of("bob").get(path.format(watchlist_id))

    assert (answer.status, answer.code) == (403, "not_yours")


@pytest.mark.parametrize("path", [routes.JOBS.path, routes.QUEUES.path])
def test_jobs_and_queues_are_for_operators(client: Client, path: str) -> None:
    refused = client.of("ada").get(path)

    assert (refused.status, refused.code) == (403, "operators_only")
    assert client.get(path).status == 200
    assert Client(client.functions, signed=True).get(path).status == 200


def test_who_signs_with_iam_acts_for_every_user(client: Client) -> None:
    operator = Client(client.functions, signed=True)

    watchlist_id = operator.add(user="ada")
    operator.add(user="bob")

    shown = operator.status(watchlist_id).body["user_watchlists"]
    assert sorted(entry["added_by"] for entry in shown) == ["ada", "bob"]


@pytest.mark.parametrize(
    "authorizer",
    [
        {"jwt": {"claims": {}}},
        {"jwt": {"claims": {"sub": ""}}},
        {"jwt": None},
        {"lambda": {"user": "ada"}},
        {"iam": None},
        {},
        None,
    ],
)
def test_an_authorizer_that_names_nobody_opens_nothing(
    client: Client, authorizer: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    watchlist_id = added_by_ada(client)

    def authorized(_: Client, event: dict[str, dict[str, object]]) -> object:
        event["requestContext"]["authorizer"] = authorizer
        return event

    monkeypatch.setattr(Client, "_authorized", authorized)
    answers: list[Answer] = [
        client.status(watchlist_id),
        client.watchlist("ada"),
        client.post(routes.ADD.path, {"repo_url": FLASK, "added_by": "ada"}),
        client.get(routes.QUEUES.path),
    ]

    assert [(answer.status, answer.code) for answer in answers] == [(403, "not_yours")] * 4


@pytest.mark.parametrize("user", ["Lovelace, Ada", "ada&bob=1", "日本語", "a" * 255, "50% + ½"])
def test_a_user_s_name_is_any_text(client: Client, user: str) -> None:
    watchlist_id = client.add(user=user)

    assert [item["watchlist_id"] for item in client.watchlist(quote(user)).body["items"]] == [watchlist_id]
    assert client.watchlist("Lovelace").body["items"] == []
    assert [entry["added_by"] for entry in client.of(user).status(watchlist_id).body["user_watchlists"]] == [user]


OPERATOR = {"OPERATOR_CLAIM": "cognito:groups", "OPERATOR_VALUE": "operators"}


@pytest.mark.parametrize("groups", ["[operators]", "[staff operators]", "operators", "staff, operators"])
def test_who_is_in_the_operators_group_acts_for_every_user(
    client: Client, groups: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    watchlist_id = added_by_ada(client)
    configure(client, monkeypatch)
    operator = Client(client.functions, user="op", claims={"cognito:groups": groups})

    assert operator.status(watchlist_id).body["user_watchlists"][0]["added_by"] == "ada"
    assert operator.watchlist("ada").status == 200
    assert operator.get(routes.QUEUES.path).status == 200


@pytest.mark.parametrize("claims", [{}, {"cognito:groups": "[staff]"}, {"cognito:groups": ""}, {"scope": "operators"}])
def test_who_is_not_in_it_is_a_user(client: Client, claims: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    configure(client, monkeypatch)
    user = Client(client.functions, user="bob", claims=claims)

    answer = user.get(routes.QUEUES.path)

    assert (answer.status, answer.code) == (403, "operators_only")


def test_where_no_claim_is_configured_nobody_with_a_token_is_an_operator(client: Client) -> None:
    user = Client(client.functions, user="bob", claims={"cognito:groups": "[operators]", "scope": "operators"})

    assert user.get(routes.QUEUES.path).status == 403


def configure(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("jobs", "status", "user_watchlist"):
        function = client.functions[name].function
        values = {"operator_claim": OPERATOR["OPERATOR_CLAIM"], "operator_value": OPERATOR["OPERATOR_VALUE"]}
        monkeypatch.setattr(function, "_settings", function.settings.model_copy(update=values))
