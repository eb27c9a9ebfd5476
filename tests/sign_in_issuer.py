"""An issuer that signs people in as OpenID Connect has it: codes with PKCE, codes of devices, refresh tokens."""

import base64
import hashlib
import json
import secrets
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc.jwk import KeySet

from tests.background_server import BackgroundServer
from tests.token_issuer import WELL_KNOWN, new_key, sign

CLIENT = "page"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class SignInIssuer(BackgroundServer):
    """Signs everybody in as `subject`, without asking; listens while its context is open.

    Attributes:
        url: what it calls itself.
        subject: who the next person is.
        lifetime: seconds for which the first access token of a sign-in is good; negative if it has expired already.
        told_lifetime: seconds that it says a token is good for.
        grants: the kinds of grant that were asked for.
        refuses: whether it sends people back with an error.
        device_answers: what devices are told before they get tokens: `authorization_pending`, `slow_down`, ...
        rotates: whether a refresh token is good once.
        asked_at: when each request for tokens came, by a steady clock.
    """

    def __init__(self) -> None:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                if parts.path == "/authorize":
                    self._answer(302, b"", Location=issuer.send_back(query))
                elif parts.path in {WELL_KNOWN, "/keys"}:
                    self._answer(200, json.dumps(issuer.document if parts.path == WELL_KNOWN else issuer.keys).encode())
                else:
                    self._answer(404, b"{}")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                asked = {name: values[0] for name, values in parse_qs(body).items()}
                answer = issuer.begin_device(asked) if self.path == "/device" else issuer.grant(asked)
                self._answer(400 if "error" in answer else 200, json.dumps(answer).encode())

            def _answer(self, status: int, body: bytes, **headers: str) -> None:
                self.send_response(status)
                for name, value in {
                    "Content-Type": "application/json",
                    "Content-Length": str(len(body)),
                    "Access-Control-Allow-Origin": "*",
                    **headers,
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        super().__init__(self._server)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.subject = "ada"
        self.lifetime = 600
        self.told_lifetime = 600
        self.grants: list[str] = []
        self.refuses = False
        self.device_answers: list[str] = []
        self.rotates = False
        self.asked_at: list[float] = []
        self._key = new_key()
        self._codes: dict[str, dict[str, str]] = {}
        self._devices: set[str] = set()
        self._refresh_tokens: set[str] = set()
        self.keys = KeySet([self._key]).as_dict(private=False)
        self.document = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "device_authorization_endpoint": f"{self.url}/device",
            "jwks_uri": f"{self.url}/keys",
            "scopes_supported": ["openid", "profile", "offline_access"],
        }

    @property
    def variables(self) -> dict[str, str]:
        """What makes the service accept its tokens, and the page ask for them."""
        return {"JWT_ISSUER": self.url, "JWT_AUDIENCE": CLIENT, "PAGE_CLIENT_ID": CLIENT}

    def send_back(self, asked: dict[str, str]) -> str:
        """Return where a person goes after they have signed in."""
        if self.refuses:
            answer = {"error": "access_denied", "error_description": "not today", "state": asked["state"]}
        else:
            code = secrets.token_urlsafe(12)
            self._codes[code] = asked
            answer = {"code": code, "state": asked["state"]}
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    def begin_device(self, asked: dict[str, str]) -> dict[str, Any]:
        """Answer a device that wants a code (RFC 8628, 3.2)."""
        if asked.get("client_id") != CLIENT:
            return {"error": "invalid_client"}
        code = secrets.token_urlsafe(12)
        self._devices.add(code)
        return {
            "device_code": code,
            "user_code": "WDJB-MJHT",
            "verification_uri": f"{self.url}/activate",
            "verification_uri_complete": f"{self.url}/activate?user_code=WDJB-MJHT",
            "expires_in": 600,
            "interval": 0.1,
        }

    def grant(self, asked: dict[str, str]) -> dict[str, Any]:
        """Answer a request for tokens."""
        self.grants.append(asked["grant_type"])
        self.asked_at.append(time.monotonic())
        if asked["grant_type"] == "refresh_token":
            if asked["refresh_token"] not in self._refresh_tokens:
                return {"error": "invalid_grant"}
            if self.rotates:
                self._refresh_tokens.remove(asked["refresh_token"])
            return self._tokens(None, 600)
        if asked["grant_type"] == DEVICE_GRANT:
            return self._grant_device(asked)
        begun = self._codes.pop(asked["code"], None)
        if (
            begun is None
            or begun["redirect_uri"] != asked["redirect_uri"]
            or not _proves(begun, asked["code_verifier"])
        ):
            return {"error": "invalid_grant"}
        return self._tokens(begun.get("nonce"), self.lifetime)

    def _grant_device(self, asked: dict[str, str]) -> dict[str, Any]:
        if asked["device_code"] not in self._devices or asked.get("client_id") != CLIENT:
            return {"error": "invalid_grant"}
        if self.device_answers:
            return {"error": self.device_answers.pop(0)}
        self._devices.remove(asked["device_code"])
        return self._tokens(None, self.lifetime)

    def end_sign_ins(self) -> None:
        """Take all refresh tokens back."""
        self._refresh_tokens.clear()

    def _tokens(self, nonce: str | None, lifetime: int) -> dict[str, Any]:
        refresh_token = secrets.token_urlsafe(12)
        self._refresh_tokens.add(refresh_token)
        return {
            "access_token": sign(self._claims(lifetime), self._key),
            "token_type": "Bearer",
            "expires_in": self.told_lifetime,
            "refresh_token": refresh_token,
            "id_token": sign(
                self._claims(600) | {"name": "Ada Lovelace"} | ({"nonce": nonce} if nonce else {}), self._key
            ),
        }

    def _claims(self, lifetime: int) -> dict[str, Any]:
        now = int(time.time())
        return {"iss": self.url, "aud": CLIENT, "sub": self.subject, "iat": now - 900, "exp": now + lifetime}


def _proves(begun: dict[str, str], verifier: str) -> bool:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == begun["code_challenge"]
