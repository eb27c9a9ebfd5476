"""An HTTP server on loopback that answers whatever a test tells it to."""

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from dulwich.protocol import pkt_line

Respond = Callable[[BaseHTTPRequestHandler], None]

HEAD = "1" * 40
ADVERTISEMENT = pkt_line(b"version 2\n") + pkt_line(b"ls-refs=unborn\n") + pkt_line(b"fetch=shallow filter\n") + b"0000"
REFS = pkt_line(f"{HEAD} HEAD symref-target:refs/heads/main\n".encode()) + b"0000"


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Stay quiet: a client that hangs up is normal here."""


class HostileServer:
    """Runs while its context is open; `url` is a repository's URL.

    Attributes:
        stopping: set when the server ends; endless answers watch it.
    """

    def __init__(self, respond: Respond, *, certificate: Path | None = None) -> None:
        """Prepare; with the file of a key and its certificate, the server speaks TLS."""
        self.stopping = threading.Event()
        self.requests: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.requests.append(self.path)
                with contextlib.suppress(OSError):
                    respond(self)

            def do_POST(self) -> None:
                self.body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                self.do_GET()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.port = self._server.server_address[1]
        self.origin = f"http{'' if certificate is None else 's'}://127.0.0.1:{self.port}"
        if certificate is not None:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate)
            # shaking hands is left to the connection's thread
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"{self.origin}/owner/name"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()


def reply(
    handler: BaseHTTPRequestHandler,
    body: bytes | Iterable[bytes] = b"",
    *,
    status: int = 200,
    content_type: str | None = None,
    location: str | None = None,
) -> None:
    """Answer with `body`, as git's server would unless told otherwise."""
    kind = "result" if handler.command == "POST" else "advertisement"
    handler.send_response(status)
    handler.send_header("Content-Type", content_type or f"application/x-git-upload-pack-{kind}")
    if location is not None:
        handler.send_header("Location", location)
    if isinstance(body, bytes):
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        return
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    for chunk in body:
        handler.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
    handler.wfile.write(b"0\r\n\r\n")


def repository_whose_fetch_says(answer: Callable[[], Iterable[bytes]]) -> Respond:
    """Behave well until a pack is asked for; then send `answer()`."""

    def respond(handler: BaseHTTPRequestHandler) -> None:
        if handler.command == "GET":
            reply(handler, ADVERTISEMENT)
        elif b"command=ls-refs" in getattr(handler, "body", b""):
            reply(handler, REFS)
        else:
            reply(handler, answer())

    return respond


def in_side_band(pack: Iterable[bytes]) -> Iterator[bytes]:
    """Wrap a pack as protocol version 2 does."""
    yield pkt_line(b"packfile\n")
    for chunk in pack:
        for start in range(0, len(chunk), 60_000):
            yield pkt_line(b"\x01" + chunk[start : start + 60_000])
    yield b"0000"
