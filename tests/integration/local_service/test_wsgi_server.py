"""The server below the gateways and the embedded AWS, over real connections."""

import http.client
import logging
import os
import resource
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug import Request

from local_service import wsgi_server
from local_service.wsgi_server import Handler, WsgiServer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

CLOSED = b""
SECONDS = 10
LARGE = 32 * 1024 * 1024


def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterator[bytes]:
    match environ["PATH_INFO"]:
        case "/echo":
            body = environ["wsgi.input"].read()
            start_response("200 OK", [("Content-Length", str(len(body)))])
            yield body
        case "/host":
            start_response("200 OK", [])
            yield f"{environ['HTTP_HOST']} {environ['PATH_INFO']} {environ['QUERY_STRING']}".encode()
        case "/read":
            request = Request(environ)
            request.max_content_length = 100  # as the gateway has one: werkzeug reads such bodies in another way
            body = request.get_data()
            start_response("200 OK", [])
            yield body
        case "/unread":
            start_response("403 Forbidden", [])
            yield b"not read"
        case "/cut":
            start_response("200 OK", [("Content-Length", "100")])
            yield b"half"
            raise ConnectionAbortedError
        case "/nothing":
            raise ConnectionAbortedError
        case "/large":
            start_response("200 OK", [])
            yield bytes(LARGE)
        case "/gone":
            start_response("204 No Content", [])
            yield b"never seen"
        case _:
            raise RuntimeError("a defect")


class Ending(WsgiServer):
    """Tells when a connection has ended."""

    def __init__(self, *arguments: Any) -> None:
        self.ended = threading.Event()
        super().__init__(*arguments)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.ended.set()


class Resting(WsgiServer):
    """Tells when a client that was answered is waited for again."""

    def __init__(self, *arguments: Any) -> None:
        self.waits: Counter[int] = Counter()
        self.changed = threading.Condition()
        super().__init__(*arguments)

    def note(self, connection: socket.socket, waiting_since: float | None) -> None:
        super().note(connection, waiting_since)
        if waiting_since is not None:
            with self.changed:
                self.waits[connection.getpeername()[1]] += 1
                self.changed.notify_all()

    def connected(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), SECONDS)

    def ask_and_rest(self, client: socket.socket) -> None:
        port = client.getsockname()[1]
        with self.changed:
            assert self.changed.wait_for(lambda: self.waits[port], SECONDS)  # for the request
            waits = self.waits[port]
        client.sendall(b"GET /gone HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 204")
        with self.changed:
            assert self.changed.wait_for(lambda: self.waits[port] == waits + 2, SECONDS)  # for the answer, and the next


@pytest.fixture
def server() -> Iterator[WsgiServer]:
    started = WsgiServer(application, socket.create_server(("127.0.0.1", 0)))
    started.start()
    yield started
    started.close()


@pytest.fixture
def connection(server: WsgiServer) -> Iterator[http.client.HTTPConnection]:
    opened = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
    opened.connect()
    opened.auto_open = 0  # a second connection would be an error
    yield opened
    opened.close()


def ask(connection: http.client.HTTPConnection, path: str, body: bytes = b"") -> tuple[int, bytes]:
    connection.request("POST", path, body)
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_a_connection_answers_one_request_after_another(connection: http.client.HTTPConnection) -> None:
    assert ask(connection, "/echo", b"one") == (200, b"one")
    assert ask(connection, "/gone") == (204, b"")
    assert ask(connection, "/echo", b"two") == (200, b"two")


def test_what_an_answer_did_not_wait_for_is_not_taken_for_a_request(connection: http.client.HTTPConnection) -> None:
    assert ask(connection, "/unread", b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n" * 1000) == (403, b"not read")
    assert ask(connection, "/echo", b"next") == (200, b"next")


def test_a_defect_costs_one_answer_and_not_the_connection(connection: http.client.HTTPConnection) -> None:
    assert ask(connection, "/defect") == (500, b"")
    assert ask(connection, "/echo", b"next") == (200, b"next")


def test_a_body_in_chunks_is_the_last_of_its_connection(server: WsgiServer) -> None:
    request = b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n"
    answer = told(server, request + b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200") == 1
    assert b"Connection: close" in answer
    assert answer.endswith(b"one")


def test_a_length_that_is_no_number_is_refused(server: WsgiServer) -> None:
    assert told(server, b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\nGET /").startswith(
        b"HTTP/1.1 400"
    )


def test_a_length_of_more_digits_than_any_body_has_is_refused(server: WsgiServer) -> None:
    head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %s\r\n\r\n" % (b"1" * 5000)
    assert told(server, head).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("encoding", [b"identity", b"gzip, chunked", b"chunked\r\nTransfer-Encoding: chunked", b""])
def test_a_body_whose_end_nothing_tells_is_not_taken_for_a_request(server: WsgiServer, encoding: bytes) -> None:
    request = b"POST /unread HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: %s\r\n\r\n" % encoding
    answer = told(server, request + b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    ("version", "length"), [(b"HTTP/1.1", b"Content-Length: 13\r\n"), (b"HTTP/1.0", b""), (b"HTTP/1.0", b"X: 1\r\n")]
)
def test_chunks_with_a_length_besides_or_of_a_version_without_chunks_are_refused(
    server: WsgiServer, version: bytes, length: bytes
) -> None:
    head = b"POST /echo %s\r\nHost: x\r\n%sTransfer-Encoding: chunked\r\n\r\n" % (version, length)
    answer = told(server, head + b"3\r\none\r\n0\r\n\r\nGET /echo HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_of_two_lengths_none_is_believed(server: WsgiServer) -> None:
    lengths = b"Content-Length: 2\r\nContent-Length: %d\r\n\r\n{}"
    request = b"POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    assert told(server, request + lengths % 5).startswith(b"HTTP/1.1 400")
    assert told(server, request + lengths % 2).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("path", [b"/echo", b"/read"])
@pytest.mark.parametrize("size", [b"ZZ", b"0x2", b"0_2", b"+2", b"3"])
def test_a_body_that_is_not_framed_as_it_says_is_refused(server: WsgiServer, path: bytes, size: bytes) -> None:
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" % path
    assert told(server, head + size + b"\r\n{}\r\n0\r\n\r\n").startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("path", [b"/echo", b"/read"])
def test_what_chunks_may_have_beside_the_body_is_passed_over(server: WsgiServer, path: bytes) -> None:
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n" % path
    answer = told(server, head + b"2;name=value\r\n{}\r\n0\r\nChecksum: 1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"\r\n\r\n{}")


def test_a_client_that_asks_first_is_told_once_and_at_once_to_go_on(server: WsgiServer) -> None:
    request = (
        b"POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), SECONDS) as sending:
        sending.sendall(request)
        assert sending.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sending.sendall(b"{}")
        assert sending.makefile("rb").read().startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "head",
    [
        b"GET /echo\r\n\r\n",
        b"GET  /echo HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /echo HTTP/2.0\r\nHost: x\r\n\r\n",
        b"G(T /echo HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /echo HTTP/1.1\r\nHost: x\r\nno field\r\n\r\n",
        b"GET /echo HTTP/1.1\r\nHost: x\r\nContent-Length : 2\r\n\r\n{}",
        b"GET /echo HTTP/1.1\r\nHost: x\r\nX: 1\r\n folded: 2\r\n\r\n",
        b"GET /echo HTTP/1.1\r\nHost: x\r\nX: one\rContent-Length: 2\r\n\r\n{}",
        b"GET /echo HTTP/1.1\r\nHost: x\r\nX: \x00\r\n\r\n",
        b"GET /echo HTTP/1.1\r\nHost: x\r\n: nameless\r\n\r\n",
        b"GET /echo HTTP/1.1\r\n\r\n",
        b"GET /echo HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET http://[::x/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET echo HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET ?a=/b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n",
        b"\r\nGET  /echo HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_a_head_that_is_none_of_http_is_refused_and_ends_the_connection(server: WsgiServer, head: bytes) -> None:
    answer = told(server, head + b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(("end", "status"), [(b"x", b"200"), (b"\x00", b"400")])
def test_blanks_before_a_value_cost_no_more_than_other_characters(
    server: WsgiServer, end: bytes, status: bytes
) -> None:
    request = b"GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX:" + b" " * 3000 + end + b"\r\n\r\n"
    assert told(server, request).startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize(
    "fields", [b"keep-alive, Close", b"keep-alive\r\nConnection: close", b"close\r\nConnection: x"]
)
def test_a_client_that_asks_for_it_among_others_has_its_connection_closed(server: WsgiServer, fields: bytes) -> None:
    answer = told(server, b"POST /echo HTTP/1.1\r\nHost: x\r\nConnection: " + fields + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"Connection: close" in answer


def test_one_empty_line_before_a_request_is_passed_over(server: WsgiServer) -> None:
    request = b"\r\nGET /echo HTTP/1.1\r\nHost: x\r\n%s\r\n"
    answer = told(server, request % b"" + request % b"Connection: close\r\n")
    assert answer.count(b"HTTP/1.1 200") == 2
    assert told(server, b"\r\n" + b"x" * 70_000).startswith(b"HTTP/1.1 414")
    assert told(server, b"\r\n\r\n") == CLOSED


@pytest.mark.parametrize(
    ("target", "seen"),
    [
        (b"/host?a=/b", b"x /host a=/b"),
        (b"//other/host", None),
        (b"http://other:1/host?a=//b", b"other:1 /host a=//b"),
        (b"http://other//host", b"other /host "),
    ],
)
def test_the_host_of_an_absolute_target_is_the_host(server: WsgiServer, target: bytes, seen: bytes | None) -> None:
    answer = told(server, b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % target)
    assert answer.startswith(b"HTTP/1.1 500" if seen is None else b"HTTP/1.1 200")
    assert answer.endswith(seen or b"")


def test_the_whole_server_can_be_asked_for_its_options(server: WsgiServer) -> None:
    request = b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert not told(server, request).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("header", [b"X: " + b"x" * 70_000 + b"\r\n", b"X: x\r\n" * 200])
def test_a_head_that_is_too_long_is_refused(server: WsgiServer, header: bytes) -> None:
    assert told(server, b"GET /echo HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n").startswith(b"HTTP/1.1 431")


@pytest.mark.parametrize(
    "head", [b"", b"GET /ec", b"GET /echo HTTP/1.1\r\n", b"GET /echo HTTP/1.1\r\nHost: x\r\nX: 1\r\n"]
)
def test_a_head_that_breaks_off_is_no_request(server: WsgiServer, head: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), SECONDS) as client, client.makefile("rb") as answers:
        client.sendall(head)
        client.shutdown(socket.SHUT_WR)
        assert b" 200 " not in answers.read()


@pytest.mark.parametrize("begun", [b"", b"GET /echo HTTP/1.1\r\nHost: x\r\nX: "])
def test_a_head_of_which_a_byte_comes_now_and_then_is_not_waited_for(
    server: WsgiServer, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(wsgi_server, "_SLOW_SECONDS", 0.3)
    with socket.create_connection(("127.0.0.1", server.port), SECONDS) as client:
        client.sendall(begun)
        assert after_drops(client).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(("path", "status"), [(b"/echo", b"400"), (b"/read", b"400"), (b"/unread", b"403")])
def test_a_body_of_which_a_byte_comes_now_and_then_is_not_waited_for(
    server: WsgiServer, monkeypatch: pytest.MonkeyPatch, path: bytes, status: bytes
) -> None:
    monkeypatch.setattr(wsgi_server, "_SLOW_SECONDS", 0.3)
    with socket.create_connection(("127.0.0.1", server.port), SECONDS) as client:
        client.sendall(b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n" % path)
        assert after_drops(client).startswith(b"HTTP/1.1 " + status)


def test_a_client_that_does_not_take_its_answer_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wsgi_server, "_SLOW_SECONDS", 0.3)
    with closing(Ending(application, socket.create_server(("127.0.0.1", 0)))) as server:
        server.start()
        with socket.create_connection(("127.0.0.1", server.port), SECONDS) as client, client.makefile("rb") as answer:
            client.sendall(b"POST /large HTTP/1.1\r\nHost: x\r\n\r\n")
            assert server.ended.wait(SECONDS)
            assert len(answer.read()) < LARGE


def test_a_client_at_rest_between_two_requests_is_not_hung_up_on_soon(
    server: WsgiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wsgi_server, "_SLOW_SECONDS", 0.2)
    request = b"GET /gone HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), SECONDS) as client:
        client.sendall(request)
        assert client.recv(4096).startswith(b"HTTP/1.1 204")
        assert not threading.Event().wait(0.5)
        client.sendall(request)
        assert client.recv(4096).startswith(b"HTTP/1.1 204")


def test_a_client_at_rest_for_long_is_hung_up_on(server: WsgiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wsgi_server, "_IDLE_SECONDS", 0.2)
    assert told(server, b"GET /gone HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 204")


def test_where_there_are_too_many_connections_the_one_that_rests_longest_makes_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wsgi_server, "_MOST_CONNECTIONS", 2)
    with closing(Resting(application, socket.create_server(("127.0.0.1", 0)))) as server:
        server.start()
        with server.connected() as first, server.connected() as second:
            for client in (first, second, first):
                server.ask_and_rest(client)
            assert told(server, b"GET /gone HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 204")
            assert second.recv(1) == CLOSED
            server.ask_and_rest(first)


def test_where_all_connections_are_being_answered_another_one_is_refused(
    server: WsgiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wsgi_server, "_MOST_CONNECTIONS", 1)
    with socket.create_server(("127.0.0.1", 0)) as other:
        server.tunnels["/live"] = other.getsockname()[:2]
        with socket.create_connection(("127.0.0.1", server.port), SECONDS) as client:
            client.sendall(b"GET /live HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n")
            reached, _ = other.accept()
            with reached:
                assert reached.recv(4096)
                assert told(server, b"").startswith(b"HTTP/1.1 503")


def test_where_no_descriptors_are_left_the_connection_that_rests_longest_makes_room() -> None:
    most, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with closing(Resting(application, socket.create_server(("127.0.0.1", 0)))) as server:
        server.start()
        with server.connected() as resting:
            server.ask_and_rest(resting)
            descriptor = os.dup(0)
            os.close(descriptor)
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptor + 1, hard))  # the client's only
            try:
                answer = told(server, b"GET /echo HTTP/1.0\r\n\r\n")
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            assert answer.startswith(b"HTTP/1.1 200")
            assert resting.recv(1) == CLOSED


def test_who_asks_for_another_protocol_is_handed_on_and_back(server: WsgiServer) -> None:
    head = b"GET /live?user=ada HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nX-Many: 1\r\nX-Many: 2\r\n\r\n"
    with socket.create_server(("127.0.0.1", 0)) as other:
        server.tunnels["/live"] = other.getsockname()[:2]
        with socket.create_connection(("127.0.0.1", server.port), SECONDS) as client:
            client.sendall(head)
            reached, _ = other.accept()
            with reached, reached.makefile("rb") as heard, client.makefile("rb") as answers:
                assert heard.read(len(head)) == head
                client.sendall(b"more")
                assert heard.read(4) == b"more"
                reached.sendall(b"back")
                assert answers.read(4) == b"back"
                client.shutdown(socket.SHUT_RDWR)
                assert heard.read() == CLOSED


def test_who_is_handed_on_may_name_the_host_in_the_target(server: WsgiServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        server.tunnels["/live"] = other.getsockname()[:2]
        with socket.create_connection(("127.0.0.1", server.port), SECONDS) as client:
            client.sendall(b"GET http://named/live?user=ada HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n")
            other.settimeout(SECONDS)
            reached, _ = other.accept()
            with reached, reached.makefile("rb") as heard:
                client.shutdown(socket.SHUT_WR)
                head = b"GET /live?user=ada HTTP/1.1\r\nUpgrade: websocket\r\nHost: named\r\n\r\n"
                assert heard.read() == head


def test_who_cannot_be_handed_on_is_told_so(server: WsgiServer, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        server.tunnels["/live"] = gone.getsockname()[:2]
    with caplog.at_level(logging.ERROR):
        answer = told(server, b"GET /live?user=ada HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 502")
    assert "/live cannot be handed on" in caplog.text
    assert "ada" not in caplog.text


def test_who_was_handed_on_and_takes_nothing_for_long_is_hung_up_on(
    server: WsgiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wsgi_server, "_SLOW_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as other:
        server.tunnels["/live"] = other.getsockname()[:2]
        with socket.create_connection(("127.0.0.1", server.port), SECONDS) as client:
            client.sendall(b"GET /live HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n")
            other.settimeout(SECONDS)
            reached, _ = other.accept()
            with reached:
                reached.settimeout(SECONDS)
                with pytest.raises(ConnectionError):
                    reached.sendall(b"x" * 64 * 1024 * 1024)


def test_an_answer_that_breaks_off_is_sent_as_far_as_it_goes(server: WsgiServer) -> None:
    assert told(server, b"POST /cut HTTP/1.1\r\nHost: x\r\n\r\n").endswith(b"half")
    assert told(server, b"POST /nothing HTTP/1.1\r\nHost: x\r\n\r\n") == CLOSED


def test_a_client_that_hangs_up_before_the_answer_leaves_no_file_open() -> None:
    served: list[Handler] = []
    asked, hung_up = threading.Event(), threading.Event()

    def late(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterator[bytes]:
        del environ
        asked.set()
        hung_up.wait(SECONDS)
        start_response("200 OK", [])
        yield b"nobody is there"

    class Remembered(Handler):
        def setup(self) -> None:
            served.append(self)
            super().setup()

    with closing(Ending(late, socket.create_server(("127.0.0.1", 0)), Remembered)) as server:
        server.start()
        with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # is reset, not ended
            assert asked.wait(SECONDS)
        hung_up.set()
        assert server.ended.wait(SECONDS)
    (handler,) = served
    assert (handler.rfile.closed, handler.wfile.closed) == (True, True)


def test_closing_the_server_ends_its_connections(server: WsgiServer, connection: http.client.HTTPConnection) -> None:
    assert ask(connection, "/echo", b"one") == (200, b"one")
    server.close()
    assert connection.sock.recv(1) == CLOSED
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), SECONDS)


def test_a_server_that_never_served_can_be_closed() -> None:
    WsgiServer(application, socket.create_server(("127.0.0.1", 0))).close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("port ")]


def told(server: WsgiServer, request: bytes) -> bytes:
    """Send bytes and return everything that comes back until the connection ends."""
    with socket.create_connection(("127.0.0.1", server.port), SECONDS) as sending:
        sending.sendall(request)
        answer = bytearray()
        while chunk := sending.recv(65536):
            answer += chunk
    return bytes(answer)


def after_drops(client: socket.socket) -> bytes:
    """Send a byte now and then; return what comes back until the connection ends."""
    answer = bytearray()
    client.settimeout(0.05)
    for _ in range(SECONDS * 20):
        try:
            client.sendall(b"x")
            chunk = client.recv(65536)
        except TimeoutError:
            continue
        except ConnectionError:
            break
        if not chunk:
            break
        answer += chunk
    else:
        pytest.fail("it was waited for")
    return bytes(answer)
