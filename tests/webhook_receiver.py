"""A receiver of webhooks as people run one: it speaks TLS, and believes a call only by its signature."""

import base64
import hashlib
import hmac
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.background_server import BackgroundServer
from tests.certificates import write_certificate
from watchlist.notifications.digest_message import DigestMessage

HOST = "hooks.example.org"
URL = f"https://{HOST}/watchlist?from=test"

_OLDEST = 300
"""Seconds after which a receiver refuses a call, as Standard Webhooks advises."""


@dataclass(frozen=True)
class Call:
    """One call that the receiver got; names of headers in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    def is_signed_with(self, secret: str) -> bool:
        """Whether the call proves that its sender knows the secret, and is recent (Standard Webhooks 1.0.0)."""
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        sent_at = self.headers["webhook-timestamp"]
        signed = f"{self.headers['webhook-id']}.{sent_at}.".encode() + self.body
        signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return self.headers["webhook-signature"] == f"v1,{signature}" and abs(time.time() - int(sent_at)) < _OLDEST

    @property
    def digest(self) -> DigestMessage:
        """The body, which must be what docs/notifications.md shows."""
        return DigestMessage.model_validate_json(self.body)


@dataclass
class Receiver(BackgroundServer):
    """Listens on 127.0.0.1 as `HOST` while its context is open, and answers with `status`.

    Attributes:
        directory: for its certificate.
        status: of every answer.
        retry_after: the header of every answer; None for none.
        answer: the body of every answer.
        before_answer: called with each call before it is answered.
        calls: all so far.
    """

    directory: Path
    status: int = 204
    retry_after: str | None = None
    answer: bytes = b""
    before_answer: Callable[[Call], object] = lambda _: None
    calls: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._certificate = write_certificate(self.directory / "receiver.pem", HOST)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        super().__init__(self._server)

    @property
    def variables(self) -> dict[str, str]:
        """What makes the service call this receiver, whatever host a webhook names."""
        return {
            "WEBHOOK_LOOPBACK_PORT": str(self._server.server_port),
            "WEBHOOK_LOOPBACK_AUTHORITIES": str(self._certificate),
        }

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                call = Call(self.path, headers, body)
                receiver.calls.append(call)
                receiver.before_answer(call)
                self.send_response(receiver.status)
                self.send_header("Location", "/elsewhere")
                if receiver.retry_after is not None:
                    self.send_header("Retry-After", receiver.retry_after)
                self.send_header("Content-Length", str(len(receiver.answer)))
                self.end_headers()
                self.wfile.write(receiver.answer)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler
