import base64
from http import HTTPStatus

import pytest

from local_service.guard import Guard, is_from_a_page

GUARD = Guard(3000)
LOCAL = {"host": "127.0.0.1:3000"}


@pytest.mark.parametrize(
    "headers",
    [
        LOCAL,
        {"host": "localhost:3000"},
        {"host": "[::1]:3000"},
        {"host": "localhost"},
        {**LOCAL, "origin": "http://localhost:3000"},
        {**LOCAL, "origin": "http://127.0.0.1:3000"},
    ],
)
def test_this_machine_and_the_service_s_own_page_may_call(headers: dict[str, str]) -> None:
    assert GUARD.refusal(headers) is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": "attacker.example:3000"},
        {"host": "localhost.attacker.example"},
        {"host": "127.0.0.1.nip.io:3000"},
        {"host": "localhost@attacker.example"},
        {"host": "[::1"},
        {**LOCAL, "origin": "https://attacker.example"},
        {**LOCAL, "origin": "null"},
        {**LOCAL, "origin": "http://localhost:8080"},
        {**LOCAL, "origin": "https://localhost:3000"},
    ],
)
def test_other_sites_pages_and_other_names_of_this_machine_may_not(headers: dict[str, str]) -> None:
    assert GUARD.refusal(headers) == HTTPStatus.FORBIDDEN
    assert is_from_a_page(headers)


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("shown", ["Bearer sécret", "bearer sécret", basic("anybody:sécret"), basic(":sécret")])
def test_who_shows_the_token_may_call_from_anywhere(shown: str) -> None:
    assert Guard(3000, "sécret").refusal({"host": "server.example", "authorization": shown}) is None


@pytest.mark.parametrize(
    "shown", ["", "Bearer", "Bearer secret", "sécret", "Basic !!", "Basic /w==", basic("sécret"), basic("sécret:")]
)
def test_without_the_token_nobody_may(shown: str) -> None:
    assert Guard(3000, "sécret").refusal({**LOCAL, "authorization": shown}) == HTTPStatus.UNAUTHORIZED


def test_where_tokens_are_looked_at_later_a_page_may_come_from_anywhere() -> None:
    guard = Guard(3000, wants_tokens=True)

    assert guard.refusal({"host": "server.example", "origin": "https://server.example"}) is None


def test_a_program_of_this_machine_is_no_page() -> None:
    assert not is_from_a_page(LOCAL)


HOST = {"host": "server.example:3000"}
OWN_PAGE: tuple[dict[str, str], ...] = (
    {},
    {"origin": "http://server.example:3000"},
    {"origin": "https://proxy.example", "sec-fetch-site": "same-origin"},
)
OTHER_PAGES: tuple[dict[str, str], ...] = (
    {"origin": "https://attacker.example"},
    {"origin": "null"},
    {"origin": "http://server.example:8080"},
    {"origin": "https://attacker.example", "sec-fetch-site": "cross-site"},
    {"origin": "https://other.server.example", "sec-fetch-site": "same-site"},
)


@pytest.mark.parametrize("headers", OWN_PAGE)
def test_a_password_is_taken_from_the_own_page(headers: dict[str, str]) -> None:
    assert Guard(3000, "secret").refusal({**HOST, **headers, "authorization": basic("any:secret")}) is None


@pytest.mark.parametrize("headers", OTHER_PAGES)
def test_a_password_that_browsers_show_unasked_is_taken_from_no_other_page(headers: dict[str, str]) -> None:
    guard = Guard(3000, "secret")
    assert guard.refusal({**HOST, **headers, "authorization": basic("any:secret")}) == HTTPStatus.FORBIDDEN
    assert guard.refusal({**HOST, **headers, "authorization": "Bearer secret"}) is None
