"""Whatever a host or a repository does, it ends in a typed error within its limits, and nothing is left behind."""

import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from dulwich.protocol import pkt_line

from local_service.git.server import GitServer
from tasks.child_process import ChildProcesses
from tasks.history import FetchLimits, Repository, open_repository
from tests.hostile_server import ADVERTISEMENT, HostileServer, Respond, in_side_band, reply, repository_whose_fetch_says
from tests.repositories import NOW, YEAR, PlannedCommit, PlannedFile, build_repository, git, straight_line
from watchlist.errors import ErrorCode, JobCancelledError, JobError

MIB = 1024 * 1024
EMPTY = PlannedFile(b"")
TIGHT = FetchLimits(seconds=100, stall_seconds=50, bytes_received=4 * MIB, commit_bytes=MIB)
IMPATIENT = FetchLimits(seconds=100, stall_seconds=0.5)
SINCE = datetime.fromtimestamp(NOW - YEAR, UTC)


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """Give a scratch folder and hold that it is empty in the end."""
    folder = tmp_path / "scratch"
    yield folder
    assert list(folder.iterdir()) == []


Open = Callable[..., AbstractContextManager[Repository]]


@pytest.fixture
def open_at(scratch: Path) -> Open:
    def open_(url: str, limits: FetchLimits = TIGHT, children: ChildProcesses | None = None) -> object:
        return open_repository(
            url, scratch=scratch, children=children or ChildProcesses(), limits=limits, allowed_schemes=("http",)
        )

    return open_  # type: ignore[return-value] # the callable's optional arguments


def code_of(open_at: Open, respond: Respond, limits: FetchLimits = TIGHT) -> ErrorCode:
    with HostileServer(respond) as server, pytest.raises(JobError) as raised, open_at(server.url, limits) as repository:
        repository.commits(since=SINCE)
    return raised.value.code


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, ErrorCode.REPOSITORY_REQUIRES_LOGIN),
        (403, ErrorCode.REPOSITORY_REQUIRES_LOGIN),
        (404, ErrorCode.REPOSITORY_NOT_FOUND),
        (410, ErrorCode.REPOSITORY_NOT_FOUND),
        (451, ErrorCode.REPOSITORY_NOT_FOUND),
        (400, ErrorCode.REPOSITORY_UNSUPPORTED),
        (429, ErrorCode.HOST_RATE_LIMITED),
        (500, ErrorCode.HOST_ERROR),
        (503, ErrorCode.HOST_ERROR),
    ],
)
def test_each_http_status_has_its_code(open_at: Open, status: int, code: ErrorCode) -> None:
    assert code_of(open_at, lambda handler: reply(handler, status=status)) is code


@pytest.mark.parametrize("location", ["https://elsewhere.example/owner/name", "/explore"])
def test_a_redirect_elsewhere_is_reported_and_not_followed(open_at: Open, location: str) -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        reply(handler, status=301, location=location)

    with HostileServer(respond) as server:
        with pytest.raises(JobError) as raised, open_at(server.url) as repository:
            repository.head()
        assert raised.value.code is ErrorCode.REPOSITORY_MOVED
        assert location in raised.value.message
        assert len(server.requests) == 1


def test_redirects_in_a_circle_end(open_at: Open) -> None:
    names = {"/owner/name": "/owner/other", "/owner/other": "/owner/name"}

    def respond(handler: BaseHTTPRequestHandler) -> None:
        reply(handler, status=301, location=names[handler.path.partition("/info/refs")[0]] + "/info/refs")

    with HostileServer(respond) as server:
        with pytest.raises(JobError) as raised, open_at(server.url) as repository:
            repository.head()
        assert raised.value.code is ErrorCode.HOST_ERROR
        assert len(server.requests) == 6


def test_a_redirect_to_the_same_name_with_git_at_its_end_is_followed(open_at: Open) -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        path, _, query = handler.path.partition("?")
        if ".git/" not in path:
            reply(handler, status=301, location=path.replace("/owner/name/", "/owner/name.git/") + "?" + query)
        elif handler.command == "GET":
            reply(handler, ADVERTISEMENT)
        else:
            reply(handler, b"0000")

    with HostileServer(respond) as server, open_at(server.url) as repository:
        assert repository.head().sha is None


def test_a_page_is_no_repository(open_at: Open) -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        reply(handler, b"<html>", content_type="text/html")

    assert code_of(open_at, respond) is ErrorCode.REPOSITORY_UNSUPPORTED


@pytest.mark.parametrize(
    "body", [b"", b"0000", b"zzzz", b"0003", b"fff", b"ffff" + b"x" * 70_000, b"000eversion 3\n0000"]
)
def test_an_advertisement_that_is_not_gits_is_invalid(open_at: Open, body: bytes) -> None:
    assert code_of(open_at, lambda handler: reply(handler, body)) is ErrorCode.TRANSFER_INVALID


def test_a_host_that_never_answers_times_out(open_at: Open) -> None:
    stopping = threading.Event()
    try:
        assert code_of(open_at, _silent_until(stopping), IMPATIENT) is ErrorCode.TRANSFER_TIMED_OUT
    finally:
        stopping.set()


@pytest.mark.parametrize("head_first", [True, False], ids=["in-its-body", "in-its-headers"])
def test_a_host_that_trickles_times_out(open_at: Open, *, head_first: bool) -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        if head_first:
            reply(handler, (chunk for chunk in _slowly(b"0" * 1000)))
        else:
            for chunk in _slowly(b"HTTP/1.1 200 OK\r\n" + b"X-Header: value\r\n" * 50):
                handler.wfile.write(chunk)

    assert code_of(open_at, respond, IMPATIENT) is ErrorCode.TRANSFER_TIMED_OUT


def test_a_host_that_sends_just_enough_not_to_stall_meets_the_total_time(open_at: Open) -> None:
    limits = FetchLimits(seconds=1, stall_seconds=0.5, stall_bytes=1)

    def respond(handler: BaseHTTPRequestHandler) -> None:
        reply(handler, (pkt_line(b"version 2\n") for _ in _slowly(b"0" * 1000)))

    assert code_of(open_at, respond, limits) is ErrorCode.TRANSFER_TIMED_OUT


def test_a_closed_port_is_unreachable(open_at: Open) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(JobError) as raised, open_at(f"http://127.0.0.1:{port}/a/b") as repository:
        repository.head()
    assert raised.value.code is ErrorCode.HOST_UNREACHABLE


@pytest.mark.parametrize(
    "url", ["https://github.com/a/b", "file:///etc", "ext::sh", "http://u:p@127.0.0.1/a/b", "http://", "http://[", "-x"]
)
def test_only_allowed_urls_are_opened(tmp_path: Path, url: str) -> None:
    with (
        pytest.raises(JobError) as raised,
        open_repository(url, scratch=tmp_path, children=ChildProcesses(), allowed_schemes=("http",)),
    ):
        pass
    assert raised.value.code is ErrorCode.HOST_NOT_ALLOWED


def test_an_endless_list_of_refs_is_cut(open_at: Open) -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        if handler.command == "GET":
            reply(handler, ADVERTISEMENT)
        else:
            reply(handler, _endless(pkt_line(b"1" * 40 + b" refs/heads/x\n")))

    assert code_of(open_at, respond) is ErrorCode.REPOSITORY_TOO_LARGE


def test_an_endless_list_of_shallow_commits_is_cut(open_at: Open) -> None:
    respond = repository_whose_fetch_says(lambda: _endless(pkt_line(b"shallow " + b"1" * 40 + b"\n") * 1000))
    assert code_of(open_at, respond) is ErrorCode.REPOSITORY_TOO_LARGE


def test_an_endless_advertisement_is_cut(open_at: Open) -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        reply(handler, _endless(pkt_line(b"version 2\n")))

    assert code_of(open_at, respond) is ErrorCode.TRANSFER_INVALID


def test_an_endless_pack_is_cut(open_at: Open) -> None:
    def pack() -> Iterator[bytes]:
        yield b"PACK" + (2).to_bytes(4, "big") + (2**32 - 1).to_bytes(4, "big")
        yield from _endless(_packed(1, b"tree %b\n" % (b"1" * 40)) * 100)

    respond = repository_whose_fetch_says(lambda: in_side_band(pack()))
    assert code_of(open_at, respond) is ErrorCode.REPOSITORY_TOO_LARGE


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"JUNK" * 10,
        b"PACK" + (9).to_bytes(4, "big") + (1).to_bytes(4, "big"),
        b"PACK" + (2).to_bytes(4, "big") + (1).to_bytes(4, "big"),
        b"PACK" + (2).to_bytes(4, "big") + (1).to_bytes(4, "big") + b"\x95" + b"\xff" * 40,
        b"PACK" + (2).to_bytes(4, "big") + (1).to_bytes(4, "big") + b"\x90" * 40,
        b"PACK" + (2).to_bytes(4, "big") + (1).to_bytes(4, "big") + b"\x1f" + b"no zlib",
    ],
)
def test_a_pack_that_is_none_is_invalid(open_at: Open, content: bytes) -> None:
    respond = repository_whose_fetch_says(lambda: in_side_band([content] if content else []))
    assert code_of(open_at, respond) is ErrorCode.TRANSFER_INVALID


def test_a_commit_that_inflates_without_end_is_invalid(open_at: Open) -> None:
    header = b"PACK" + (2).to_bytes(4, "big") + (1).to_bytes(4, "big") + _object_header(1, 100)
    bomb = header + zlib.compress(bytes(64 * MIB))
    respond = repository_whose_fetch_says(lambda: in_side_band([bomb]))
    assert code_of(open_at, respond) is ErrorCode.TRANSFER_INVALID


def test_an_error_in_the_side_band_is_the_hosts(open_at: Open) -> None:
    respond = repository_whose_fetch_says(lambda: [pkt_line(b"packfile\n"), pkt_line(b"\x03out of disk\n")])
    assert code_of(open_at, respond) is ErrorCode.HOST_ERROR


def test_a_host_that_refuses_to_send_head_is_in_error(open_at: Open) -> None:
    respond = repository_whose_fetch_says(lambda: [pkt_line(b"ERR upload-pack: not our ref\n")])
    assert code_of(open_at, respond) is ErrorCode.HOST_ERROR


def test_cancelling_ends_a_read_that_waits(open_at: Open) -> None:
    children, stopping = ChildProcesses(), threading.Event()
    threading.Timer(0.3, children.kill_all).start()
    patient = FetchLimits(seconds=60, stall_seconds=60)
    started = time.monotonic()
    with (
        HostileServer(_silent_until(stopping)) as server,
        pytest.raises(JobCancelledError),
        open_at(server.url, patient, children) as repository,
    ):
        repository.head()
    stopping.set()
    assert time.monotonic() - started < 50  # it did not wait for the host


def test_cancelling_between_commits_and_line_counts_stops_there(tmp_path: Path, open_at: Open) -> None:
    build_repository(tmp_path / "it.git", straight_line(3))
    children = ChildProcesses()
    with GitServer(tmp_path) as server, open_at(server.url_of("it.git"), TIGHT, children) as repository:
        window = repository.commits(since=SINCE)
        children.kill_all()
        with pytest.raises(JobCancelledError):
            dict(repository.line_counts(window))


def test_an_idle_connection_that_the_host_closed_is_opened_again(open_at: Open) -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True  # without saying so in a header
        reply(handler, ADVERTISEMENT if handler.command == "GET" else b"0000")

    with HostileServer(respond) as server, open_at(server.url) as repository:
        assert repository.head().sha is None


def test_a_tree_bomb_costs_only_its_own_line_counts(tmp_path: Path, open_at: Open) -> None:
    bare = build_repository(tmp_path / "bomb.git", straight_line(2))
    tree = git(bare, "rev-parse", "main^{tree}").decode().strip()
    for _ in range(12):
        lines = "".join(f"040000 tree {tree}\td{number}\n" for number in range(10))
        tree = git(bare, "mktree", "--missing", stdin=lines.encode()).decode().strip()
    identity = f"A <a@b> {NOW + 1} +0000"
    parent = git(bare, "rev-parse", "main").decode().strip()
    commit = f"tree {tree}\nparent {parent}\nauthor {identity}\ncommitter {identity}\n\nbomb\n"
    bomb = git(bare, "hash-object", "-t", "commit", "-w", "--stdin", stdin=commit.encode()).decode().strip()
    git(bare, "update-ref", "refs/heads/main", bomb)
    limits = FetchLimits(checkout_files=1000)
    with GitServer(tmp_path) as server, open_at(server.url_of("bomb.git"), limits) as repository:
        window = repository.commits(since=SINCE)
        counted = dict(repository.line_counts(window))
        assert window.commits[0].sha == bomb
        assert set(counted) == set(window.shas) - {bomb}
        with pytest.raises(JobError) as raised:
            repository.check_out()
        assert raised.value.code is ErrorCode.OUT_OF_DISK


def test_a_file_too_large_for_memory_costs_only_its_own_line_counts(tmp_path: Path, open_at: Open) -> None:
    plan = straight_line(3)
    plan[1] = PlannedCommit((0,), NOW - 100, files={b"zero": PlannedFile(b"0" * (160 * MIB))})
    build_repository(tmp_path / "zero.git", plan)
    limits = FetchLimits(seconds=120, memory=128 * MIB)
    with GitServer(tmp_path) as server, open_at(server.url_of("zero.git"), limits) as repository:
        window = repository.commits(since=SINCE)
        assert set(dict(repository.line_counts(window))) == {window.shas[0], window.shas[2]}


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (FetchLimits(bytes_received=MIB), ErrorCode.REPOSITORY_TOO_LARGE),
        (FetchLimits(disk=MIB), ErrorCode.OUT_OF_DISK),
        (FetchLimits(objects=1), ErrorCode.REPOSITORY_TOO_LARGE),
    ],
    ids=["bytes", "disk", "objects"],
)
def test_a_broken_limit_leaves_the_commits_without_line_counts(
    tmp_path: Path, open_at: Open, limits: FetchLimits, code: ErrorCode
) -> None:
    noise = b"".join(zlib.crc32(b"%d" % number).to_bytes(4, "big") for number in range(500_000))
    build_repository(tmp_path / "noise.git", [PlannedCommit(files={b"noise": PlannedFile(noise), b"a/b": EMPTY})])
    with GitServer(tmp_path) as server, open_at(server.url_of("noise.git"), limits) as repository:
        window = repository.commits(since=SINCE)
        assert len(window.commits) == 1
        with pytest.raises(JobError) as raised:
            dict(repository.line_counts(window))
        assert raised.value.code is code
        assert repository.least_files_changed.get(window.shas[0], 0) <= 2


def test_what_is_left_of_the_objects_serves_the_commits_that_need_less(tmp_path: Path, open_at: Open) -> None:
    plan = straight_line(5)
    for number, name in ((1, b"a"), (3, b"b")):
        folders = {b"%b%d/%b%d" % (name, folder, name, folder): EMPTY for folder in range(30)}
        plan[number] = replace(plan[number], files=folders)
    build_repository(tmp_path / "two.git", plan)
    with GitServer(tmp_path) as server, open_at(server.url_of("two.git"), FetchLimits(objects=50)) as repository:
        window = repository.commits(since=SINCE)
        counted: dict[str, object] = {}
        with pytest.raises(JobError) as raised:
            counted.update(repository.line_counts(window))
        assert raised.value.code is ErrorCode.REPOSITORY_TOO_LARGE
        assert len(counted) == 4
        assert all(least <= 30 for least in repository.least_files_changed.values())


def test_a_commit_that_changes_too_many_files_is_left_out(tmp_path: Path, open_at: Open) -> None:
    plan = straight_line(3)
    plan[1] = PlannedCommit((0,), NOW - 100, files={b"d/%d" % number: EMPTY for number in range(20)})
    build_repository(tmp_path / "many.git", plan)
    with (
        GitServer(tmp_path) as server,
        open_at(server.url_of("many.git"), FetchLimits(files_in_commit=10)) as repository,
    ):
        window = repository.commits(since=SINCE)
        assert set(dict(repository.line_counts(window))) == {window.shas[0], window.shas[2]}
        assert repository.least_files_changed[window.shas[1]] == 20


def files_in_folders(count: int) -> dict[bytes, PlannedFile]:
    """Plan files that differ, each in a folder of its own."""
    return {b"%d/f" % number: PlannedFile(b"%d" % number) for number in range(count)}


def test_a_commit_of_too_many_directories_leaves_the_others_alone(tmp_path: Path, open_at: Open) -> None:
    plan = straight_line(6)
    plan[4] = PlannedCommit((3,), NOW - 90, files=files_in_folders(200))
    build_repository(tmp_path / "deep.git", plan)
    with GitServer(tmp_path) as server, open_at(server.url_of("deep.git"), FetchLimits(changes=256)) as repository:
        window = repository.commits(since=SINCE)
        counted = dict(repository.line_counts(window))
        left_out = window.shas[1]
        assert set(counted) == set(window.shas) - {left_out}
        assert repository.least_files_changed[left_out] >= 1


def test_files_below_more_directories_than_are_looked_into_one_by_one_are_counted(
    tmp_path: Path, open_at: Open
) -> None:
    plan = straight_line(3)
    deep = b"/".join([b"d"] * 140)
    plan[1] = PlannedCommit((0,), NOW - 100, files={b"%b/%d" % (deep, n): PlannedFile(b"%d\n" % n) for n in range(210)})
    build_repository(tmp_path / "deep.git", plan)
    with GitServer(tmp_path) as server, open_at(server.url_of("deep.git")) as repository:
        window = repository.commits(since=SINCE)
        files = dict(repository.line_counts(window))[window.shas[1]]
        assert {(change.path, change.added) for change in files} >= {(f"{deep.decode()}/{n}", 1) for n in range(210)}


@pytest.mark.parametrize("limits", [FetchLimits(paths_in_commit=50_000), FetchLimits(paths=50_000)], ids=["one", "all"])
def test_paths_too_long_to_be_held_cost_their_commit_its_counts_but_not_its_number_of_files(
    tmp_path: Path, open_at: Open, limits: FetchLimits
) -> None:
    plan = straight_line(3)
    plan[1] = PlannedCommit((0,), NOW - 100, files={b"%b/%d" % (b"d" * 1000, n): EMPTY for n in range(60)})
    build_repository(tmp_path / "long.git", plan)
    with GitServer(tmp_path) as server, open_at(server.url_of("long.git"), limits) as repository:
        window = repository.commits(since=SINCE)
        assert set(dict(repository.line_counts(window))) == {window.shas[0], window.shas[2]}
        assert repository.least_files_changed[window.shas[1]] >= 60


def test_few_changes_of_very_long_paths_are_not_said_to_be_many(tmp_path: Path, open_at: Open) -> None:
    plan = straight_line(3)
    plan[1] = PlannedCommit((0,), NOW - 100, files={b"%d%b" % (n, b"d" * 30_000): EMPTY for n in range(9)})
    build_repository(tmp_path / "long.git", plan)
    with GitServer(tmp_path) as server, open_at(server.url_of("long.git"), FetchLimits(changes=512)) as repository:
        window = repository.commits(since=SINCE)
        assert window.shas[1] not in dict(repository.line_counts(window))
        assert repository.least_files_changed.get(window.shas[1], 0) <= 10


def test_the_objects_that_one_commit_needs_are_not_taken_from_the_others(tmp_path: Path, open_at: Open) -> None:
    plan = straight_line(5)
    plan[2] = PlannedCommit(
        (1,), NOW - 100, files={b"%d/f" % number: PlannedFile(b"%d" % number) for number in range(90)}
    )
    build_repository(tmp_path / "wide.git", plan)
    with GitServer(tmp_path) as server, open_at(server.url_of("wide.git"), FetchLimits(objects=60)) as repository:
        window = repository.commits(since=SINCE)
        assert len(dict(repository.line_counts(window))) == 4


def test_a_name_with_a_blank_is_served(tmp_path: Path, open_at: Open) -> None:
    build_repository(tmp_path / "a b.git", straight_line(1))
    with GitServer(tmp_path) as server, open_at(server.url_of("a b.git")) as repository:
        assert repository.head().branch == "main"


def test_the_server_serves_nothing_outside_its_folder(tmp_path: Path, open_at: Open) -> None:
    build_repository(tmp_path / "outside.git", straight_line(1))
    (tmp_path / "root").mkdir()
    with (
        GitServer(tmp_path / "root") as server,
        pytest.raises(JobError) as raised,
        open_at(f"{server.url}/%2e%2e/outside.git") as repository,
    ):
        repository.head()
    assert raised.value.code in {ErrorCode.REPOSITORY_NOT_FOUND, ErrorCode.HOST_ERROR}


def _silent_until(stopping: threading.Event) -> Respond:
    def respond(_: BaseHTTPRequestHandler) -> None:
        stopping.wait(50)

    return respond


def _slowly(data: bytes) -> Iterator[bytes]:
    for start in range(len(data)):
        time.sleep(0.05)
        yield data[start : start + 1]


def _endless(chunk: bytes) -> Iterable[bytes]:
    while True:
        yield chunk


def _packed(kind: int, content: bytes) -> bytes:
    return _object_header(kind, len(content)) + zlib.compress(content)


def _object_header(kind: int, size: int) -> bytes:
    byte, size = (kind << 4) | (size & 15), size >> 4
    header = bytearray()
    while size:
        header.append(byte | 0x80)
        byte, size = size & 0x7F, size >> 7
    header.append(byte)
    return bytes(header)
