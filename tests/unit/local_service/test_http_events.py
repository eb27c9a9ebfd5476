import base64
import json
import logging
import socket
import string
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_service.functions.processes import FunctionError, FunctionTimeoutError
from local_service.gateways.http import (
    HttpGateway,
    HttpRequest,
    InvalidResponseError,
    event_of,
    find_route,
    response_of,
)
from watchlist.deployment import routes

AT = datetime(2026, 3, 12, 19, 3, 58, 390000, tzinfo=UTC)
STATUS_PATH = "/activity/watchlist/watchlist_a_b_1/status"


def event(request: HttpRequest) -> dict[str, object]:
    match = find_route(routes.ROUTES, request.method, request.path)
    assert match is not None
    return event_of(request, match, AT, "request-1")


def test_an_event_has_the_shape_of_payload_format_2() -> None:
    request = HttpRequest(
        method="GET",
        path="/activity/watchlist/watchlist_a_b_1/status",
        query="user=ada&user=bob%20c",
        headers={
            "host": "api.example.org",
            "user-agent": "curl/8",
            "cookie": "a=1; b=2",
            "accept": "text/html,application/json",
        },
        source_ip="192.0.2.1",
    )

    assert event(request) == {
        "version": "2.0",
        "routeKey": "GET /activity/watchlist/{watchlist_id}/status",
        "rawPath": STATUS_PATH,
        "rawQueryString": "user=ada&user=bob%20c",
        "cookies": ["a=1", "b=2"],
        "headers": {"host": "api.example.org", "user-agent": "curl/8", "accept": "text/html,application/json"},
        "queryStringParameters": {"user": "ada,bob c"},
        "pathParameters": {"watchlist_id": "watchlist_a_b_1"},
        "requestContext": {
            "accountId": "123456789012",
            "authorizer": {"iam": {"userArn": "arn:aws:iam::123456789012:user/local"}},
            "apiId": "local",
            "domainName": "api.example.org",
            "domainPrefix": "api",
            "http": {
                "method": "GET",
                "path": STATUS_PATH,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "curl/8",
            },
            "requestId": "request-1",
            "routeKey": "GET /activity/watchlist/{watchlist_id}/status",
            "stage": "$default",
            "time": "12/Mar/2026:19:03:58 +0000",
            "timeEpoch": 1773342238390,
        },
        "isBase64Encoded": False,
    }


def test_keys_without_a_value_are_left_out() -> None:
    built = event(HttpRequest("GET", "/openapi.json"))

    assert not {"cookies", "queryStringParameters", "pathParameters", "body"} & built.keys()


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "text/plain", "application/problem+json"]
)
def test_a_text_body_is_handed_on_as_it_is(content_type: str) -> None:
    built = event(
        HttpRequest("POST", routes.ADD.path, headers={"content-type": content_type}, body='{"ä": 1}'.encode())
    )

    assert (built["body"], built["isBase64Encoded"]) == ('{"ä": 1}', False)


@pytest.mark.parametrize("headers", [{}, {"content-type": "application/x-www-form-urlencoded"}])
def test_any_other_body_is_encoded(headers: dict[str, str]) -> None:
    built = event(HttpRequest("POST", routes.ADD.path, headers=headers, body=b"a=1"))

    assert (built["body"], built["isBase64Encoded"]) == (base64.b64encode(b"a=1").decode(), True)


def test_a_text_body_that_is_no_text_is_encoded() -> None:
    body = b"\xff\xfe{"
    built = event(HttpRequest("POST", routes.ADD.path, headers={"content-type": "application/json"}, body=body))

    assert (built["body"], built["isBase64Encoded"]) == (base64.b64encode(body).decode(), True)


def test_a_path_parameter_is_decoded_once_and_never_spans_a_slash() -> None:
    match = find_route(routes.ROUTES, "GET", "/activity/watchlist/a%2Fb%2520c/status")

    assert match is not None
    assert match.parameters == {"watchlist_id": "a/b%20c"}
    assert find_route(routes.ROUTES, "GET", "/activity/watchlist/a/b/status") is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("POST", STATUS_PATH),
        ("GET", STATUS_PATH + "/"),
        ("GET", "/activity/watchlist//status"),
        ("GET", "//activity/jobs"),
        ("get", "/openapi.json"),
    ],
)
def test_anything_that_is_no_route_is_none(method: str, path: str) -> None:
    assert find_route(routes.ROUTES, method, path) is None


@given(
    path=st.text(string.printable, max_size=60),
    query=st.text(string.printable, max_size=60),
    body=st.binary(max_size=60),
    content_type=st.sampled_from(["", "application/json", "text/x", "image/png", ";;"]),
)
def test_every_request_becomes_an_event_that_is_json(path: str, query: str, body: bytes, content_type: str) -> None:
    request = HttpRequest("POST", f"/activity/watchlist/{path}/retry", query, {"content-type": content_type}, body)
    match = find_route(routes.ROUTES, request.method, request.path)
    if match is not None:
        assert json.loads(json.dumps(event_of(request, match, AT, "id")))["version"] == "2.0"


def test_a_proxy_response_becomes_a_response() -> None:
    response = response_of(
        {
            "statusCode": 202,
            "headers": {"Content-Type": "application/json", "Location": "/x"},
            "cookies": ["a=1", "b=2"],
            "body": "{}",
            "isBase64Encoded": False,
        }
    )

    assert response.status == 202
    assert response.headers == (
        ("content-type", "application/json"),
        ("location", "/x"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
    )
    assert response.body == b"{}"


def test_an_encoded_body_is_decoded() -> None:
    encoded = base64.b64encode(b"\x00\x01").decode()

    assert response_of({"statusCode": 200, "body": encoded, "isBase64Encoded": True}).body == b"\x00\x01"


def test_an_answer_without_a_status_is_json() -> None:
    response = response_of({"a": 1})

    assert (response.status, response.headers, response.body) == (
        200,
        (("content-type", "application/json"),),
        b'{"a": 1}',
    )


@pytest.mark.parametrize(
    "answer",
    [
        {"statusCode": "many"},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "headers": {"a": "1\r\nset-cookie: b"}},
        {"statusCode": 200, "headers": {"a: 1\nset-cookie": "b"}},
        {"statusCode": 200, "cookies": ["a=1\rb"]},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "body": "%", "isBase64Encoded": True},
    ],
)
def test_a_malformed_answer_is_refused(answer: dict[str, object]) -> None:
    with pytest.raises(InvalidResponseError):
        response_of(answer)


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (FunctionError("boom"), 500, "Internal Server Error"),
        (FunctionTimeoutError("late"), 503, "Service Unavailable"),
    ],
)
def test_a_function_that_fails_is_answered_for_as_api_gateway_does(
    error: FunctionError, status: int, message: str
) -> None:
    def fail(_name: str, _event: dict[str, object]) -> None:
        raise error

    gateway = HttpGateway(routes.ROUTES, fail, ("127.0.0.1", 0))
    response = gateway.handle(HttpRequest("GET", "/openapi.json"))
    gateway.close()

    assert (response.status, json.loads(response.body)) == (status, {"message": message})


def test_the_log_shows_what_a_client_sends_without_obeying_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with HttpGateway(routes.ROUTES, lambda _name, _event: None, ("127.0.0.1", 0)) as gateway:
        address = urlsplit(gateway.url)
        with socket.create_connection((address.hostname, address.port), timeout=10) as client:
            client.sendall(b"GET /\x1b]0;owned\x07\x9b HTTP/1.0\r\nHost: localhost\r\n\r\n")
            while client.recv(1000):
                pass
    assert r'"GET /\x1b]0;owned\x07\x9b HTTP/1.0"' in caplog.text
    assert "\x1b" not in caplog.text
