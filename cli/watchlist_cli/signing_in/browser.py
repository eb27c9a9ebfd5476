"""Signing in by a browser on this machine: authorisation code with PKCE and a loopback redirect (RFC 7636, RFC 8252).

oauthlib would refuse the redirect, which is http by its nature.
"""

import base64
import hashlib
import secrets
import threading
import time
import webbrowser
from collections.abc import Callable
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from watchlist_cli.errors import CommandError, StillProcessingError
from watchlist_cli.signing_in.issuer import GrantError, Issuer, Tokens

_PATH = "/callback"
_PATIENCE_SECONDS = 300
_TURN_SECONDS = 1


def sign_in(issuer: Issuer, client_id: str, scope: str, say: Callable[[str], None]) -> Tokens:
    """Send the person's browser to the issuer and wait until it comes back.

    Args:
        issuer: who signs them in.
        client_id: this command's at the issuer: a public client that is redirected to http://127.0.0.1 on any port.
        scope: what is asked for.
        say: tells the person something.

    Raises:
        CommandError: the issuer has no such way in.
        GrantError: the issuer gives no tokens, or the person said no.
        StillProcessingError: nobody came back in five minutes.
        UnavailableError: the issuer does not answer.
    """
    if issuer.authorization_endpoint is None:
        raise CommandError(f"{issuer.url} has no authorization_endpoint: try --device")
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    with _Waiting(state) as waiting:
        asked = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": waiting.url,
            "scope": scope,
            "state": state,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        separator = "&" if urlsplit(issuer.authorization_endpoint).query else "?"
        url = f"{issuer.authorization_endpoint}{separator}{urlencode(asked)}"
        say(f"Sign in with your browser: {url}")
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()  # some return when they are closed
        answer = waiting.answer(_PATIENCE_SECONDS)
    if answer.get("iss", issuer.url) != issuer.url:  # RFC 9207: somebody mixes issuers up
        raise CommandError(f"the browser came back from {answer['iss']!r}, not from {issuer.url}")
    if "code" not in answer:
        raise GrantError(issuer.url, answer)
    return issuer.grant(
        grant_type="authorization_code",
        code=answer["code"],
        redirect_uri=waiting.url,
        client_id=client_id,
        code_verifier=verifier,
    )


class _Waiting(HTTPServer):
    """Listens on loopback for the browser's one way back; requests without our state are nobody's."""

    def __init__(self, state: str) -> None:
        super().__init__(("127.0.0.1", 0), _Callback)
        self.state = state
        self.timeout = _TURN_SECONDS
        self.url = f"http://127.0.0.1:{self.server_port}{_PATH}"
        self.come_back: dict[str, str] | None = None

    def answer(self, seconds: float) -> dict[str, str]:
        deadline = time.monotonic() + seconds
        while self.come_back is None:
            if time.monotonic() > deadline:
                raise StillProcessingError("nobody has signed in by now: call `watchlist login` again")
            self.handle_request()
        return self.come_back

    def handle_error(self, *_: object) -> None:
        """A browser may hang up whenever it likes."""


class _Callback(BaseHTTPRequestHandler):
    server: _Waiting
    timeout = 5
    """A connection that a browser opens in advance says nothing."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path != _PATH or not secrets.compare_digest(
            query.get("state", "").encode(), self.server.state.encode()
        ):
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.server.come_back = query
        said = "You are signed in." if "code" in query else f"You are not signed in: {query.get('error')}."
        body = f"<!doctype html><meta charset=utf-8><title>watchlist</title><p>{escape(said)} You can close this page."
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body.encode())))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Write nothing down: the address has the code."""


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
