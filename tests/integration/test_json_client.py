"""Limits of time and size against servers that try to exceed them."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.forge_server import ForgeServer, Reply
from watchlist.json_client import JsonClient, NoAnswerError


@contextmanager
def server(head: bytes, drip: bytes) -> Iterator[str]:
    """Answer one request with `head`, then `drip` again and again until the client goes away."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(64 * 1024)
            try:
                connection.sendall(head)
                while drip:
                    connection.sendall(drip)
                    threading.Event().wait(0.001)
            except OSError:
                return

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    with listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    thread.join()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"


def test_an_endless_answer_ends_at_the_size_limit() -> None:
    with server(HEAD, b"[" * 65536) as url, pytest.raises(NoAnswerError, match="longer than 100000 bytes"):
        JsonClient(seconds=60, most_bytes=100_000).get(url)


def test_a_trickling_answer_ends_at_the_time_limit() -> None:
    with server(HEAD, b" ") as url, pytest.raises(NoAnswerError, match="took longer"):
        JsonClient(seconds=0.3).get(url)


def test_a_silent_server_ends_at_the_time_limit() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    with listener, pytest.raises(NoAnswerError, match="ReadTimeoutError"):
        JsonClient(seconds=0.3).get(f"http://127.0.0.1:{listener.getsockname()[1]}/")


@pytest.mark.parametrize("head", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"])
def test_what_is_no_http_is_no_answer(head: bytes) -> None:
    with server(head, b"") as url, pytest.raises(NoAnswerError):
        JsonClient(seconds=10).get(url)


def test_a_bomb_of_nested_lists_is_no_json(forge: ForgeServer) -> None:
    forge.replies["/bomb"] = Reply(200, raw=b"[" * 1_000_000)
    assert JsonClient().get(f"{forge.origin}/bomb").body is None


def test_a_redirect_is_an_answer_and_not_followed(forge: ForgeServer) -> None:
    forge.replies["/here"] = Reply(302, {}, {"Location": "/there"})
    answer = JsonClient().get(f"{forge.origin}/here")
    assert (answer.status, answer.headers["location"], len(forge.requests)) == (302, "/there", 1)


def test_paged_lists_are_linked_as_github_does(forge: ForgeServer) -> None:
    forge.add_repository("acme/rocket")
    forge.releases["acme/rocket"] = [{"id": number} for number in range(5)]
    client = JsonClient()
    first = client.get(f"{forge.github_api}/repos/acme/rocket/releases?per_page=2")
    assert first.body == [{"id": 0}, {"id": 1}]
    assert 'page=2>; rel="next"' in first.headers["link"]
    assert 'page=3>; rel="last"' in first.headers["link"]
    last = client.get(f"{forge.github_api}/repos/acme/rocket/releases?per_page=2&page=3")
    assert last.body == [{"id": 4}]
    assert 'rel="next"' not in last.headers["link"]
