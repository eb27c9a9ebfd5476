"""An issuer's keys are found, kept for a while, and fetched anew when there may be new ones."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from functions.live import issuer_keys
from functions.live.issuer_keys import ASKED_AGAIN_AFTER, KEPT, IssuerKeys, IssuerUnavailableError
from tests.hostile_server import HostileServer, reply
from tests.token_issuer import WELL_KNOWN, TokenIssuer
from watchlist import clock

ONCE = [WELL_KNOWN, "/keys"]


class Clock:
    """Goes on when a test says so."""

    def __init__(self) -> None:
        self.now = clock.now()

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def issuer() -> Iterator[TokenIssuer]:
    with TokenIssuer() as running:
        yield running


@pytest.fixture
def time() -> Clock:
    return Clock()


@pytest.fixture
def keys(issuer: TokenIssuer, time: Clock) -> IssuerKeys:
    return IssuerKeys(issuer.url, time)


def ids(keys: IssuerKeys, key_id: str) -> list[str | None]:
    return [key.kid for key in keys.keys_for(key_id)]


def test_keys_are_fetched_once_and_kept(keys: IssuerKeys, issuer: TokenIssuer, time: Clock) -> None:
    kid = str(issuer.key.kid)
    assert ids(keys, kid) == [kid]
    time.now += KEPT - timedelta(seconds=1)
    assert ids(keys, kid) == [kid]
    assert issuer.requests == ONCE


def test_a_withdrawn_key_is_forgotten_after_a_while(keys: IssuerKeys, issuer: TokenIssuer, time: Clock) -> None:
    old = str(issuer.key.kid)
    keys.keys_for(old)
    issuer.rotate()
    time.now += KEPT
    assert ids(keys, old) == [issuer.key.kid]


def test_a_new_key_is_found_at_once(keys: IssuerKeys, issuer: TokenIssuer, time: Clock) -> None:
    keys.keys_for(str(issuer.key.kid))
    time.now += ASKED_AGAIN_AFTER
    issuer.rotate()
    assert ids(keys, str(issuer.key.kid)) == [issuer.key.kid]


def test_made_up_keys_make_few_requests(keys: IssuerKeys, issuer: TokenIssuer, time: Clock) -> None:
    for number in range(100):
        keys.keys_for(f"made-up-{number}")
        time.now += timedelta(seconds=1)
    assert len(issuer.requests) == len(ONCE) * 4


def test_known_keys_stay_good_while_new_ones_cannot_be_fetched(
    keys: IssuerKeys, issuer: TokenIssuer, time: Clock
) -> None:
    kid = str(issuer.key.kid)
    keys.keys_for(kid)
    issuer.answers.clear()
    time.now += ASKED_AGAIN_AFTER
    for _ in range(3):
        assert ids(keys, "unknown") == [kid]
    assert issuer.requests == [*ONCE, WELL_KNOWN]
    time.now += KEPT
    with pytest.raises(IssuerUnavailableError):
        keys.keys_for(kid)


def test_an_issuer_that_is_back_is_believed_again(keys: IssuerKeys, issuer: TokenIssuer) -> None:
    answers, issuer.answers = issuer.answers, {}
    with pytest.raises(IssuerUnavailableError):
        keys.keys_for("any")
    issuer.answers = answers
    assert ids(keys, "any") == [issuer.key.kid]


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://other.example.com", "jwks_uri": "{url}/keys"},
        {"jwks_uri": "{url}/keys"},
        {"issuer": "{url}"},
        {"issuer": "{url}", "jwks_uri": "file:///etc/passwd"},
        {"issuer": "{url}", "jwks_uri": ["{url}/keys"]},
        {"issuer": "{url}", "jwks_uri": "{url}/missing"},
        {"issuer": "{url}", "jwks_uri": "http://127.0.0.1:x/"},
        [],
    ],
    ids=str,
)
def test_a_document_that_is_not_the_issuer_s_is_not_believed(
    keys: IssuerKeys, issuer: TokenIssuer, document: object
) -> None:
    issuer.answers[WELL_KNOWN] = json.dumps(document).replace("{url}", issuer.url).encode()
    with pytest.raises(IssuerUnavailableError):
        keys.keys_for("any")


@pytest.mark.parametrize(
    "content",
    [
        b"<html>",
        b"{}",
        b'{"keys": []}',
        b'{"keys": 5}',
        b'{"keys": [5]}',
        b'{"keys": [{"kty": "RSA", "n": "!", "e": 5}]}',
        b'{"keys": [' + b" " * 300_000 + b"]}",
        b"[" * 100_000,
    ],
    ids=lambda content: str(content[:40]),
)
def test_what_cannot_be_keys_is_not_believed(keys: IssuerKeys, issuer: TokenIssuer, content: bytes) -> None:
    issuer.answers["/keys"] = content
    with pytest.raises(IssuerUnavailableError):
        keys.keys_for("any")


def test_no_redirect_is_followed() -> None:
    with HostileServer(lambda handler: reply(handler, status=302, location=WELL_KNOWN)) as server:
        with pytest.raises(IssuerUnavailableError):
            IssuerKeys(server.origin).keys_for("any")
        assert server.requests == [WELL_KNOWN]


def test_keys_over_plain_http_are_not_those_of_an_issuer_with_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "https://login.example.com"
    document = {"issuer": url, "jwks_uri": "http://login.example.com/keys"}
    monkeypatch.setattr(issuer_keys, "_get", lambda _: document)
    with pytest.raises(IssuerUnavailableError, match="jwks_uri"):
        IssuerKeys(url).keys_for("any")


def test_an_issuer_that_is_not_there_is_unavailable() -> None:
    with TokenIssuer() as issuer:
        url = issuer.url
    with pytest.raises(IssuerUnavailableError):
        IssuerKeys(url).keys_for("any")
