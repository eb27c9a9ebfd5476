"""Where a WebSocket client puts its token: into a header, or, as browsers let pages set none, into a subprotocol.

A page opens `new WebSocket(url, ["repository-watchlist", "bearer." + token])`. The service picks the first, so that the
token is not sent back. It is not taken from the URL, which ends up in histories, logs and proxies (RFC 6750, 5.3).
"""

from collections.abc import Mapping
from typing import Any

SUBPROTOCOL = "repository-watchlist"
"""What a client that offers subprotocols must offer; it names the messages, which are those of docs/live-status.md."""

_TOKEN_PREFIX = "bearer."  # noqa: S105 - no token, but how one is marked
_SCHEME = "bearer "


def token_of(event: Mapping[str, Any]) -> str | None:
    """Return the token of a request to open a WebSocket, None if it has none."""
    authorization = _header(event, "authorization")
    if authorization is not None:
        is_marked = authorization.lower().startswith(_SCHEME)
        return authorization[len(_SCHEME) :].strip() if is_marked else authorization.strip()
    offered = (name for name in offered_subprotocols(event) if name.startswith(_TOKEN_PREFIX))
    return next((name.removeprefix(_TOKEN_PREFIX) for name in offered), None)


def offered_subprotocols(event: Mapping[str, Any]) -> list[str]:
    """Return the subprotocols that a client offers, in its order."""
    return [name.strip() for name in (_header(event, "sec-websocket-protocol") or "").split(",") if name.strip()]


def _header(event: Mapping[str, Any], wanted: str) -> str | None:
    """Return a header by its name in lower case; API Gateway hands on names as they were written."""
    headers: Mapping[str, str] = event.get("headers") or {}
    return next((value for name, value in headers.items() if name.lower() == wanted), None)
