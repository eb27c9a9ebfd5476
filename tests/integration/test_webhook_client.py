import ipaddress
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from functions import webhook_client
from functions.webhook_client import DeliveryError
from watchlist import webhooks

URL = webhooks.parse("https://hooks.example.org/in?x=1")
LOOPBACK = "127.0.0.1"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass
class TlsServer:
    """Answers every request with the same bytes, over TLS with a certificate for `hooks.example.org`."""

    answer: bytes = NO_CONTENT
    requests: list[bytes] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    port: int = 0


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hooks.example.org")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example.org")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + built.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def server(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TlsServer]:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setattr(webhooks, "is_public", lambda address: ipaddress.ip_address(address).is_loopback)
    with serving(certificate) as running:
        yield running


@contextmanager
def serving(certificate: Path) -> Iterator[TlsServer]:
    state = TlsServer()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _socket, name, _context: state.names.append(name)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                with context.wrap_socket(self.request, server_side=True) as connection:
                    request = b""
                    while not request.endswith(b"\r\n\r\n{}"):
                        received = connection.recv(65536)
                        if not received:  # a client that turned away
                            return
                        request += received
                    state.requests.append(request)
                    connection.sendall(state.answer)
            except OSError:
                return

    with socketserver.ThreadingTCPServer((LOOPBACK, 0), Handler) as listening:
        state.port = listening.server_address[1]
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield state
        listening.shutdown()
        thread.join()


def post(server: TlsServer, url: Any = URL) -> None:
    webhook_client.post(url, {"webhook-id": "digest_1"}, b"{}", lambda _host: [LOOPBACK], server.port)


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


def test_a_server_whose_certificate_nobody_vouches_for_gets_nothing(
    server: TlsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")

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
    with pytest.raises(DeliveryError, match="public"):
        webhook_client.post(URL, {}, b"{}", lambda _host: ["192.168.0.1", LOOPBACK], server.port)

    assert server.names == []
