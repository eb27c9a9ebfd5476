"""Serves a WSGI application over connections that stay open.

werkzeug's own server closes each connection after one request, so each call pays for a connection and a thread. Here a
connection has one thread and answers one request after another, until it is idle for long or the server is closed.

Nobody can keep others out by being slow: a request has to come, and its answer to be taken, at some speed, and where
there are too many connections, the one whose client has been waited for the longest makes room.
"""

import contextlib
import errno
import logging
import math
import re
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from http import HTTPMethod, HTTPStatus
from http.client import HTTPMessage
from io import BufferedReader, BufferedWriter
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit, urlunsplit

from werkzeug.exceptions import ClientDisconnected
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wsgi import LimitedStream

from local_service.chunked_body import ChunkedBody, FramingError
from local_service.patience import PatientStream

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_IDLE_SECONDS = 75
"""How long a connection without a request is kept."""

_SLOW_SECONDS = 30
"""How long a client may keep the server waiting within a request, and within answers."""

_MOST_CONNECTIONS = 256
"""With those that are handed on, which have three descriptors each, fewer than a process has by default."""

_FULL = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

_NO_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_NO_ROOM_SECONDS = 0.1

_UNREAD_BYTES = 1024 * 1024
"""Most of a request's body that is read after an answer that did not wait for it."""

_PASSED_BYTES = 64 * 1024

_WITHOUT_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}

_HEAD_BYTES = 64 * 1024
_HEADER_LINES = 101

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE = re.compile(rf"({_NAME}) ([^\s\x00]+) (HTTP/1\.[01])")
_FIELD = re.compile(rf"({_NAME}):([^\x00\r\n]*)\r?\n")
_BLANK = " \t"
_LENGTH = re.compile(r"[0-9]{1,18}")

_LINE_ENDS = {b"\r\n", b"\n"}

_LOGGER = logging.getLogger(__name__)


class _HeadError(Exception):
    """A head that is none of HTTP, too long, or too slow."""

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
        self._waiting_since: dict[socket.socket, float | None] = {}
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
            connections = list(self._waiting_since)
        for connection in connections:
            _hang_up(connection)

    def get_request(self) -> tuple[Any, Any]:
        """Accept a connection; where there is no room for one, make some."""
        try:
            return super().get_request()
        except OSError as error:
            if error.errno in _NO_ROOM:
                with self._lock:
                    self._make_room()
                time.sleep(_NO_ROOM_SECONDS)  # else it would be tried again at once, and again
            raise

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's own
        """Serve the connection on a thread of its own, or say that there are too many."""
        with self._lock:
            if len(self._waiting_since) >= _MOST_CONNECTIONS:
                self._make_room()
            is_full = len(self._waiting_since) >= _MOST_CONNECTIONS
            if not is_full:
                self._waiting_since[request] = time.monotonic()
        if is_full:
            with contextlib.suppress(OSError):
                request.settimeout(0)
                request.send(_FULL)
            self.shutdown_request(request)
        else:
            super().process_request(request, client_address)

    def note(self, connection: socket.socket, waiting_since: float | None) -> None:
        """Note since when a connection waits for its client; None while it does not."""
        with self._lock:
            if connection in self._waiting_since:  # else it had to make room
                self._waiting_since[connection] = waiting_since

    def _make_room(self) -> None:
        """Hang up on the client that has been waited for the longest, if there is one."""
        waiting = [(since, connection) for connection, since in self._waiting_since.items() if since is not None]
        if waiting:
            _, connection = min(waiting, key=lambda each: each[0])
            del self._waiting_since[connection]
            _hang_up(connection)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - socketserver's own
        """Close the connection, and forget it."""
        with self._lock:
            self._waiting_since.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, _request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's own
        """Say in the log why no request could be answered."""
        _LOGGER.error("the connection of %s broke off: %s", client_address, sys.exception())


class Handler(WSGIRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    rfile: BufferedReader

    def setup(self) -> None:
        """Prepare to read requests and write answers, with patience for both."""
        self.connection = self.request
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._server = cast("WsgiServer", self.server)
        note = partial(self._server.note, self.connection)
        self._incoming = PatientStream(self.connection, note, _IDLE_SECONDS)
        self.rfile = BufferedReader(self._incoming)
        self.wfile = BufferedWriter(PatientStream(self.connection, note, _SLOW_SECONDS))

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

    def handle_one_request(self) -> None:
        """Wait for a request, and answer it."""
        self.close_connection = True
        self._incoming.allow(_IDLE_SECONDS)
        if self.rfile.peek(1):
            self._incoming.allow(_SLOW_SECONDS)
            if self.parse_request():
                self.run_wsgi()

    def parse_request(self) -> bool:
        """Read a request's head; whether there is one to answer.

        The standard library takes the header for an e-mail's: that takes several times as long, and lets through what
        HTTP does not (RFC 9112, section 5).
        """
        self.command, self.requestline, self.close_connection = "", "", True
        self.request_version = self.protocol_version
        try:
            if not self._read_head():
                return False
        except _HeadError as error:
            self.send_error(error.status)
            return False
        except TimeoutError:
            self.send_error(HTTPStatus.REQUEST_TIMEOUT)
            return False
        if self.request_version == self.protocol_version:
            self.close_connection = "close" in self._listed("Connection")
            if self.headers.get("Expect", "").lower() == "100-continue":
                return self.handle_expect_100()
        return True

    def _read_head(self) -> bool:
        """Read all that comes before the body; whether there is anything."""
        self._head_bytes_left = _HEAD_BYTES
        line = self._line(HTTPStatus.REQUEST_URI_TOO_LONG)
        if line in _LINE_ENDS:  # some clients send one after a body (RFC 9112, section 2.2)
            line = self._line(HTTPStatus.REQUEST_URI_TOO_LONG)
        self.requestline = line.decode("latin-1").rstrip("\r\n")
        if not self.requestline:
            return False
        parts = _REQUEST_LINE.fullmatch(self.requestline)
        if parts is None:
            raise _HeadError(HTTPStatus.BAD_REQUEST)
        self.command, self.path, self.request_version = parts.groups()
        self.headers = self._header()
        self._resolve_target()
        self._body = self._framed_body()
        return True

    def _header(self) -> HTTPMessage:
        header = HTTPMessage()
        for _ in range(_HEADER_LINES):
            line = self._line(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            if line in _LINE_ENDS:
                return header
            field = _FIELD.fullmatch(line.decode("latin-1"))
            if field is None:
                raise _HeadError(HTTPStatus.BAD_REQUEST)
            name, value = field.groups()
            header.add_header(name, value.strip(_BLANK))
        raise _HeadError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def _line(self, status: HTTPStatus) -> bytes:
        """Read a line of the head; it costs that status if the head has become too long."""
        line = self.rfile.readline(self._head_bytes_left + 1)
        self._head_bytes_left -= len(line)
        if self._head_bytes_left < 0:
            raise _HeadError(status)
        return line

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
        elif not self.path.startswith("/") and (self.command, self.path) != (HTTPMethod.OPTIONS, "*"):
            raise _HeadError(HTTPStatus.BAD_REQUEST)  # what CONNECT asks of a proxy, say

    def _listed(self, name: str) -> list[str]:
        """Return what all fields of that name list, in lower case."""
        values = ",".join(self.headers.get_all(name, [])).lower().split(",")
        return [value for each in values if (value := each.strip(_BLANK))]

    def _framed_body(self) -> LimitedStream | ChunkedBody:
        """Return the body, whose end has to be told in one way only (RFC 9112, section 6)."""
        lengths = set(self.headers.get_all("Content-Length", []))
        if "Transfer-Encoding" in self.headers:
            is_known = (
                self._listed("Transfer-Encoding") == ["chunked"] and self.request_version == self.protocol_version
            )
            if lengths or not is_known:
                raise _HeadError(HTTPStatus.BAD_REQUEST)
            return ChunkedBody(self.rfile)
        length, *others = lengths or {"0"}
        if others or not _LENGTH.fullmatch(length):
            raise _HeadError(HTTPStatus.BAD_REQUEST)
        return LimitedStream(self.rfile, int(length))

    def run_wsgi(self) -> None:
        """Answer one request; the connection stays open for the next unless the request's end is unknown."""
        address = self._server.tunnels.get(self.path.partition("?")[0]) if "Upgrade" in self.headers else None
        if address is not None:
            self.close_connection = True
            self._hand_on(address)
            return
        self.environ = self.make_environ()
        self.environ["wsgi.input"] = self._body
        if isinstance(self._body, LimitedStream):
            self._answer()
            self.close_connection = self.close_connection or not _drain(self._body)
        else:
            self.close_connection = True  # what is left of it is not worth reading
            self._answer()

    def _hand_on(self, address: tuple[str, int]) -> None:
        """Let the client talk with whoever listens there, from this request on, until one of them hangs up."""
        line = f"{self.command} {self.path} {self.request_version}\r\n"
        head = line + "".join(f"{name}: {value}\r\n" for name, value in self.headers.items()) + "\r\n"
        try:
            reached = socket.create_connection(address, _SLOW_SECONDS)
        except OSError as error:
            _LOGGER.error("%s cannot be handed on to %s: %s", self.path.partition("?")[0], address, error)  # noqa: TRY400 - the other's failure, no defect
            self.send_error(HTTPStatus.BAD_GATEWAY)
            return
        self._incoming.allow(math.inf)  # who says nothing for long is still there
        self.connection.settimeout(None)
        # Who takes nothing for long is not. Python's own timeout would count for what is read as well.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", _SLOW_SECONDS, 0))
        with reached as other:
            other.sendall(head.encode("latin-1"))
            other.settimeout(None)
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
        except (ClientDisconnected, FramingError):  # werkzeug makes the first of the second
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


def _hang_up(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it has ended just now
        connection.shutdown(socket.SHUT_RDWR)


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
