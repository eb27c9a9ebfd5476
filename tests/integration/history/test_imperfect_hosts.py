"""Hosts that lack objects, break off, do not filter or speak an old protocol: what can be had of them comes.

The right values are those of git itself where it can read the repository; a host that lacks an object is served as git
serves it, which refuses each request that would reach the object.
"""

import random
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from local_service.git.server import GitServer
from tasks.child_process import ChildProcesses
from tasks.history import FetchLimits, Repository, open_repository
from tasks.history.limits import MIB
from tests.forwarding_host import Answer, body_of, forward, forwarding, send
from tests.hostile_server import HostileServer, Respond
from tests.repositories import NOW, YEAR, PlannedCommit, PlannedFile, build_repository, git, straight_line
from watchlist.errors import ErrorCode, JobError

SINCE = datetime.fromtimestamp(NOW - YEAR, UTC)
LIMITS = FetchLimits(seconds=100, stall_seconds=50, bytes_received=64 * MIB)

Open = Callable[[str], AbstractContextManager[Repository]]


@pytest.fixture
def open_at(tmp_path: Path) -> Open:
    def open_(url: str) -> AbstractContextManager[Repository]:
        children = ChildProcesses()
        scratch = tmp_path / "scratch"
        return open_repository(url, scratch=scratch, children=children, limits=LIMITS, allowed_schemes=("http",))

    return open_


@pytest.fixture
def six(tmp_path: Path) -> Path:
    """Six commits in a row, each with objects of its own."""
    return build_repository(tmp_path / "six.git", straight_line(6))


@pytest.fixture
def back(tmp_path: Path) -> Iterator[GitServer]:
    with GitServer(tmp_path) as server:
        yield server


def shas_of(path: Path) -> list[str]:
    """Return the commits that HEAD reaches, newest first."""
    return git(path, "rev-list", "HEAD").decode().split()


def lose(path: Path, name: str) -> str:
    """Take an object out of the repository and return its id."""
    oid = git(path, "rev-parse", name).decode().strip()
    (path / "objects" / oid[:2] / oid[2:]).unlink()
    return oid


def test_a_lost_blob_costs_the_counts_of_the_commits_that_need_it(open_at: Open, six: Path, back: GitServer) -> None:
    shas = shas_of(six)
    lose(six, f"{shas[3]}:src/file.txt")
    with open_at(back.url_of("six.git")) as repository:
        window = repository.commits(since=SINCE)
        assert list(window.shas) == shas
        assert window.is_complete
        assert set(dict(repository.line_counts(window))) == set(shas) - {shas[2], shas[3]}


def test_a_lost_directory_costs_the_counts_of_the_commits_that_need_it(
    open_at: Open, six: Path, back: GitServer
) -> None:
    shas = shas_of(six)
    lose(six, f"{shas[3]}:src")
    with open_at(back.url_of("six.git")) as repository:
        window = repository.commits(since=SINCE)
        assert list(window.shas) == shas
        assert set(dict(repository.line_counts(window))) == set(shas) - {shas[2], shas[3]}


@pytest.mark.parametrize("lost", ["{}", "{}^{{tree}}"], ids=["commit", "its tree"])
def test_a_lost_commit_ends_the_history_and_is_named(open_at: Open, six: Path, back: GitServer, lost: str) -> None:
    shas = shas_of(six)
    lose(six, lost.format(shas[3]))
    with open_at(back.url_of("six.git")) as repository:
        window = repository.commits(since=SINCE)
        assert list(window.shas) == shas[:3]
        assert window.lost == (shas[3],)
        assert not window.is_complete
        assert set(dict(repository.line_counts(window))) == set(shas[:2])


def test_what_lies_beside_a_lost_commit_comes(open_at: Open, tmp_path: Path, back: GitServer) -> None:
    plan = straight_line(4)
    plan += [PlannedCommit((), NOW - 90, files={b"other": PlannedFile(b"x")}), PlannedCommit((3, 4), NOW - 80)]
    path = build_repository(tmp_path / "merge.git", plan)
    [merge, side, newest, *_] = shas = shas_of(path)
    lose(path, shas[3])
    with open_at(back.url_of("merge.git")) as repository:
        window = repository.commits(since=SINCE)
        assert set(window.shas) == {merge, side, newest}
        assert window.lost == (shas[3],)


def test_a_repository_without_its_newest_commit_is_the_hosts_trouble(open_at: Open, six: Path, back: GitServer) -> None:
    lose(six, shas_of(six)[0])
    with pytest.raises(JobError) as raised, open_at(back.url_of("six.git")) as repository:
        repository.commits(since=SINCE)
    assert raised.value.code is ErrorCode.HOST_ERROR


def test_a_hosts_shallow_copy_ends_where_it_is_cut(open_at: Open, tmp_path: Path, six: Path, back: GitServer) -> None:
    shas = shas_of(six)
    git(tmp_path, "clone", "--quiet", "--bare", "--depth", "4", f"file://{six}", "shallow.git")
    with open_at(back.url_of("shallow.git")) as repository:
        window = repository.commits(since=SINCE)
        assert list(window.shas) == shas[:4]
        assert window.lost == (shas[4],)
        assert set(dict(repository.line_counts(window))) == set(shas[:3])


@pytest.mark.parametrize("cut", ["replace", "grafts"])
def test_what_the_host_replaces_for_itself_does_not_count(open_at: Open, six: Path, back: GitServer, cut: str) -> None:
    shas = shas_of(six)
    if cut == "replace":
        git(six, "replace", "--graft", shas[2])
    else:
        (six / "info").mkdir(exist_ok=True)
        (six / "info" / "grafts").write_text(f"{shas[2]}\n")
    with open_at(back.url_of("six.git")) as repository:
        assert list(repository.commits(since=SINCE).shas) == shas


def serving(open_at: Open, respond: Respond) -> tuple[tuple[str, ...], set[str]]:
    """Return the commits that such a host has, and those of them that have line counts."""
    with HostileServer(respond) as server, open_at(server.url) as repository:
        window = repository.commits(since=SINCE)
        return window.shas, set(dict(repository.line_counts(window)))


def without(pattern: bytes) -> Callable[[bytes], bytes]:
    """Return a rewriting that takes arguments out of a command."""
    return lambda body: re.sub(rb"[0-9a-f]{4}" + pattern + rb"[^\n]*\n", b"", body)


def test_a_host_that_ignores_the_filter_is_one_without(open_at: Open, tmp_path: Path, back: GitServer) -> None:
    plan = straight_line(3)
    noise = random.Random(1).randbytes(17 * MIB)  # noqa: S311 - no secret
    plan[1] = PlannedCommit((0,), NOW - 100, files={b"large": PlannedFile(noise)})
    path = build_repository(tmp_path / "large.git", plan)
    shas, counted = serving(open_at, forwarding(back, "large.git", rewrite=without(b"filter ")))
    assert list(shas) == shas_of(path)
    assert counted == set(shas)


def test_a_host_that_shows_all_refs_has_one_head(open_at: Open, six: Path, back: GitServer) -> None:
    [_, sha, *_] = shas_of(six)
    refs = "".join(f"create refs/heads/topic-{number} {sha}\n" for number in range(300))
    git(six, "update-ref", "--stdin", stdin=refs.encode())
    shas, _ = serving(open_at, forwarding(back, "six.git", rewrite=without(b"ref-prefix ")))
    assert list(shas) == shas_of(six)


def test_compressed_answers_are_read(open_at: Open, six: Path, back: GitServer) -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        answer = forward(handler, back, "six.git")
        packed = subprocess.run(["gzip", "-c"], input=answer.body, capture_output=True, check=True).stdout
        send(handler, Answer(answer.status, answer.content_type, packed), Content_Encoding="gzip")

    shas, counted = serving(open_at, respond)
    assert list(shas) == shas_of(six)
    assert counted == set(shas)


def test_a_host_that_breaks_off_large_requests_is_asked_for_less(
    open_at: Open, tmp_path: Path, back: GitServer
) -> None:
    path = build_repository(tmp_path / "forty.git", straight_line(40))

    def respond(handler: BaseHTTPRequestHandler) -> None:
        answer = forward(handler, back, "forty.git")
        if body_of(handler).count(b"want ") <= 10:
            send(handler, answer)
            return
        handler.send_response(200)
        handler.send_header("Content-Type", answer.content_type)
        handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        handler.wfile.write(answer.body[: len(answer.body) // 2])
        handler.close_connection = True

    shas, counted = serving(open_at, respond)
    assert list(shas) == shas_of(path)
    assert counted == set(shas)


def test_an_outage_in_the_midst_is_no_gap_in_the_history(open_at: Open, six: Path, back: GitServer) -> None:
    path, fetches = six, 0

    def respond(handler: BaseHTTPRequestHandler) -> None:
        nonlocal fetches
        fetches += b"command=fetch" in body_of(handler)
        if fetches > 1:
            handler.send_error(500)
        else:
            send(handler, forward(handler, back, path.name))

    with pytest.raises(JobError) as raised:
        serving(open_at, respond)
    assert raised.value.code is ErrorCode.HOST_ERROR


@pytest.mark.parametrize("copy", ["whole", "shallow"])
def test_a_host_of_the_old_protocol_is_read_with_its_tags(
    open_at: Open, tmp_path: Path, six: Path, back: GitServer, copy: str
) -> None:
    shas = shas_of(six)
    for number, sha in enumerate(shas):
        git(six, "-c", "user.name=T", "-c", "user.email=t@example.org", "tag", "-a", "-m", "x", f"v{number}", sha)
    git(tmp_path, "clone", "--quiet", "--bare", "--depth", "4", f"file://{six}", "shallow.git")
    name, expected = ("six.git", shas) if copy == "whole" else ("shallow.git", shas[:4])
    found, _ = serving(open_at, forwarding(back, name, drop_version=True))
    assert list(found) == expected


def test_a_checkout_leaves_out_what_lies_too_deep_and_links_to_nowhere(
    open_at: Open, tmp_path: Path, back: GitServer
) -> None:
    deep = b"d/" * 1500 + b"file"
    files = {b"README": PlannedFile(b"x"), deep: PlannedFile(b"x"), b"empty": PlannedFile(b"", "120000")}
    build_repository(tmp_path / "deep.git", [PlannedCommit(files=files)])
    with open_at(back.url_of("deep.git")) as repository:
        assert [path.name for path in repository.check_out().iterdir()] == ["README"]
