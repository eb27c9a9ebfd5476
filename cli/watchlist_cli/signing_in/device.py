"""Signing in where there is no browser: a code is typed on another device (RFC 8628)."""

import time
from collections.abc import Callable
from typing import Any

from watchlist_cli.errors import UnavailableError
from watchlist_cli.signing_in.issuer import GrantError, Issuer, Tokens

_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_INTERVAL_SECONDS = 5
"""Between two questions, unless the issuer says another time; `slow_down` adds as much (3.5)."""

_LIFETIME_SECONDS = 600


def sign_in(
    issuer: Issuer,
    client_id: str,
    scope: str,
    say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> Tokens:
    """Show the person a code and wait until they have typed it.

    Args:
        issuer: who signs them in.
        client_id: this command's at the issuer.
        scope: what is asked for.
        say: tells the person something.
        sleep: waits for so many seconds.

    Raises:
        CommandError: the issuer has no such way in.
        GrantError: the issuer gives no tokens, the person said no, or the code has expired.
        UnavailableError: the issuer does not answer.
    """
    asked = issuer.ask_for_device(client_id=client_id, scope=scope)
    say(f"Open {asked['verification_uri']} on any device and type the code {asked['user_code']}")
    if isinstance(asked.get("verification_uri_complete"), str):
        say(f"or open {asked['verification_uri_complete']}")
    interval = _seconds(asked, "interval", _INTERVAL_SECONDS)
    deadline = time.monotonic() + _seconds(asked, "expires_in", _LIFETIME_SECONDS)
    while True:
        sleep(interval)
        try:
            return issuer.grant(grant_type=_GRANT, device_code=asked["device_code"], client_id=client_id)
        except UnavailableError:
            interval *= 2  # 3.5: whoever does not answer is asked less often
        except GrantError as error:
            if error.code == "slow_down":
                interval += _INTERVAL_SECONDS
            elif error.code != "authorization_pending":
                raise
        if time.monotonic() > deadline:
            raise GrantError(issuer.url, {"error": "expired_token", "error_description": "the code has expired"})


def _seconds(asked: dict[str, Any], name: str, otherwise: float) -> float:
    value = asked.get(name)
    return float(value) if isinstance(value, int | float) and value > 0 else otherwise
