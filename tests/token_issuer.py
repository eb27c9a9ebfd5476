"""An issuer of tokens on loopback: it shows its public keys as OpenID Connect has it, and signs what a test wants."""

import base64
import hashlib
import hmac
import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from joserfc.jws import JWSRegistry

from tests.background_server import BackgroundServer

AUDIENCE = "watchlist"
WELL_KNOWN = "/.well-known/openid-configuration"


def new_key() -> RSAKey:
    """Return a key with an id."""
    return RSAKey.generate_key(2048, {"kid": uuid4().hex, "use": "sig", "alg": "RS256"})


class TokenIssuer(BackgroundServer):
    """Listens while its context is open.

    Attributes:
        url: what it calls itself, in its document and in tokens.
        key: what it signs with.
        shown: the keys that it publishes.
        answers: bodies, by path; a test may put other ones.
        requests: the paths that were asked for.
    """

    def __init__(self) -> None:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.requests.append(self.path)
                body = issuer.answers.get(self.path)
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_: Any) -> None:
                pass

        self.requests: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        super().__init__(self._server)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.answers = {WELL_KNOWN: json.dumps({"issuer": self.url, "jwks_uri": f"{self.url}/keys"}).encode()}
        self.rotate()

    @property
    def variables(self) -> dict[str, str]:
        """What makes the service accept this issuer's tokens."""
        return {"JWT_ISSUER": self.url, "JWT_AUDIENCE": f"another,{AUDIENCE}"}

    def rotate(self) -> None:
        """Sign with a new key from now on, and show it only."""
        self.key = new_key()
        self.answers["/keys"] = json.dumps(KeySet([self.key]).as_dict(private=False)).encode()

    def claims(self, subject: str, **changed: Any) -> dict[str, Any]:
        """Return the claims of a good token; a change to None leaves one out."""
        now = int(time.time())
        claims = {"iss": self.url, "aud": AUDIENCE, "sub": subject, "iat": now, "nbf": now, "exp": now + 600} | changed
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, subject: str, **changed: Any) -> str:
        """Return a token, good unless changed."""
        return sign(self.claims(subject, **changed), self.key)


def sign(claims: dict[str, Any], key: Any, **header: Any) -> str:
    """Return a token with these claims."""
    whole = {"alg": "RS256", "kid": key.kid} | header
    return jwt.encode(whole, claims, key, registry=JWSRegistry(algorithms=[whole["alg"]], strict_check_header=False))


def forge(header: dict[str, Any], claims: dict[str, Any], secret: bytes | None = None) -> str:
    """Return a token that no library would make: unsigned, or with a MAC (HMAC-SHA256) by `secret`."""
    signed = f"{encode(_json(header))}.{encode(_json(claims))}"
    signature = b"" if secret is None else hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{encode(signature)}"


def encode(part: bytes) -> str:
    """Return a part of a token as it is written."""
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
