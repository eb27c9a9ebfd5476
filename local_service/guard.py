"""Who may call the service: decided by a request's headers, before anything else looks at it.

A web page of another site can have its visitor's browser call this machine, directly (its `Origin` tells) or by a name
of its own that it lets point here (the `Host` tells). Neither may reach a service without tokens. The first may not
either where the browser knows the token as a password, which it shows unasked.

To a WebSocket not every browser shows a password. For it the page has a cookie, which is worth nothing elsewhere.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

LIVE_PATH = "/live"
"""Where the service's own page opens its WebSocket."""

_COOKIE = "watchlist-live"

CHALLENGE = 'Basic realm="Repository Watchlist", charset="UTF-8"'
"""Makes a browser ask for the token, as a password."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What is asked of each request.

    Attributes:
        port: of the API, whose own page may call.
        token: what each request has to show, as a bearer token or as the password of any user, or None.
        wants_tokens: whether an authorizer looks at each request's token afterwards.
    """

    port: int
    token: str | None = field(default=None, repr=False)
    wants_tokens: bool = False

    def refusal(self, headers: Mapping[str, str]) -> HTTPStatus | None:
        """Return with which status a request is refused, if it is.

        Args:
            headers: of the request, names in lower case.
        """
        if self.token is not None:
            authorization = headers.get("authorization", "")
            if not hmac.compare_digest(_token_in(authorization).encode(), self.token.encode()):
                return HTTPStatus.UNAUTHORIZED
            is_unasked = _is_password(authorization)
            return HTTPStatus.FORBIDDEN if is_unasked and not _is_of_the_same_site(headers) else None
        if self.wants_tokens:
            return None
        own = {f"http://{f'[{name}]' if ':' in name else name}:{self.port}" for name in LOOPBACK}
        is_own = is_local(headers.get("host", "")) and headers.get("origin", next(iter(own))) in own
        return None if is_own else HTTPStatus.FORBIDDEN

    def live_refusal(self, headers: Mapping[str, str]) -> HTTPStatus | None:
        """Return with which status a WebSocket is refused, if it is; the arguments are those of `refusal`."""
        shown = [part.strip() for part in headers.get("cookie", "").split(";")]
        known = self.token is not None and any(hmac.compare_digest(each.encode(), self._cookie()) for each in shown)
        return None if known and _is_of_the_same_site(headers) else self.refusal(headers)

    def live_cookie(self, headers: Mapping[str, str]) -> str | None:
        """Return the cookie to set for who was not refused and showed the token as a password, as a browser does."""
        if self.token is None or not _is_password(headers.get("authorization", "")):
            return None
        return f"{self._cookie().decode()}; Path={LIVE_PATH}; HttpOnly; SameSite=Strict"

    def _cookie(self) -> bytes:
        """Return name and value: what only who knows the token can compute, and from which nobody learns it."""
        value = hmac.new((self.token or "").encode(), _COOKIE.encode(), hashlib.sha256).hexdigest()
        return f"{_COOKIE}={value}".encode()


def is_local(host: str) -> bool:
    """Return whether a `Host` header names this machine as itself only."""
    try:
        return urlsplit(f"//{host}").hostname in LOOPBACK
    except ValueError:
        return False


def is_from_a_page(headers: Mapping[str, str]) -> bool:
    """Return whether a browser's page, or somebody by another name of this machine, calls what only programs call.

    Args:
        headers: of the request, names in lower case.
    """
    return "origin" in headers or not is_local(headers.get("host", ""))


def _is_of_the_same_site(headers: Mapping[str, str]) -> bool:
    """Return whether no page of another site calls: browsers name the page's origin wherever something could change.

    `Sec-Fetch-Site` knows better than a comparison, which a proxy that renames the host would make fail; browsers send
    it over https and on this machine only.
    """
    if "origin" not in headers:
        return True
    if "sec-fetch-site" in headers:
        return headers["sec-fetch-site"] == "same-origin"
    return headers["origin"].partition("://")[2] == headers.get("host")


def _is_password(authorization: str) -> bool:
    return authorization[:6].lower() == "basic "


def _token_in(authorization: str) -> str:
    scheme, _, credentials = authorization.partition(" ")
    match scheme.lower():
        case "bearer":
            return credentials.strip()
        case "basic":
            try:
                return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                return ""
        case _:
            return ""
