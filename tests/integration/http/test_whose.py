"""What is somebody's is nobody else's: for every route and every id and token that it is asked with."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import boto3
import pytest

from local_service.aws.embedded import client_arguments
from tests.integration.aws import Aws
from tests.integration.http.client import Answer, Client
from tests.integration.http.every_route import ASKED, ask, is_for_operators, one_of_everything
from watchlist.deployment import routes
from watchlist.deployment.routes import Route

OF_USERS = [route for route in routes.ROUTES if not route.is_public and not is_for_operators(route)]
OF_OPERATORS = [route for route in routes.ROUTES if is_for_operators(route)]
READING = [route for route in OF_USERS if route.method == "GET"]
CHANGING = [route for route in OF_USERS if route.method != "GET"]
BY_TOKEN = [route for route in routes.ROUTES if route.is_public and "{token}" in route.path]

UNKNOWN = {
    "watchlist_id": "watchlist_nobody_nothing_1764000000",
    "failed_id": "watchlist_nobody_nothing_1764000000",
    "user_watchlist_id": f"user_{'0' * 32}_watchlist_nobody_nothing_1764000000",
    "alert_id": f"alert_{'0' * 32}",
    "channel_id": f"channel_{'0' * 32}_0_{'0' * 16}",
    "share": "A" * 43,
}
"""Ids that nobody has."""


Look = Callable[[], list[Any]]


def by_key(chosen: Sequence[Route]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("route", chosen, ids=[route.key for route in chosen])


@pytest.fixture
def stored(aws: Aws) -> Look:
    """Return what looks at all that is stored."""
    arguments: Any = client_arguments(aws.environment.url)
    pages = boto3.client("dynamodb", **arguments).get_paginator("scan")

    def look() -> list[Any]:
        tables = (aws.variables["WATCHLIST_TABLE"], aws.variables["ACTIVITY_TABLE"])
        items = [item for table in tables for page in pages.paginate(TableName=table) for item in page["Items"]]
        return sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))

    return look


def shown(answer: Answer, asked_with: str) -> tuple[int, str, str]:
    """What an answer tells, but for the id that it was asked with."""
    return answer.status, answer.headers["content-type"], json.dumps(answer.body).replace(asked_with, "ID")


def token_of(route: Route) -> str:
    """The name of the token that the route is asked with."""
    (name,) = (each for each in ASKED[route.key].names(route) if each != "channel_id")
    return name


def test_every_route_of_the_api_is_in_the_table() -> None:
    assert list(ASKED) == [route.key for route in routes.ROUTES]
    for route in OF_USERS + BY_TOKEN:
        in_path = route.path.count("{")
        assert len(ASKED[route.key].names(route)) >= max(in_path, 1), route.key


def test_with_another_s_id_a_user_gets_what_a_wrong_id_gets(client: Client, stored: Look) -> None:
    hers, bob = one_of_everything(client, "ada"), client.of("bob")
    before = stored()
    told = []

    for route in OF_USERS:
        for name in set(ASKED[route.key].names(route)) - {"user"}:
            # the other ids of the request are wrong, so that this one decides; whoever asks names themself
            with_hers = ask(bob, route, {**UNKNOWN, "user": "bob", name: hers[name]})
            with_none = ask(bob, route, {**UNKNOWN, "user": "bob"})
            of_hers = [value for key, value in hers.items() if value != hers[name] and key != "user"]
            if shown(with_hers, hers[name]) != shown(with_none, UNKNOWN[name]) or any(
                value in json.dumps(with_hers.body) for value in of_hers
            ):
                told.append((route.key, name))

    assert told == []
    assert stored() == before


def test_a_user_who_names_another_is_refused_whether_there_is_one_or_not(client: Client, stored: Look) -> None:
    hers, bob = one_of_everything(client, "ada"), client.of("bob")
    before = stored()

    for route in OF_USERS:
        if "user" in ASKED[route.key].names(route):
            as_her, as_nobody = ask(bob, route, hers), ask(bob, route, {**hers, "user": "zoe"})
            assert "not_yours" in json.dumps(as_her.body), route.key
            assert shown(as_her, "ada") == shown(as_nobody, "zoe"), route.key

    assert stored() == before


def test_a_user_and_an_operator_see_what_the_user_has(client: Client) -> None:
    hers = one_of_everything(client, "ada")

    for asker in (client.of("ada"), Client(client.functions, signed=True)):
        assert [route.key for route in READING if ask(asker, route, hers).status != 200] == []


@by_key(CHANGING)
def test_an_operator_may_do_what_a_user_may(client: Client, route: Route) -> None:
    hers = one_of_everything(client, "ada")

    assert ask(Client(client.functions, signed=True), route, hers).status < 400


@by_key(OF_OPERATORS)
def test_what_is_for_operators_is_for_no_user(client: Client, route: Route, stored: Look) -> None:
    before = stored()

    refused = ask(client.of("ada"), route, {"queue": "repository-setup"})

    assert (refused.status, refused.code) == (403, "operators_only")
    assert stored() == before
    assert ask(Client(client.functions, signed=True), route, {"queue": "repository-setup"}).status < 400


def test_whom_nobody_vouches_for_gets_nothing(client: Client, stored: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    hers = one_of_everything(client, "ada")
    before = stored()

    def unvouched(_: Client, event: dict[str, Any]) -> object:
        del event["requestContext"]["authorizer"]
        return event

    monkeypatch.setattr(Client, "_authorized", unvouched)

    for route in OF_USERS + OF_OPERATORS:
        answer = ask(client, route, hers)
        assert (answer.status, answer.code) == (403, "not_yours"), route.key
    assert stored() == before


@by_key(BY_TOKEN)
def test_an_address_opens_with_its_own_token_only(client: Client, route: Route, stored: Look) -> None:
    hers, his = one_of_everything(client, "ada"), one_of_everything(client, "bob")
    name, before = token_of(route), stored()
    token = hers[name]

    others = {hers[each] for each in ("feed", "badge", "leave", "watchlist_id", "alert_id")} - {token}
    spoiled = {token[:-1], token + "A", token[:-1] + ("A" if token[-1] != "A" else "B"), token.swapcase(), "A" * 43}
    answers = [ask(client, route, {**hers, name: each}) for each in others | spoiled]
    if "channel_id" in ASKED[route.key].names(route):
        answers += [ask(client, route, {**hers, each: his[each]}) for each in ("channel_id", name)]

    assert {answer.status for answer in answers} == {404}
    assert len({shown(answer, token) for answer in answers}) == 1
    assert stored() == before
    assert ask(client, route, hers).status == 200


@pytest.mark.parametrize(
    ("ended_by", "share", "gone"),
    [
        (routes.REVOKE_SHARE, "feed", {"feed"}),
        (routes.REVOKE_SHARE, "badge", {"badge"}),
        (routes.STOP_WATCHING, "", {"badge"}),
        (routes.REMOVE_CHANNEL, "", {"leave"}),
    ],
)
def test_an_address_that_was_taken_back_shows_nothing(
    client: Client, ended_by: Route, share: str, gone: set[str]
) -> None:
    hers = one_of_everything(client, "ada")

    assert ask(client.of("ada"), ended_by, {**hers, "share": hers.get(share, "")}).status == 204

    for route in BY_TOKEN:
        name, answer = token_of(route), ask(client, route, hers)
        assert answer.status == (404 if name in gone else 200), route.key
        if name in gone:
            assert shown(answer, hers[name]) == shown(ask(client, route, {**hers, name: "A" * 43}), "A" * 43)


@pytest.mark.parametrize(
    ("principal", "query", "status"),
    [
        ("ada", {"watchlist_id": "{watchlist_id}"}, 200),
        ("ada", {"user": "ada"}, 200),
        ("ada", {}, 200),
        ("bob", {"watchlist_id": "{watchlist_id}"}, 404),
        ("bob", {"watchlist_id": "{watchlist_id}", "user": "bob"}, 404),
        ("bob", {"watchlist_id": UNKNOWN["watchlist_id"]}, 404),
        ("bob", {"watchlist_id": "{watchlist_id}", "user": "ada"}, 403),
        ("bob", {"user": "ada"}, 403),
        ("bob", {"user": "zoe"}, 403),
        ("", {"user": "ada"}, 403),
        (None, {"watchlist_id": "{watchlist_id}"}, 403),
    ],
)
def test_a_connection_shows_a_user_their_own_and_no_other_is_noted(
    client: Client, stored: Look, principal: str | None, query: dict[str, str], status: int
) -> None:
    hers = one_of_everything(client, "ada")
    before = stored()
    event = {
        "requestContext": {
            "connectionId": "abc=",
            **({} if principal is None else {"authorizer": {"principalId": principal}}),
        },
        "queryStringParameters": {name: value.format(**hers) for name, value in query.items()},
        "headers": {},
    }

    answer = client.invoke(routes.LIVE_CONNECT.function.name, event)

    assert answer["statusCode"] == status
    assert (stored() == before) is (status != 200)
