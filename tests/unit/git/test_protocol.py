import contextlib
from io import BytesIO

import pytest
from dulwich.protocol import pkt_line
from hypothesis import given
from hypothesis import strategies as st

from watchlist.errors import ErrorCode, JobError
from watchlist.git.protocol import Head, branch_of, head_request, read_capabilities, read_head

SHA = "1" * 40
FLUSH = b"0000"
SERVICE = pkt_line(b"# service=git-upload-pack\n") + FLUSH


def head_of(*lines: bytes) -> Head:
    return read_head(BytesIO(b"".join(map(pkt_line, lines)) + FLUSH).read)


def test_the_request_asks_for_no_ref_but_head() -> None:
    assert head_request().endswith(pkt_line(b"ref-prefix HEAD\n") + FLUSH)
    assert pkt_line(b"object-format=sha256\n") in head_request("sha256")


def test_head_comes_with_its_branch() -> None:
    assert head_of(f"{SHA} HEAD symref-target:refs/heads/a/b\n".encode()) == Head(SHA, "a/b", "sha1")


def test_a_detached_head_has_no_branch() -> None:
    assert head_of(f"{SHA} HEAD\n".encode()) == Head(SHA, None, "sha1")


def test_an_empty_repository_has_no_head() -> None:
    assert head_of() == Head(None, None, "sha1")
    assert head_of(b"unborn HEAD symref-target:refs/heads/main\n") == Head(None, "main", "sha1")


def test_refs_that_were_not_asked_for_do_not_count() -> None:
    assert head_of(f"{SHA} refs/heads/main\n".encode()).sha is None


def test_head_is_found_among_all_refs() -> None:
    refs = [f"{SHA} refs/heads/a-{number}\n".encode() for number in range(100)]
    assert head_of(*refs, f"{SHA} HEAD symref-target:refs/heads/main\n".encode(), *refs) == Head(SHA, "main", "sha1")


@pytest.mark.parametrize("name", ["feature/größe/日本", "-dash", "@", "v1.2", "a" * 255])
def test_a_branch_has_any_name_that_git_allows(name: str) -> None:
    assert branch_of(f"refs/heads/{name}") == name


@pytest.mark.parametrize(
    "ref", ["refs/heads/", "refs/heads/a..b", "refs/heads/a.lock", "refs/heads/\x07", "refs/tags/v1"]
)
def test_what_git_takes_for_no_branch_is_none(ref: str) -> None:
    assert branch_of(ref) is None


def test_a_branch_is_shown_in_printable_characters_and_cut() -> None:
    assert branch_of("refs/heads/a\N{RIGHT-TO-LEFT OVERRIDE}b") == "a\N{REPLACEMENT CHARACTER}b"
    assert branch_of(f"refs/heads/{'a' * 256}") == f"{'a' * 254}…"


def test_an_error_of_the_server_is_shown() -> None:
    with pytest.raises(JobError, match="no such thing") as raised:
        head_of(b"ERR no such\x07 thing")
    assert raised.value.code is ErrorCode.REPOSITORY_NOT_FOUND


def test_an_old_server_tells_head_first() -> None:
    first = f"{SHA} HEAD\0multi_ack symref=HEAD:refs/heads/main agent=git/1\n".encode()
    refs = b"".join(pkt_line(f"{SHA} refs/heads/branch-{number}\n".encode()) for number in range(1000))
    capabilities = read_capabilities(BytesIO(SERVICE + pkt_line(first) + refs + FLUSH).read)
    assert (capabilities.version, capabilities.head) == (1, Head(SHA, "main", "sha1"))


def test_a_server_of_version_1_says_so_before() -> None:
    answer = SERVICE + pkt_line(b"version 1\n") + pkt_line(f"{SHA} HEAD\0agent=git/1\n".encode()) + FLUSH
    assert read_capabilities(BytesIO(answer).read).head == Head(SHA, None, "sha1")


def test_old_servers_tell_in_two_ways_that_a_repository_is_empty() -> None:
    nothing = pkt_line(b"0" * 40 + b" capabilities^{}\0agent=git/1\n")
    for answer in (SERVICE + nothing + FLUSH, SERVICE + FLUSH):
        assert read_capabilities(BytesIO(answer).read).head == Head(None, None, "sha1")


def test_an_old_server_whose_head_is_detached_from_all_refs_tells_none() -> None:
    answer = SERVICE + pkt_line(f"{SHA} refs/heads/main\0agent=git/1\n".encode()) + FLUSH
    assert read_capabilities(BytesIO(answer).read).head is None


@given(st.binary() | st.lists(st.binary(max_size=200), max_size=5).map(lambda lines: b"".join(map(pkt_line, lines))))
def test_whatever_a_host_sends_is_read_or_refused(answer: bytes) -> None:
    for read in (read_capabilities, read_head):
        with contextlib.suppress(JobError):
            read(BytesIO(answer).read)
