"""Checks the tokens (JWT) of an issuer by the rules of API Gateway's own JWT authorizer, which a WebSocket cannot have.

Rules: API Gateway guide, "Control access to HTTP APIs with JWT authorizers in API Gateway". The token names a key of
the issuer (`kid`), is signed with RSA, comes from the issuer, is meant for one of the audiences (`aud`, or `client_id`
without one), and is valid now (`exp`, `nbf`, `iat`). Clocks may differ by `LEEWAY`.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import GuestProtocol, KeySet
from joserfc.jws import JWSRegistry

from watchlist import limits

ALGORITHMS = ("RS256", "RS384", "RS512")
"""Only signatures by RSA: neither `none`, nor a MAC whose secret would be the public key."""

LEEWAY = timedelta(seconds=60)

KeysFor = Callable[[str], KeySet]
"""Returns the issuer's keys, the one of that id (`kid`) among them if there is one."""


class InvalidTokenError(Exception):
    """The token proves nothing; the message says why, for the log."""


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What a token must say.

    Attributes:
        issuer: its `iss`, exactly.
        audience: one of these must be its `aud`, or its `client_id` if it has no `aud`.
    """

    issuer: str
    audience: Collection[str]


def claims_of(token: str | None, rules: TokenRules, keys_for: KeysFor, now: datetime) -> dict[str, Any]:
    """Return what the token claims, having checked it; `sub` is whom it names.

    Raises:
        InvalidTokenError: there is no token, or it is malformed, signed by nobody known, not from this issuer, not for
            this audience, not valid now, or names nobody.
    """
    if token is None:
        raise InvalidTokenError("there is none")
    # Issuers put headers of their own into tokens; those that must be understood (`crit`) are checked.
    registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    try:
        claims: dict[str, Any] = jwt.decode(token, lambda signed: _keys(signed, keys_for), registry=registry).claims
        _check(claims, rules, now)
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise InvalidTokenError(str(error)) from error
    if not 0 < len(claims["sub"]) <= limits.USER_CHARACTERS:
        raise InvalidTokenError("sub names nobody")
    return claims


def _keys(signed: GuestProtocol, keys_for: KeysFor) -> KeySet:
    """Return the keys among which the one is chosen. The library has refused other algorithms before it asks."""
    key_id = signed.headers().get("kid")
    if not isinstance(key_id, str):
        raise InvalidTokenError("it names no key")
    return keys_for(key_id)


def _check(claims: dict[str, Any], rules: TokenRules, now: datetime) -> None:
    registry = jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=int(LEEWAY.total_seconds()),
        iss={"essential": True, "value": rules.issuer},
        sub={"essential": True},
        exp={"essential": True},
    )
    registry.validate(claims)
    audience = claims.get("aud", claims.get("client_id"))
    named = {audience} if isinstance(audience, str) else set(audience or ())
    if not named & set(rules.audience):
        raise InvalidTokenError("it is meant for somebody else")
