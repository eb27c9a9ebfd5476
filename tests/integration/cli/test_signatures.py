"""Requests that are signed for IAM, checked by a server that computes the signature itself."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest
from watchlist_cli.client import Client
from watchlist_cli.errors import NotAllowedError, UnavailableError
from watchlist_cli.profile import Profile

from tests.background_server import BackgroundServer

KEY_ID, SECRET, SESSION_TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "session/token+=="
REGION = "eu-west-1"
NOTHING_WATCHED: dict[str, Any] = {"items": [], "next_cursor": None, "totals": {"alerts_complete": True}}
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<scope>(?P<day>\d{8})/(?P<region>[^/]+)/execute-api/aws4_request), "
    r"SignedHeaders=(?P<headers>[^,]+), Signature=(?P<signature>[0-9a-f]{64})"
)


class SignatureServer(BackgroundServer):
    """Answers 200 where the signature is right, as "Create a signed AWS API request" (IAM user guide) has it, else 403.

    Attributes:
        secret: of the one key that it knows.
        seen: method, target and body of each request that was let in.
    """

    def __init__(self) -> None:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): " ".join(value.split()) for name, value in self.headers.items()}
                is_right = server.is_right(self.command, self.path, headers, body)
                if is_right:
                    server.seen.append((self.command, self.path, body))
                self.send_response(200 if is_right else 403)
                self.end_headers()
                self.wfile.write(json.dumps(NOTHING_WATCHED if is_right else {"message": "Forbidden"}).encode())

            do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 - as the library wants them

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        super().__init__(self._server)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.secret = SECRET
        self.seen: list[tuple[str, str, bytes]] = []

    def is_right(self, method: str, target: str, headers: dict[str, str], body: bytes) -> bool:
        """Compute the signature anew from what arrived."""
        found = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
        if found is None or found["key"] != KEY_ID or found["region"] != REGION:
            return False
        names = found["headers"].split(";")
        if not {"host", "x-amz-date", "x-amz-security-token"} <= {*names}:
            return False
        path, _, query = target.partition("?")
        pairs = sorted(
            (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
            for name, value in parse_qsl(query, keep_blank_values=True)
        )
        request = "\n".join(
            [
                method,
                quote(path, safe="/-_.~"),  # the path as it is sent, encoded once more
                "&".join(f"{name}={value}" for name, value in pairs),
                *(f"{name}:{headers[name]}" for name in names),
                "",
                found["headers"],
                hashlib.sha256(body).hexdigest(),
            ]
        )
        digest = hashlib.sha256(request.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{found['scope']}\n{digest}"
        key = f"AWS4{self.secret}".encode()
        for part in (found["day"], REGION, "execute-api", "aws4_request", text):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.compare_digest(key.hex(), found["signature"])


@pytest.fixture
def server() -> Iterator[SignatureServer]:
    with SignatureServer() as running:
        yield running


@pytest.fixture
def client(server: SignatureServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Client:
    """Somebody with usual AWS credentials in the environment."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_SESSION_TOKEN": SESSION_TOKEN,
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    return Client(Profile(url=server.url, live_url=None, user="ada", region=REGION))


def test_every_kind_of_request_carries_a_right_signature(client: Client, server: SignatureServer) -> None:
    client.get(
        "/activity/watchlist", user="Ada Lovelace+x@example.org", text="a/b c&d=é", verdict="gone,failing", sort=""
    )
    client.get("/activity/watchlist/watchlist_a b_ü%2F~(1)/status")
    client.send(
        "POST", "/activity/user-watchlist-added/batch", {"items": [{"repo_url": "pallets/flask", "notes": "ü"}]}
    )
    client.send("PATCH", "/activity/alerts/alert_1/resolve")
    client.send("DELETE", "/activity/user-watchlist/user_1")
    assert list(client.watched()) == []

    assert [method for method, _, _ in server.seen] == ["GET", "GET", "POST", "PATCH", "DELETE", "GET"]
    assert json.loads(server.seen[2][2])["items"][0]["notes"] == "ü"


def test_a_signature_by_another_key_is_refused_and_said_to_be(client: Client, server: SignatureServer) -> None:
    server.secret = "another"
    with pytest.raises(NotAllowedError, match="Forbidden"):
        client.get("/activity/watchlist")


def test_who_has_no_credentials_is_told(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    with pytest.raises(UnavailableError, match="no AWS credentials"):
        client.get("/activity/watchlist")
