"""What our own calls of DynamoDB and SQS make of a connection that fails: an outage, by a typed error everywhere."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore import handlers
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from tasks.job import _explain
from tests.integration.reach import reaching_address
from watchlist import clock, limits
from watchlist.errors import ErrorCode, JobError
from watchlist.history import store as history_store
from watchlist.job_kinds import JobKind
from watchlist.jobs import protocol as job_protocol
from watchlist.jobs.message import JobMessage
from watchlist.jobs.protocol import Launch, Lease
from watchlist.jobs.queue import JobQueue
from watchlist.repository_url import Repository
from watchlist.storage import batches, whole_answers
from watchlist.storage.batches import Patience
from watchlist.storage.failures import Failure, failure_of, passes
from watchlist.storage.records import ActivityItem, Entry, RepositoryKey, SegmentRecord, WatchlistItem, transaction
from watchlist.watching.adding import Adding, Watch

Behave = Callable[[socket.socket], None]

MESSAGE = JobMessage(
    job_id="0" * 32,
    kind=JobKind.REPOSITORY_SETUP,
    watchlist_id="watchlist_a_b_1",
    generation=1,
    delivery=0,
    correlation_id="c",
)
LEASE = Lease(Launch(MESSAGE, "m", 1, 1), timedelta(minutes=1))


def close(connection: socket.socket) -> None:
    connection.recv(65_536)


def reset(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def cut_in_the_headers(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: applicat")


def cut_in_the_body(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.sendall(
        b'HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 400\r\n\r\n{"It'
    )


def answer_with_a_page(connection: socket.socket) -> None:
    connection.recv(65_536)
    body = b"<html>a proxy's own page</html>"
    connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    )


def answer_with_a_bad_gateway(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>")


def hang(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while connection.recv(65_536):
            pass


BEHAVIOURS = (
    close,
    reset,
    cut_in_the_headers,
    cut_in_the_body,
    answer_with_a_page,
    answer_with_a_bad_gateway,
    hang,
)


@contextlib.contextmanager
def serving(behave: Behave) -> Iterator[str]:
    """Yield the address of a server that does this to each connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                behave(connection)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)


@pytest.fixture(params=[*BEHAVIOURS, None], ids=lambda behave: behave.__name__ if behave else "refuse")
def address(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of what should be AWS."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr(limits, "STORAGE_READ_TIMEOUT", timedelta(seconds=1))
    monkeypatch.setattr(limits, "STORAGE_CONNECT_TIMEOUT", timedelta(seconds=1))
    with contextlib.ExitStack() as running:
        if request.param is None:
            with socket.create_server(("127.0.0.1", 0)) as closed:
                url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        else:
            url = running.enter_context(serving(request.param))
        running.enter_context(reaching_address(url))
        yield url


def write_together() -> None:
    with transaction() as writes:
        writes.save(RepositoryKey("REPOSITORY#a/b", "KEY", watchlist_id="watchlist_a_b_1"))


CALLS: dict[str, Callable[[], object]] = {
    "read": lambda: job_protocol.find_entry("watchlist_a_b_1"),
    "conditional write": lambda: LEASE.extend(clock.now()),
    "transaction": write_together,
    "query": lambda: list(ActivityItem.query("watchlist_a_b_1")),
    "page of an index": lambda: list(Entry.by_due.query("check", limit=1)),
    "batch of reads": lambda: list(
        batches.get(WatchlistItem, [("watchlist_a_b_1", "ENTRY")], Patience(timedelta(seconds=0)))
    ),
    "batch of writes": lambda: batches.put(
        [SegmentRecord("watchlist_a_b_1", "SEGMENT#1", listed=b"x", changes=b"", format=1)],
        Patience(timedelta(seconds=0)),
    ),
    "history": lambda: history_store.load(Entry("watchlist_a_b_1", "ENTRY", watchlist_id="watchlist_a_b_1")),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.usefixtures("address")
def test_a_connection_to_storage_that_fails_is_an_outage(call: str) -> None:
    with pytest.raises((PynamoDBException, BotoCoreError, ClientError)) as raised:
        CALLS[call]()
    assert failure_of(raised.value) is Failure.OUTAGE
    assert passes(raised.value)
    assert _explain(raised.value).code is ErrorCode.STORAGE_UNAVAILABLE


def test_an_add_that_storage_does_not_answer_is_told_to_come_again(address: str) -> None:
    watch = Watch(Repository("https://github.com", "a", "b"), "ada", {}, None)
    (refusal,) = Adding(queue_at(address), "c", clock.now()).add_batch([watch], clock.now() + timedelta(minutes=1))
    assert "did not answer" in str(refusal)


QUEUE_CALLS: dict[str, Callable[[JobQueue], object]] = {
    "send": lambda queue: queue.send(MESSAGE),
    "hide": lambda queue: queue.hide(queue.held(JobKind.REPOSITORY_SETUP, "receipt"), timedelta(0)),
    "delete": lambda queue: queue.delete(queue.held(JobKind.REPOSITORY_SETUP, "receipt")),
}


@pytest.mark.parametrize("call", QUEUE_CALLS)
def test_a_connection_to_a_queue_that_fails_is_an_outage(address: str, call: str) -> None:
    with pytest.raises(JobError) as raised:
        QUEUE_CALLS[call](queue_at(address))
    assert raised.value.code is ErrorCode.QUEUE_UNAVAILABLE


def test_a_batch_that_a_queue_does_not_answer_fails_message_by_message(address: str) -> None:
    errors = queue_at(address).send_batch({0: MESSAGE, 1: MESSAGE})
    assert {number: error.code for number, error in errors.items()} == dict.fromkeys(
        (0, 1), ErrorCode.QUEUE_UNAVAILABLE
    )


def queue_at(address: str) -> JobQueue:
    config = Config(connect_timeout=1, read_timeout=1, retries={"mode": "standard", "total_max_attempts": 2})
    client: Any = boto3.client("sqs", endpoint_url=address, region_name="eu-west-1", config=config)
    return JobQueue(client, dict.fromkeys(JobKind, f"{address}/123456789012/queue"))


def test_a_session_that_was_there_before_refuses_broken_answers_too(monkeypatch: pytest.MonkeyPatch) -> None:
    others = [each for each in handlers.BUILTIN_HANDLERS if each[1].__module__ != whole_answers.__name__]
    monkeypatch.setattr(handlers, "BUILTIN_HANDLERS", others)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    boto3.setup_default_session()
    whole_answers.demand()
    whole_answers.demand()
    with serving(answer_with_a_page) as address, reaching_address(address), pytest.raises(JobError):
        queue_at(address).send(MESSAGE)
