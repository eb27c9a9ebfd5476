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


PAGE = {"host": "server.example:3000", "origin": "http://server.example:3000"}


def live_cookie(token: str) -> str:
    """Return what a browser shows the live channel after its user typed the token."""
    cookie = Guard(3000, token).live_cookie({**PAGE, "authorization": basic(f":{token}")})
    assert cookie is not None
    return cookie.partition(";")[0]


def test_the_page_of_who_typed_the_token_may_open_the_live_channel() -> None:
    asked = {**PAGE, "cookie": f"theme=dark; {live_cookie('sécret')}"}

    assert Guard(3000, "sécret").live_refusal(asked) is None


@pytest.mark.parametrize(
    "asked",
    [
        {**PAGE, "cookie": live_cookie("another")},
        {**PAGE, "cookie": "watchlist-live="},
        {**PAGE, "cookie": "sécret"},
        PAGE,
        {**PAGE, "cookie": live_cookie("sécret"), "origin": "http://server.example:8080"},
        {**PAGE, "cookie": live_cookie("sécret"), "origin": "https://attacker.example"},
        {**PAGE, "cookie": live_cookie("sécret"), "sec-fetch-site": "cross-site"},
    ],
)
def test_without_the_cookie_or_from_another_site_nobody_may(asked: dict[str, str]) -> None:
    assert Guard(3000, "sécret").live_refusal(asked) is not None


def test_the_cookie_opens_the_live_channel_alone_and_hides_the_token() -> None:
    cookie = live_cookie("sécret")

    assert Guard(3000, "sécret").refusal({**PAGE, "cookie": cookie}) == HTTPStatus.UNAUTHORIZED
    assert "sécret" not in cookie


@pytest.mark.parametrize("shown", ["", "Bearer sécret"])
def test_who_is_no_browser_gets_no_cookie(shown: str) -> None:
    assert Guard(3000, "sécret").live_cookie({**PAGE, "authorization": shown}) is None


def test_without_a_token_there_is_no_cookie_and_the_live_channel_is_guarded_as_all() -> None:
    assert GUARD.live_cookie({**LOCAL, "authorization": basic(":sécret")}) is None
    assert GUARD.live_refusal({**LOCAL, "cookie": "watchlist-live="}) is None
    assert GUARD.live_refusal({**LOCAL, "origin": "https://attacker.example"}) == HTTPStatus.FORBIDDEN
