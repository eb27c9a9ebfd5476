"""Serves a WSGI application over connections that stay open.

werkzeug's own server closes each connection after one request, so each call pays for a connection and a thread. Here a
connection has one thread and answers one request after another, until it is idle for long or the server is closed.
"""

import contextlib
import logging
import re
import socket
import struct
import sys
import threading
from collections.abc import Callable
from http import HTTPMethod, HTTPStatus
from http.client import HTTPMessage
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit, urlunsplit

from werkzeug.exceptions import ClientDisconnected
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wsgi import LimitedStream

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_IDLE_SECONDS = 75
"""How long a connection without a request is kept, and how long a sender or a receiver may pause."""

_UNREAD_BYTES = 1024 * 1024
"""Most of a request's body that is read after an answer that did not wait for it."""

_PASSED_BYTES = 64 * 1024

_WITHOUT_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}

_LINE_BYTES = 64 * 1024
_HEADER_LINES = 101

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE = re.compile(rf"({_NAME}) ([^\s\x00]+) (HTTP/1\.[01])")
_FIELD = re.compile(rf"({_NAME}):([^\x00\r\n]*)\r?\n")
_BLANK = " \t"
_LENGTH = re.compile(r"[0-9]{1,18}")

_LINE_ENDS = {b"\r\n", b"\n"}

_LOGGER = logging.getLogger(__name__)


class _HeadError(Exception):
    """A head that is none of HTTP, or too long."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status)
        self.status = status


class WsgiServer(ThreadedWSGIServer):
    """A server; `start` begins to serve on a thread, `close` ends that and all connections.

    Attributes:
        tunnels: where connections are handed on to that ask for another protocol at a path.
    """

    def __init__(
        self, application: "WSGIApplication", listening: socket.socket, handler: "type[Handler] | None" = None
    ) -> None:
        """Prepare a server.

        Args:
            application: answers the requests, several at once.
            listening: a socket that listens; it is taken over.
            handler: of the requests, if they are to be logged.
        """
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.tunnels: dict[str, tuple[str, int]] = {}
        host, port = listening.getsockname()[:2]
        super().__init__(host, port, application, handler or Handler, fd=listening.fileno())
        listening.close()

    def start(self) -> None:
        """Serve from now on."""
        self._thread = threading.Thread(target=self.serve_forever, name=f"port {self.port}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving and listening; what is being answered is cut off."""
        with contextlib.suppress(OSError):  # macOS has no such thing for a socket that listens
            self.socket.shutdown(socket.SHUT_RDWR)  # the thread need not wait for its next look
        if self._thread is not None:
            self.shutdown()
            self._thread.join()
        self.server_close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):  # it has ended just now
                connection.shutdown(socket.SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's own
        """Remember the connection, and serve it on a thread of its own."""
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - socketserver's own
        """Close the connection, and forget it."""
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, _request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's own
        """Say in the log why no request could be answered."""
        _LOGGER.error("the connection of %s broke off: %s", client_address, sys.exception())


class Handler(WSGIRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = _IDLE_SECONDS
    raw_requestline: bytes

    def finish(self) -> None:
        """Let go of the connection, also where the last words no longer reach its client."""
        with contextlib.suppress(OSError):
            self.wfile.close()
        self.rfile.close()

    def handle_expect_100(self) -> bool:
        """Let a client that asks first send its body, at once: it waits for that."""
        goes_on = super().handle_expect_100()
        self.wfile.flush()
        return goes_on

    def parse_request(self) -> bool:
        """Read a request's head; whether there is one to answer.

        The standard library takes the header for an e-mail's: that takes several times as long, and lets through what
        HTTP does not (RFC 9112, section 5).
        """
        self.command, self.close_connection = "", True
        self.request_version = self.protocol_version
        try:
            if not self._read_request_line():
                return False
            self.headers = self._header()
            self._resolve_target()
        except _HeadError as error:
            self.send_error(error.status)
            return False
        if self.request_version == self.protocol_version:
            self.close_connection = "close" in self._listed("Connection")
            if self.headers.get("Expect", "").lower() == "100-continue":
                return self.handle_expect_100()
        return True

    def _read_request_line(self) -> bool:
        """Read method, target and version; whether there are any."""
        if self.raw_requestline in _LINE_ENDS:  # some clients send one after a body (RFC 9112, section 2.2)
            self.raw_requestline = self.rfile.readline(_LINE_BYTES + 1)
            if len(self.raw_requestline) > _LINE_BYTES:
                raise _HeadError(HTTPStatus.REQUEST_URI_TOO_LONG)
        self.requestline = self.raw_requestline.decode("latin-1").rstrip("\r\n")
        if not self.requestline:
            return False
        line = _REQUEST_LINE.fullmatch(self.requestline)
        if line is None:
            raise _HeadError(HTTPStatus.BAD_REQUEST)
        self.command, self.path, self.request_version = line.groups()
        return True

    def _header(self) -> HTTPMessage:
        header = HTTPMessage()
        for _ in range(_HEADER_LINES):
            line = self.rfile.readline(_LINE_BYTES + 1)
            if len(line) > _LINE_BYTES:
                break
            if line in _LINE_ENDS:
                return header
            field = _FIELD.fullmatch(line.decode("latin-1"))
            if field is None:
                raise _HeadError(HTTPStatus.BAD_REQUEST)
            name, value = field.groups()
            header.add_header(name, value.strip(_BLANK))
        raise _HeadError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def _resolve_target(self) -> None:
        """Take the host out of an absolute target, which counts more than the field (RFC 9112, section 3.2)."""
        hosts = self.headers.get_all("Host", [])
        if len(hosts) > 1 or (not hosts and self.request_version == self.protocol_version):
            raise _HeadError(HTTPStatus.BAD_REQUEST)
        if self.path.startswith("//"):
            self.path = f"/{self.path.lstrip('/')}"  # it is no address of another host
        try:
            address = urlsplit(self.path)
        except ValueError as error:
            raise _HeadError(HTTPStatus.BAD_REQUEST) from error
        if address.scheme and address.netloc:
            self.path = urlunsplit(("", "", f"/{address.path.lstrip('/')}", address.query, ""))
            del self.headers["Host"]
            self.headers.add_header("Host", address.netloc)

    def _listed(self, name: str) -> list[str]:
        """Return what all fields of that name list, in lower case."""
        values = ",".join(self.headers.get_all(name, [])).lower().split(",")
        return [value for each in values if (value := each.strip(_BLANK))]

    def run_wsgi(self) -> None:
        """Answer one request; the connection stays open for the next unless the request's end is unknown."""
        tunnels = cast("WsgiServer", self.server).tunnels
        address = tunnels.get(self.path.partition("?")[0]) if "Upgrade" in self.headers else None
        if address is not None:
            self.close_connection = True
            self._hand_on(address)
            return
        self.environ = self.make_environ()
        length, *others = set(self.headers.get_all("Content-Length", ["0"]))
        if "Transfer-Encoding" in self.headers:
            self.close_connection = True  # with a length besides one of the two would lie
            if self._listed("Transfer-Encoding") == ["chunked"]:
                self._answer()
            else:
                self.send_error(HTTPStatus.BAD_REQUEST)  # nothing says where its body ends
        elif _LENGTH.fullmatch(length) and not others:
            body = self.environ["wsgi.input"] = LimitedStream(cast("IO[bytes]", self.rfile), int(length))
            self._answer()
            self.close_connection = self.close_connection or not _drain(body)
        else:
            self.close_connection = True  # no length says where the next request begins
            self.send_error(HTTPStatus.BAD_REQUEST)

    def _hand_on(self, address: tuple[str, int]) -> None:
        """Let the client talk with whoever listens there, from this request on, until one of them hangs up."""
        line = f"{self.command} {self.path} {self.request_version}\r\n"
        head = line + "".join(f"{name}: {value}\r\n" for name, value in self.headers.items()) + "\r\n"
        try:
            reached = socket.create_connection(address)
        except OSError as error:
            _LOGGER.error("%s cannot be handed on to %s: %s", self.path.partition("?")[0], address, error)  # noqa: TRY400 - the other's failure, no defect
            self.send_error(HTTPStatus.BAD_GATEWAY)
            return
        self.connection.settimeout(None)  # who says nothing for long is still there
        # Who takes nothing for long is not. Python's own timeout would count for what is read as well.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", _IDLE_SECONDS, 0))
        with reached as other:
            other.sendall(head.encode("latin-1"))
            back = threading.Thread(
                target=_pass_on, args=(lambda: other.recv(_PASSED_BYTES), self.connection), daemon=True
            )
            back.start()
            _pass_on(lambda: self.rfile.read1(_PASSED_BYTES), other)
            back.join()

    def _answer(self) -> None:
        """Send what the application says; what it says before a ConnectionError is sent, and the connection ends."""
        said: list[tuple[str, list[tuple[str, str]]]] = []
        content = bytearray()

        def start_response(status: str, headers: list[tuple[str, str]], _error: object = None) -> Any:  # noqa: ANN401 - WSGI's write()
            said.append((status, headers))
            return content.extend

        try:
            chunks = self.server.app(self.environ, start_response)
            with contextlib.ExitStack() as answering:
                if hasattr(chunks, "close"):
                    answering.callback(chunks.close)
                for chunk in chunks:
                    content += chunk
        except ClientDisconnected:  # or its body is not framed as it says, which werkzeug does not tell apart
            self.close_connection = True
            said, content = [("400 BAD REQUEST", [])], bytearray()
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        except Exception:
            _LOGGER.exception("%s", self.requestline)
            said, content = [("500 INTERNAL SERVER ERROR", [])], bytearray()
        if said:
            self._send(*said[-1], bytes(content))

    def _send(self, status: str, headers: list[tuple[str, str]], content: bytes) -> None:
        number, _, phrase = status.partition(" ")
        has_body = int(number) not in _WITHOUT_BODY
        self.send_response(int(number), phrase)
        for name, value in headers:
            self.send_header(name, value)
        names = {name.lower() for name, _ in headers}
        if has_body and "content-length" not in names:
            self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if has_body and self.command != HTTPMethod.HEAD:
            self.wfile.write(content)
        self.wfile.flush()

    def log(self, _type: str, message: str, *args: object) -> None:
        """Log as the rest of the service does what is no answer, as that a connection was idle for too long."""
        _LOGGER.debug(message, *args)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing of requests that are answered; they are many."""


def _pass_on(read: Callable[[], bytes], to: socket.socket) -> None:
    """Send on what is read until it ends, and say that it has."""
    with contextlib.suppress(OSError):  # one of them broke off, which the other one is told
        while more := read():
            to.sendall(more)
    with contextlib.suppress(OSError):
        to.shutdown(socket.SHUT_RDWR)


def _drain(body: LimitedStream) -> bool:
    """Read the rest of a request's body; return whether the next request can follow."""
    left = body.limit - body.tell()
    return left <= _UNREAD_BYTES and len(body.read(left)) == left
