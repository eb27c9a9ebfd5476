import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from functions.telling import webhook_client
from functions.telling.webhook_client import DeliveryError, Reach, WebhookGoneError
from tests.certificates import write_certificate
from watchlist import clock
from watchlist.notifications import webhooks
from watchlist.notifications.webhooks import WebhookUrl

URL = webhooks.parse("https://hooks.example.org/in?x=1")
LOOPBACK = "127.0.0.1"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
SOON = 0.5
"""Seconds of a call in tests of what never ends by itself."""


@dataclass
class TlsServer:
    """Answers every request with the same bytes, over TLS with a certificate for `hooks.example.org`."""

    answer: bytes = NO_CONTENT
    requests: list[bytes] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    reach: Reach = field(init=False)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_certificate(tmp_path_factory.mktemp("certificate") / "server.pem", "hooks.example.org")


@pytest.fixture
def server(certificate: Path) -> Iterator[TlsServer]:
    with serving(certificate) as running:
        yield running


@contextmanager
def serving(certificate: Path) -> Iterator[TlsServer]:
    state = TlsServer()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _socket, name, _context: state.names.append(name)

    def answer(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            request = b""
            while not request.endswith(b"\r\n\r\n{}"):
                received = secured.recv(65536)
                if not received:  # a client that turned away
                    return
                request += received
            state.requests.append(request)
            secured.sendall(state.answer)

    with listening(answer) as port:
        state.reach = Reach.loopback(port, certificate)
        yield state


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve each connection; yields the port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(5)  # of a write that nobody reads any more
            try:
                serve(self.request)
            except OSError:
                return

    with socketserver.ThreadingTCPServer((LOOPBACK, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def post(server: TlsServer, url: WebhookUrl = URL) -> None:
    webhook_client.post(url, {"webhook-id": "digest_1"}, b"{}", server.reach)


def test_it_connects_to_the_address_that_was_checked_and_proves_the_host_s_name(server: TlsServer) -> None:
    post(server)

    (request,) = server.requests
    assert request.startswith(b"POST /in?x=1 HTTP/1.1\r\n")
    assert b"\r\nHost: hooks.example.org\r\n" in request
    assert b"\r\nwebhook-id: digest_1\r\n" in request
    assert server.names == ["hooks.example.org"]


def test_a_server_that_cannot_prove_the_name_gets_nothing(server: TlsServer) -> None:
    with pytest.raises(DeliveryError):
        post(server, webhooks.parse("https://other.example.org/"))

    assert server.requests == []


def test_a_server_whose_certificate_nobody_vouches_for_gets_nothing(server: TlsServer) -> None:
    server.reach = replace(server.reach, authorities=None)

    with pytest.raises(DeliveryError):
        post(server)

    assert server.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
        b"no HTTP at all\r\n\r\n",
        b"",
    ],
)
def test_anything_but_success_is_a_failure_and_no_redirect_is_followed(server: TlsServer, answer: bytes) -> None:
    server.answer = answer

    with pytest.raises(DeliveryError):
        post(server)

    assert len(server.requests) == 1


def test_a_long_answer_is_not_read(server: TlsServer) -> None:
    server.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 4096

    post(server)

    assert len(server.requests) == 1


def test_a_server_at_an_address_of_its_own_network_is_not_called(server: TlsServer) -> None:
    server.reach = replace(server.reach, resolve=lambda _host: ["192.168.0.1", LOOPBACK], may_call=webhooks.is_public)

    with pytest.raises(DeliveryError, match="public"):
        post(server)

    assert server.names == []


@pytest.mark.parametrize(
    "drip",
    [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 ", b"HTTP/1.1 100 Continue\r\n\r\n"],
    ids=["in a header", "in the status", "after promising more"],
)
def test_an_answer_that_drips_ends_at_the_deadline(certificate: Path, drip: bytes) -> None:
    """Each byte comes well within the timeout of a read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    stopping = threading.Event()

    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.sendall(drip)
            while not stopping.wait(0.05):
                secured.sendall(b"1")

    with listening(serve) as port:
        with pytest.raises(DeliveryError, match="no answer within"):
            webhook_client.post(URL, {}, b"{}", Reach.loopback(port, certificate, SOON))
        stopping.set()


def test_promises_of_an_answer_without_end_end_at_the_deadline(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            while True:
                secured.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    with listening(serve) as port, pytest.raises(DeliveryError, match="no answer within"):
        webhook_client.post(URL, {}, b"{}", Reach.loopback(port, certificate, SOON))


def test_a_handshake_that_drips_ends_at_the_deadline(certificate: Path) -> None:
    stopping = threading.Event()

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(bytes([22, 3, 3, 0x40, 0]))  # a handshake record of 16 KB
        connection.sendall(bytes([2, 0, 0x3F, 0xF0]))  # with a ServerHello in it
        while not stopping.wait(0.05):
            connection.sendall(b"\0")

    with listening(serve) as port:
        with pytest.raises(DeliveryError, match="no answer within"):
            webhook_client.post(URL, {}, b"{}", Reach.loopback(port, certificate, SOON))
        stopping.set()


def test_a_body_that_drips_is_not_waited_for(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    gone = threading.Event()

    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(65536)
            secured.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            try:
                while True:
                    secured.sendall(b"x")
                    gone.wait(0.02)
            finally:
                gone.set()

    with listening(serve) as port:
        webhook_client.post(URL, {}, b"{}", Reach.loopback(port, certificate))
        assert gone.wait(10)


def test_headers_without_end_are_not_read(server: TlsServer) -> None:
    server.answer = b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000

    with pytest.raises(DeliveryError):
        post(server)


def answer_with(status: str, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "Content-Length: 0", "", ""]).encode()


@pytest.mark.parametrize(("status", "error"), [("410 Gone", WebhookGoneError), ("404 Not Found", DeliveryError)])
def test_only_a_server_that_says_gone_is_gone(server: TlsServer, status: str, error: type[DeliveryError]) -> None:
    server.answer = answer_with(status)

    with pytest.raises(DeliveryError, match=status[:3]) as raised:
        post(server)

    assert type(raised.value) is error


def test_what_a_404_says_is_heard_as_far_as_it_is_short(server: TlsServer) -> None:
    heard: list[tuple[int, bytes]] = []
    server.answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 5000\r\n\r\n" + b"no_service".ljust(5000)

    def says_gone(status: int, body: bytes) -> bool:
        heard.append((status, body))
        return True

    with pytest.raises(WebhookGoneError, match="404"):
        webhook_client.post(URL, {}, b"{}", server.reach, says_gone)

    ((status, body),) = heard
    assert (status, body.strip(), len(body)) == (404, b"no_service", 1024)


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
def test_a_pause_that_is_asked_for_in_seconds_is_heard(server: TlsServer, status: str) -> None:
    server.answer = answer_with(status, Retry_After="120")

    with pytest.raises(DeliveryError) as raised:
        post(server)

    assert raised.value.retry_after == timedelta(seconds=120)


def test_a_pause_that_is_asked_for_as_a_date_is_heard(server: TlsServer) -> None:
    server.answer = answer_with(
        "503 Service Unavailable", Retry_After=format_datetime(clock.now() + timedelta(hours=1), usegmt=True)
    )

    with pytest.raises(DeliveryError) as raised:
        post(server)

    assert raised.value.retry_after is not None
    assert timedelta(minutes=30) < raised.value.retry_after <= timedelta(hours=1)


def test_a_pause_that_cannot_be_read_is_none(server: TlsServer) -> None:
    server.answer = answer_with("503 Service Unavailable", Retry_After="soon")

    with pytest.raises(DeliveryError) as raised:
        post(server)

    assert raised.value.retry_after is None
