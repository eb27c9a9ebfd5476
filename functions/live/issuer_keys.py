"""The public keys of a token issuer: found by its discovery document, fetched when needed, kept for a while.

Shapes: OpenID Connect Discovery 1.0, section 4; JSON Web Key, RFC 7517, section 5.
"""

import contextlib
import json
import ssl
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from urllib3.exceptions import HTTPError

from watchlist import clock
from watchlist.timed_connection import Deadline, TimedConnection, TimedHTTPConnection, TimedHTTPSConnection

KEPT = timedelta(hours=1)
"""How long keys are believed: a key that the issuer withdraws is good for that much longer."""

ASKED_AGAIN_AFTER = timedelta(seconds=30)
"""How soon keys are fetched again for a token that names another: issuers change keys, and strangers make up ids."""

_SECONDS = 3.0
"""Of one request, all in all."""

_BYTES = 256 * 1024
_WELL_KNOWN = "/.well-known/openid-configuration"


class IssuerUnavailableError(Exception):
    """The issuer's keys cannot be had; the message says why."""


class IssuerKeys:
    """The keys of one issuer.

    Args:
        issuer: its URL, as its tokens name it. Plain HTTP is for an issuer on this machine, in tests.
        now: the clock.
    """

    def __init__(self, issuer: str, now: Callable[[], datetime] = clock.now) -> None:
        self._issuer = issuer
        self._now = now
        self._keys: KeySet | None = None
        self._fetched_at = self._asked_at = datetime.min.replace(tzinfo=UTC)

    def keys_for(self, key_id: str) -> KeySet:
        """Return the keys, fetched anew if they are old, or if the one is not among them.

        Raises:
            IssuerUnavailableError: there are none that may be believed.
        """
        if self._keys is None or self._now() - self._fetched_at >= KEPT:
            self._keys = None
            self._keys = self._fetch()
        elif all(key.kid != key_id for key in self._keys) and self._now() - self._asked_at >= ASKED_AGAIN_AFTER:
            with contextlib.suppress(IssuerUnavailableError):  # the known keys stay good
                self._keys = self._fetch()
        return self._keys

    def _fetch(self) -> KeySet:
        """Fetch the keys by way of the discovery document.

        Raises:
            IssuerUnavailableError: they cannot be had.
        """
        self._asked_at = self._now()
        described = _get(self._issuer.rstrip("/") + _WELL_KNOWN)
        if described.get("issuer") != self._issuer:
            raise IssuerUnavailableError("the discovery document is another issuer's")
        address = described.get("jwks_uri")
        if not isinstance(address, str) or urlsplit(address).scheme not in {"https", urlsplit(self._issuer).scheme}:
            raise IssuerUnavailableError("the discovery document names no safe jwks_uri")
        try:
            keys = KeySet.import_key_set(_get(address))  # type: ignore[arg-type] # it is what is checked here
        except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise IssuerUnavailableError("the issuer's keys cannot be read") from error
        self._fetched_at = self._asked_at
        return keys


def _get(url: str) -> dict[str, Any]:
    """Return the JSON object at `url`; no redirect is followed.

    Raises:
        IssuerUnavailableError: there is none, or not in time.
    """
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        connection = _connection(parts.scheme, parts.hostname or "", parts.port)
        with closing(connection), Deadline(connection, _SECONDS) as deadline:
            connection.request("GET", target, headers={"Accept": "application/json"}, preload_content=False)
            with connection.getresponse() as response:
                status, content = response.status, response.read(_BYTES + 1)
            is_whole = not deadline.is_over and len(content) <= _BYTES
    except (HTTPError, HTTPException, OSError, ValueError, AttributeError) as error:
        # AttributeError, ValueError: http.client's answer to a socket that was cut under it.
        raise IssuerUnavailableError(f"{parts.netloc} cannot be asked: {type(error).__name__}") from error
    if status != HTTPStatus.OK or not is_whole:
        raise IssuerUnavailableError(f"{parts.netloc} answered {status}, in time and in size: {is_whole}")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise IssuerUnavailableError(f"{parts.netloc} answered no JSON") from error
    if not isinstance(document, dict):
        raise IssuerUnavailableError(f"{parts.netloc} answered no object")
    return document


def _connection(scheme: str, host: str, port: int | None) -> TimedConnection:
    if scheme == "https":
        return TimedHTTPSConnection(host, port, timeout=_SECONDS, ssl_context=ssl.create_default_context())
    return TimedHTTPConnection(host, port, timeout=_SECONDS)
