"""An issuer of tokens: where it is asked (OpenID Connect Discovery 1.0, RFC 8414), and what it answers (RFC 6749)."""

import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from watchlist_cli.errors import CommandError, UnavailableError, what_happened

_TIMEOUT = urllib3.Timeout(connect=5, read=20)
_WELL_KNOWN = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_ANSWER_BYTES = 256 * 1024


class GrantError(CommandError):
    """The issuer gives no tokens.

    Attributes:
        code: why, of RFC 6749 and 8628: `invalid_grant`, `authorization_pending`, ...
    """

    exit_code = UnavailableError.exit_code

    def __init__(self, issuer: str, answer: dict[str, Any]) -> None:
        self.code = str(answer.get("error") or "no_answer")
        said = answer.get("error_description") or self.code
        super().__init__(f"{urlsplit(issuer).netloc} gives no token: {said}")


@dataclass(frozen=True, slots=True)
class Tokens:
    """What an issuer gave.

    Attributes:
        access: what the service wants to see.
        refresh: what another access token is had for; None where the issuer gives none.
        expires_at: when the access token ends, in seconds since 1970; None where the issuer does not say.
    """

    access: str
    refresh: str | None
    expires_at: float | None


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuer and its addresses.

    Attributes:
        url: its name, exactly as its tokens have it.
        token_endpoint: where tokens are had.
        authorization_endpoint: where a browser is sent; None if the issuer has none.
        device_endpoint: where a device asks for a code; None if the issuer has none.
    """

    url: str
    token_endpoint: str
    authorization_endpoint: str | None
    device_endpoint: str | None

    @classmethod
    def discover(cls, url: str) -> "Issuer":
        """Ask an issuer for its addresses.

        Raises:
            CommandError: it says nothing of the kind, names somebody else, or has an address that everybody could read.
            UnavailableError: it does not answer.
        """
        must_be_safe(url)
        document: dict[str, Any] = {}
        for path in _WELL_KNOWN:
            status, document = _ask("GET", url.rstrip("/") + path)
            if status == 200:  # noqa: PLR2004 - HTTP's "OK"
                break
        else:
            raise CommandError(f"{url} is no issuer of tokens: it has no {_WELL_KNOWN[0]}")
        if document.get("issuer") != url:
            raise CommandError(f"{url} calls itself {document.get('issuer')!r}: name it exactly so, or do not trust it")
        names = ("token_endpoint", "authorization_endpoint", "device_authorization_endpoint")
        token, authorization, device = (_endpoint(document, name) for name in names)
        if token is None:
            raise CommandError(f"{url} has no token_endpoint")
        return cls(url, token, authorization, device)

    def grant(self, **fields: str) -> Tokens:
        """Ask for tokens.

        Raises:
            GrantError: the issuer gives none.
            UnavailableError: it does not answer.
        """
        asked_at = time.time()
        _, answer = _ask("POST", self.token_endpoint, fields)
        access, lifetime, refresh = (answer.get(name) for name in ("access_token", "expires_in", "refresh_token"))
        if not isinstance(access, str) or not access.isascii() or not access.isprintable():
            raise GrantError(self.url, answer)
        return Tokens(
            access,
            refresh if isinstance(refresh, str) else fields.get("refresh_token"),  # RFC 6749, 6: the old one stays good
            asked_at + lifetime if isinstance(lifetime, int | float) else None,
        )

    def ask_for_device(self, **fields: str) -> dict[str, Any]:
        """Ask for the codes of a device (RFC 8628, 3.1).

        Raises:
            CommandError: the issuer lets no device in.
            UnavailableError: it does not answer.
        """
        if self.device_endpoint is None:
            raise CommandError(f"{self.url} lets nobody in by a device code: sign in where there is a browser")
        _, answer = _ask("POST", self.device_endpoint, fields)
        if not all(isinstance(answer.get(name), str) for name in ("device_code", "user_code", "verification_uri")):
            raise GrantError(self.url, answer)
        return answer


def _ask(method: str, url: str, fields: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
    """Return status and object; a redirect is not followed, since it could lead secrets elsewhere."""
    headers = {"Accept": "application/json", "User-Agent": "watchlist-cli"}
    if fields is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    body = None if fields is None else urlencode(fields).encode()
    try:
        with urllib3.PoolManager(timeout=_TIMEOUT, retries=False) as pool:
            response = pool.request(method, url, body=body, headers=headers, redirect=False, preload_content=False)
            content = response.read(_ANSWER_BYTES)
    except HTTPError as error:
        raise UnavailableError(f"{urlsplit(url).netloc} does not answer: {what_happened(error)}") from error
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        answer = None
    return response.status, answer if isinstance(answer, dict) else {}


def _endpoint(document: dict[str, Any], name: str) -> str | None:
    url = document.get(name)
    if not isinstance(url, str):
        return None
    must_be_safe(url)
    return url


def must_be_safe(url: str) -> None:
    """Let secrets go only where nobody reads along.

    Raises:
        CommandError: the address is neither https nor on this machine.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise CommandError(f"{url!r} is no address for secrets: https is (or http on this machine)")
