"""Bodies are bounded before anybody reads them."""

import json
import re

import pytest

from functions.http import refusals
from tests.integration.http.client import FLASK, Client
from watchlist import limits
from watchlist.deployment import routes
from watchlist.deployment.routes import Body, Route

TOO_LARGE = b"[" * (limits.BATCH_BODY_BYTES + 1)
WITH_BODY = [route for route in routes.ROUTES if route.body is not Body.NONE]
WITHOUT_BODY = [route for route in routes.ROUTES if route.body is Body.NONE and route.method != "GET"]
CONTENT_TYPES = (
    *("application/merge-patch+json", "application/xml", "text/plain", "application/x-www-form-urlencoded"),
    *("multipart/form-data", "*/*", "none", "", "application/json;;="),
)


def path_of(route: Route) -> str:
    return re.sub(r"{\w+}", "x", route.path)


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: route.key)
def test_a_body_that_is_not_there_is_missing_whatever_it_would_be(
    client: Client, route: Route, content_type: str
) -> None:
    query = "?user=ada" if route is routes.ADD_CHANNEL or route is routes.ADD_SHARE else ""
    answer = client.call(route.method, path_of(route) + query, b"", {"content-type": content_type})

    assert (answer.status, answer.code) == (422, "invalid_fields")
    assert answer.body["errors"] == [{"field": "body", "message": "is missing"}]


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
@pytest.mark.parametrize("route", WITHOUT_BODY, ids=lambda route: route.key)
def test_a_body_that_nobody_reads_changes_nothing(client: Client, route: Route, content_type: str) -> None:
    plain = client.call(route.method, path_of(route))
    answer = client.call(route.method, path_of(route), b"a=b", {"content-type": content_type})

    assert (answer.status, answer.body) == (plain.status, plain.body)
    assert answer.status < 500


@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: route.key)
def test_no_route_reads_a_body_beyond_its_size(client: Client, monkeypatch: pytest.MonkeyPatch, route: Route) -> None:
    def read(*_: object, **__: object) -> None:
        raise AssertionError("it was read")

    monkeypatch.setattr(json, "loads", read)
    event = {
        "routeKey": route.key,
        "headers": {"content-type": "application/json"},
        "body": TOO_LARGE.decode()[: route.most_bytes + 1],
        "isBase64Encoded": False,
        "requestContext": {"requestId": "r", "http": {"method": route.method, "path": route.path}},
    }

    answer = client.functions[route.function.name].handler(event, client.context(route.function.name))

    assert answer["statusCode"] == 413
    assert "body_too_large" in answer["body"]


def test_the_size_is_counted_in_bytes(client: Client) -> None:
    request = {"repo_url": FLASK, "added_by": "ada", "notes": "\N{SNOWMAN}" * 100}
    body = json.dumps(request, ensure_ascii=False).encode()

    assert client.post(routes.ADD.path, body + b" " * (limits.BODY_BYTES - len(body))).status == 202
    assert client.post(routes.ADD.path, body + b" " * (limits.BODY_BYTES - len(body) + 3)).status == 413


def test_the_largest_items_that_are_allowed_fit_into_a_batch(client: Client) -> None:
    item = {
        "repo_url": FLASK + "/" + "x" * (limits.REPOSITORY_SPELLING_CHARACTERS - len(FLASK) - 1),
        "added_by": "\N{GRINNING FACE}" * limits.USER_CHARACTERS,
        "notes": "\N{GRINNING FACE}" * limits.NOTES_CHARACTERS,
        "labels": ["\N{GRINNING FACE}" * limits.LABEL_CHARACTERS] * limits.LABELS,
    }
    body = json.dumps({"items": [item] * limits.BATCH_ADDS}, ensure_ascii=False).encode()

    assert client.post(routes.ADD_BATCH.path, body).status == 207
    assert len(json.dumps(item)) < limits.BODY_BYTES


def test_a_body_full_of_faults_is_answered_with_the_first_ones(client: Client) -> None:
    unknown = {f"field{number}": number for number in range(5_000)}

    answer = client.post(routes.ADD.path, {"repo_url": FLASK, "added_by": "ada", **unknown})

    assert (answer.status, len(answer.body["errors"])) == (422, refusals.MOST_FAULTS)
