"""Which tokens prove something."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from functions.live import bearer, tokens
from functions.live.tokens import LEEWAY, InvalidTokenError, TokenRules
from tests.token_issuer import encode, forge, new_key, sign

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
ISSUER = "https://login.example.com/"
RULES = TokenRules(ISSUER, ("watchlist", "another"))
KEY, ANOTHER_KEY = new_key(), new_key()
GOOD: dict[str, Any] = {
    "iss": ISSUER,
    "aud": "watchlist",
    "sub": "ada",
    "iat": SECONDS,
    "nbf": SECONDS,
    "exp": SECONDS + 600,
}
LEEWAY_SECONDS = int(LEEWAY.total_seconds())


def subject_of(token: str | None, keys: KeySet | None = None) -> str:
    return str(tokens.claims_of(token, RULES, lambda _: keys or KeySet([KEY, ANOTHER_KEY]), NOW)["sub"])


def with_claims(**changed: Any) -> str:
    claims = {name: value for name, value in (GOOD | changed).items() if value is not None}
    return sign(claims, KEY)


def unsigned(header: dict[str, Any]) -> str:
    return forge(header, GOOD)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"aud": ["elsewhere", "another"]},
        {"aud": None, "client_id": "watchlist"},
        {"nbf": None, "iat": None},
        {"exp": SECONDS - LEEWAY_SECONDS + 1},
        {"nbf": SECONDS + LEEWAY_SECONDS},
        {"scope": "openid", "roles": ["admin"]},
    ],
)
def test_a_good_token_names_its_subject(changed: dict[str, Any]) -> None:
    assert subject_of(with_claims(**changed)) == "ada"


@pytest.mark.parametrize("algorithm", tokens.ALGORITHMS)
def test_every_signature_by_rsa_counts(algorithm: str) -> None:
    key = RSAKey.generate_key(2048, {"kid": "1"})
    assert subject_of(sign(GOOD, key, alg=algorithm), KeySet([key])) == "ada"


def test_headers_that_need_not_be_understood_are_passed_over() -> None:
    assert subject_of(sign(GOOD, KEY, typ="at+jwt", nonce="x", ver="2.0")) == "ada"


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "elsewhere"},
        {"aud": []},
        {"aud": "elsewhere", "client_id": "watchlist"},
        {"aud": None},
        {"aud": None, "client_id": 5},
        {"aud": {"watchlist": True}},
        {"iss": "https://login.example.com"},
        {"iss": None},
        {"exp": None},
        {"exp": SECONDS - LEEWAY_SECONDS},
        {"exp": "tomorrow"},
        {"exp": True},
        {"nbf": SECONDS + LEEWAY_SECONDS + 1},
        {"iat": SECONDS + LEEWAY_SECONDS + 1},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
    ],
    ids=str,
)
def test_a_token_that_says_anything_else_proves_nothing(changed: dict[str, Any]) -> None:
    with pytest.raises(InvalidTokenError):
        subject_of(with_claims(**changed))


def test_an_unsigned_token_proves_nothing() -> None:
    for algorithm in ("none", "None", "NONE"):
        with pytest.raises(InvalidTokenError):
            subject_of(unsigned({"alg": algorithm, "kid": KEY.kid}))


def test_a_mac_with_the_public_key_as_its_secret_proves_nothing() -> None:
    for public in (KEY.as_pem(private=False), json.dumps(KEY.as_dict(private=False)).encode()):
        with pytest.raises(InvalidTokenError):
            subject_of(forge({"alg": "HS256", "kid": KEY.kid}, GOOD, public))


def test_a_secret_among_the_keys_signs_nothing() -> None:
    secret = OctKey.generate_key(256, {"kid": "1"})
    with pytest.raises(InvalidTokenError):
        subject_of(sign(GOOD, secret, alg="HS256"), KeySet([KEY, secret]))


def test_a_signature_by_a_curve_counts_no_more_than_at_the_http_api() -> None:
    key = ECKey.generate_key("P-256", {"kid": "1"})
    with pytest.raises(InvalidTokenError):
        subject_of(sign(GOOD, key, alg="ES256"), KeySet([key]))


def test_a_key_of_another_kind_under_the_same_id_verifies_nothing() -> None:
    curve = ECKey.generate_key("P-256", {"kid": str(KEY.kid)})
    with pytest.raises(InvalidTokenError):
        subject_of(with_claims(), KeySet([curve]))


def test_a_token_signed_by_an_unknown_key_proves_nothing() -> None:
    stranger = new_key()
    for token in (sign(GOOD, stranger), sign(GOOD, stranger, kid=KEY.kid), sign(GOOD, KEY, kid=ANOTHER_KEY.kid)):
        with pytest.raises(InvalidTokenError):
            subject_of(token)


def test_a_key_that_a_token_brings_along_verifies_nothing() -> None:
    stranger = new_key()
    with pytest.raises(InvalidTokenError):
        subject_of(sign(GOOD, stranger, jwk=stranger.as_dict(private=False)))


def test_a_token_changed_after_it_was_signed_proves_nothing() -> None:
    header, _, signature = with_claims().split(".")
    payload = encode(json.dumps(GOOD | {"sub": "grace"}).encode())
    with pytest.raises(InvalidTokenError):
        subject_of(f"{header}.{payload}.{signature}")


@pytest.mark.parametrize(
    "token",
    [
        None,
        "",
        "x",
        "a.b.c",
        "....",
        "é.é.é",
        "\x00.\x00.\x00",
        "x" * 300_000,
        encode(b"[" * 300) + ".e30.x",
        encode(b'"alg"') + ".e30.x",
        unsigned({"alg": "RS256"}),
        unsigned({"alg": "RS256", "kid": 5}),
        unsigned({"alg": ["RS256"], "kid": "1"}),
        unsigned({"alg": "RS256", "kid": KEY.kid, "crit": ["exp"]}),
        unsigned({"alg": "RS256", "kid": KEY.kid, "b64": False, "crit": ["b64"]}),
    ],
    ids=lambda token: str(token)[:20],
)
def test_what_is_no_token_proves_nothing(token: str | None) -> None:
    with pytest.raises(InvalidTokenError):
        subject_of(token)


@pytest.mark.parametrize(
    "token", [None, "x", unsigned({"alg": "none", "kid": "1"}), unsigned({"alg": "HS256", "kid": "1"})]
)
def test_what_cannot_be_good_makes_nobody_ask_for_keys(token: str | None) -> None:
    def ask(_: str) -> KeySet:
        raise AssertionError("the issuer was asked")

    with pytest.raises(InvalidTokenError):
        tokens.claims_of(token, RULES, ask, NOW)


def test_a_payload_that_is_no_object_proves_nothing() -> None:
    deep = {"a": GOOD}
    for _ in range(100):
        deep = {"a": deep}
    with pytest.raises(InvalidTokenError):
        subject_of(sign(deep, KEY))


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({"Authorization": "Bearer a.b.c"}, "a.b.c"),
        ({"authorization": "bearer  a.b.c "}, "a.b.c"),
        ({"Authorization": "a.b.c"}, "a.b.c"),
        ({"Sec-WebSocket-Protocol": "repository-watchlist, bearer.a.b.c"}, "a.b.c"),
        ({"sec-websocket-protocol": "bearer.a.b.c,repository-watchlist"}, "a.b.c"),
        ({"Authorization": "Bearer a.b.c", "Sec-WebSocket-Protocol": "bearer.d.e.f"}, "a.b.c"),
        ({"Sec-WebSocket-Protocol": "repository-watchlist"}, None),
        ({}, None),
        (None, None),
    ],
)
def test_a_token_is_taken_from_a_header_or_a_subprotocol(headers: dict[str, str] | None, token: str | None) -> None:
    assert bearer.token_of({"headers": headers, "queryStringParameters": {"token": "x"}}) == token
