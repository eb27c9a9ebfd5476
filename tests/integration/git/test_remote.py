"""HEAD is told by one request from servers of all kinds, and whatever a host does ends within its limits."""

import contextlib
import gzip
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from dulwich.protocol import pkt_line

from local_service.git.server import GitServer
from tests.hostile_server import ADVERTISEMENT, HEAD, REFS, HostileServer, Respond, reply
from tests.repositories import build_repository, git, straight_line
from watchlist.errors import ErrorCode, JobError
from watchlist.git.protocol import Head
from watchlist.git.remote import HeadReader
from watchlist.git.requests import RESULT_TYPE, RemoteLimits
from watchlist.git.tags import tags_of
from watchlist.git.tokens import Tokens, authorization
from watchlist.repository_url import Repository

TIGHT = RemoteLimits(seconds=0.5, connect_seconds=0.5, bytes=4096)


def head_at(origin: str, name: str = "name", *, owner: str = "owner", limits: RemoteLimits | None = None) -> Head:
    with HeadReader([origin], limits) as reader:
        return reader.head(Repository(origin, owner, name))


def failure_at(respond: Respond, limits: RemoteLimits = TIGHT) -> JobError:
    with HostileServer(respond) as server, pytest.raises(JobError) as raised:
        head_at(server.origin, limits=limits)
    return raised.value


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "owner").mkdir()
    return tmp_path


@pytest.fixture
def server(root: Path) -> Iterator[GitServer]:
    with GitServer(root) as running:
        yield running


def test_one_request_tells_where_head_is(server: GitServer, root: Path) -> None:
    path = build_repository(root / "owner" / "name", straight_line(3))
    head = head_at(server.url)
    assert head == Head(git(path, "rev-parse", "HEAD").decode().strip(), "main", "sha1")
    assert server.requests == ["POST /owner/name/git-upload-pack"]
    assert server.bytes_sent < 1000


def test_an_empty_repository_has_no_head(server: GitServer, root: Path) -> None:
    build_repository(root / "owner" / "name", [])
    assert head_at(server.url).sha is None


def test_a_sha256_repository_is_asked_again_in_its_own_format(server: GitServer, root: Path) -> None:
    path = build_repository(root / "owner" / "name", straight_line(1), object_format="sha256")
    assert head_at(server.url) == Head(git(path, "rev-parse", "HEAD").decode().strip(), "main", "sha256")


def test_a_server_of_the_old_protocol_tells_head_too(root: Path) -> None:
    path = build_repository(root / "owner" / "name", straight_line(1))
    for number in range(300):
        git(path, "update-ref", f"refs/heads/branch-{number}", "HEAD")
    with GitServer(root, configuration={"protocol.version": "0", "uploadpack.advertiseRefs": "true"}) as server:
        head = head_at(server.url)
    assert head.sha == git(path, "rev-parse", "HEAD").decode().strip()


def old_server(handler: BaseHTTPRequestHandler) -> None:
    """Know no version 2, as servers before 2018."""
    if handler.command == "POST":
        reply(handler, b"0008NAK\n")
        return
    refs = (pkt_line(f"{HEAD} refs/heads/branch-{number}\n".encode()) for number in range(10_000))
    first = pkt_line(f"{HEAD} HEAD\0symref=HEAD:refs/heads/main\n".encode())
    reply(handler, [pkt_line(b"# service=git-upload-pack\n") + b"0000" + first, *refs, b"0000"])


def test_of_ten_thousand_refs_only_the_beginning_is_read() -> None:
    with HostileServer(old_server) as server, HeadReader([server.origin]) as reader:
        head = reader.head(Repository(server.origin, "owner", "name"))
        assert head == Head(HEAD, "main", "sha1")
        assert reader.traffic.bytes_received < 70_000


def test_a_repository_that_is_not_there_is_not_found(server: GitServer) -> None:
    with pytest.raises(JobError) as raised:
        head_at(server.url, "missing")
    assert raised.value.code is ErrorCode.REPOSITORY_NOT_FOUND


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, ErrorCode.REPOSITORY_REQUIRES_LOGIN),
        (403, ErrorCode.REPOSITORY_REQUIRES_LOGIN),
        (410, ErrorCode.REPOSITORY_NOT_FOUND),
        (451, ErrorCode.REPOSITORY_NOT_FOUND),
        (429, ErrorCode.HOST_RATE_LIMITED),
        (500, ErrorCode.HOST_ERROR),
        (503, ErrorCode.HOST_ERROR),
    ],
)
def test_a_status_says_what_is_wrong(status: int, code: ErrorCode) -> None:
    assert failure_at(lambda handler: reply(handler, status=status)).code is code


@pytest.mark.parametrize("status", [403, 429, 503])
def test_a_host_says_how_long_it_wants_to_be_left_alone(status: int) -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Retry-After", "120")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    error = failure_at(respond)
    assert error.code is ErrorCode.HOST_RATE_LIMITED
    assert error.retry_after == timedelta(minutes=2)


def test_a_redirect_to_another_host_or_page_is_not_followed() -> None:
    for location in ("https://example.org/owner/name", "/owner/other", "//example.org/owner/name.git/info/refs"):
        error = failure_at(lambda handler, location=location: reply(handler, status=301, location=location))  # type: ignore[misc]
        assert error.code is ErrorCode.REPOSITORY_MOVED


def test_a_redirect_that_only_adds_git_is_followed() -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        path, _, query = handler.path.partition("?")
        if "/name.git/" not in path:
            reply(handler, status=301, location=handler.path.replace("/name/", "/name.git/"))
        else:
            reply(handler, ADVERTISEMENT if query else REFS)

    with HostileServer(respond) as server:
        assert head_at(server.origin).sha == HEAD


@pytest.mark.parametrize("names", [{"name": "other", "other": "name"}, {"name": "name"}])
def test_redirects_in_a_circle_are_the_host_s_trouble(names: dict[str, str]) -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        name = handler.path.split("/")[2]
        reply(handler, status=301, location=handler.path.replace(f"/{name}/", f"/{names[name]}/"))

    error = failure_at(respond)
    assert (error.code, error.message) == (ErrorCode.HOST_ERROR, "The host redirects in a circle.")


def test_a_rename_that_shows_in_the_post_alone_is_followed() -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        if handler.command == "POST" and "/name/" in handler.path:
            reply(handler, status=307, location=handler.path.replace("/name/", "/other/"))
        else:
            reply(handler, ADVERTISEMENT if "?" in handler.path else REFS)

    with HostileServer(respond) as server:
        assert head_at(server.origin).renamed_to == Repository(server.origin, "owner", "other")
        assert len(server.requests) == 2


def test_a_renamed_repository_is_followed_on_its_host() -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        if not handler.path.startswith("/new/"):
            reply(handler, status=301, location=handler.path.replace("/owner/name/", "/new/other/"))
        else:
            reply(handler, ADVERTISEMENT if "?" in handler.path else REFS)

    with HostileServer(respond) as server:
        head = head_at(server.origin)
        assert head.sha == HEAD
        assert head.renamed_to == Repository(server.origin, "new", "other")


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_compressed_answers_are_read(encoding: str) -> None:
    compress = gzip.compress if encoding == "gzip" else zlib.compress

    def respond(handler: BaseHTTPRequestHandler) -> None:
        body = compress(REFS)
        handler.send_response(200)
        handler.send_header("Content-Type", RESULT_TYPE)
        handler.send_header("Content-Encoding", encoding)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with HostileServer(respond) as server:
        assert head_at(server.origin).sha == HEAD


def test_a_page_is_no_answer() -> None:
    error = failure_at(lambda handler: reply(handler, b"<html>", content_type="text/html"))
    assert error.code is ErrorCode.REPOSITORY_UNSUPPORTED


def test_bytes_that_trickle_in_end_at_the_time_limit() -> None:
    stopping = threading.Event()

    def trickle(handler: BaseHTTPRequestHandler) -> None:
        """Send a header line byte by byte, each well within the timeout of a read."""
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        while not stopping.wait(0.05):
            handler.wfile.write(b"x")

    error = failure_at(trickle)
    stopping.set()
    assert error.code is ErrorCode.TRANSFER_TIMED_OUT


def test_an_answer_that_ends_with_its_connection_and_trickles_in_ends_at_the_time_limit() -> None:
    stopping = threading.Event()

    def trickle(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/x-git-upload-pack-result")
        handler.send_header("Connection", "close")
        handler.end_headers()
        while not stopping.wait(0.05):
            handler.wfile.write(b"0")

    error = failure_at(trickle)
    stopping.set()
    assert error.code is ErrorCode.TRANSFER_TIMED_OUT


def test_a_tls_handshake_that_trickles_in_ends_at_the_time_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        origin = f"https://127.0.0.1:{server.getsockname()[1]}"
        stopping = threading.Event()

        def trickle() -> None:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                connection.sendall(bytes([22, 3, 3, 0x40, 0, 2, 0, 0x3F, 0xF0]))  # a long ServerHello begins
                while not stopping.wait(0.05):
                    connection.sendall(b"\0")

        thread = threading.Thread(target=trickle)
        thread.start()
        with pytest.raises(JobError) as raised:
            head_at(origin, limits=TIGHT)
        stopping.set()
        thread.join()
    assert raised.value.code is ErrorCode.TRANSFER_TIMED_OUT


def test_a_host_that_nobody_answers_for_is_unreachable() -> None:
    with HostileServer(lambda _: None) as server:
        origin = server.origin
    with pytest.raises(JobError) as raised:
        head_at(origin, limits=TIGHT)
    assert raised.value.code is ErrorCode.HOST_UNREACHABLE


def test_a_host_that_is_not_allowed_is_not_asked() -> None:
    with HostileServer(lambda handler: reply(handler, REFS)) as server:
        with HeadReader(["https://github.com"]) as reader, pytest.raises(JobError) as raised:
            reader.head(Repository(server.origin, "owner", "name"))
        assert server.requests == []
    assert raised.value.code is ErrorCode.HOST_NOT_ALLOWED


def test_an_idle_connection_that_the_host_closed_is_no_failure() -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        reply(handler, REFS)
        handler.close_connection = True

    with HostileServer(respond) as server, HeadReader([server.origin]) as reader:
        repository = Repository(server.origin, "owner", "name")
        assert [reader.head(repository).sha for _ in range(3)] == [HEAD] * 3


def test_many_threads_share_a_few_connections() -> None:
    peers: set[tuple[str, int]] = set()

    def respond(handler: BaseHTTPRequestHandler) -> None:
        peers.add(handler.client_address)
        time.sleep(0.001)
        reply(handler, REFS)

    with HostileServer(respond) as server, HeadReader([server.origin]) as reader, ThreadPoolExecutor(4) as pool:
        repositories = [Repository(server.origin, "owner", f"name-{number}") for number in range(200)]
        assert {head.sha for head in pool.map(reader.head, repositories)} == {HEAD}
    assert len(peers) <= 4
    assert reader.traffic.requests == 200


def with_tokens(*tokens: str, known: str = "") -> tuple[list[str | None], list[str | None]]:
    """Ask a host that knows the token `known` four times; return what it was shown and what it told."""
    shown: list[str | None] = []

    def respond(handler: BaseHTTPRequestHandler) -> None:
        shown.append(handler.headers["Authorization"])
        if shown[-1] in {None, authorization(known)}:
            reply(handler, REFS)
        else:
            reply(handler, status=401)

    with HostileServer(respond) as server:
        tokens_of = Tokens({server.origin: tokens, "https://example.org": ["another host's"]})
        with HeadReader([server.origin], tokens=tokens_of) as reader:
            return shown, [reader.head(Repository(server.origin, "owner", "name")).sha for _ in range(4)]


def test_a_token_is_shown_to_its_host() -> None:
    shown, told = with_tokens("secret", known="secret")
    assert (set(shown), told) == ({"Basic eC1hY2Nlc3MtdG9rZW46c2VjcmV0"}, [HEAD] * 4)


def test_a_host_without_a_token_is_shown_none() -> None:
    assert with_tokens() == ([None] * 4, [HEAD] * 4)


def test_tokens_take_turns_and_one_that_the_host_does_not_know_is_shown_once() -> None:
    shown, told = with_tokens("expired", "good", known="good")
    assert told == [HEAD] * 4
    assert shown.count(authorization("expired")) == 1
    assert shown.count(authorization("good")) == 3


def test_with_no_token_left_public_repositories_are_asked_for_without_one() -> None:
    shown, told = with_tokens("expired")
    assert (shown, told) == ([authorization("expired"), *[None] * 4], [HEAD] * 4)


def head_and_tags_at(origin: str) -> tuple[Head, str | None]:
    with HeadReader([origin]) as reader:
        return reader.head_and_tags(Repository(origin, "owner", "name"))


def test_head_and_ten_thousand_tags_come_in_one_request_of_a_megabyte(server: GitServer, root: Path) -> None:
    path = build_repository(root / "owner" / "name", straight_line(3))
    sha = git(path, "rev-parse", "HEAD").decode().strip()
    lines = sorted(f"{sha} refs/tags/v1.{number}.0\n" for number in range(10_000))
    (path / "packed-refs").write_text(
        f"# pack-refs with: peeled fully-peeled sorted \n{sha} refs/heads/main\n" + "".join(lines)
    )

    head, tags = head_and_tags_at(server.url)

    assert (head.sha, head.branch) == (sha, "main")
    assert tags == tags_of(f"{line.strip()}".encode() for line in lines).digest
    assert server.requests == ["POST /owner/name/git-upload-pack"]
    assert server.bytes_sent < 1_000_000


@pytest.mark.parametrize(
    "rest",
    [
        [f"{number:040x} refs/tags/v1.{number}.0\n".encode() for number in range(100_000)],
        [b"%040x refs/tags/" % number + b"x" * 60_000 + b"\n" for number in range(100)],
    ],
    ids=["a hundred thousand", "long names"],
)
def test_tags_that_are_too_many_to_be_looked_at_cost_only_themselves(rest: list[bytes]) -> None:
    listing = [REFS.removesuffix(b"0000"), *map(pkt_line, rest), b"0000"]
    with HostileServer(lambda handler: reply(handler, b"".join(listing))) as server:
        head, tags = head_and_tags_at(server.origin)
    assert head.branch == "main"
    assert tags is None


def test_a_host_that_does_not_answer_git_s_way_is_asked_for_head_alone() -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        if handler.command == "POST" and b"refs/tags/" in getattr(handler, "body", b""):
            reply(handler, b"what?", content_type="application/octet-stream")
        elif handler.command == "GET":
            reply(handler, ADVERTISEMENT)
        else:
            reply(handler, REFS)

    with HostileServer(respond) as server:
        head, tags = head_and_tags_at(server.origin)
    assert (head.branch, tags) == ("main", None)
