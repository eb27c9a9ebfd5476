"""Commits out of packs, honest and hostile."""

import contextlib
import tracemalloc
import zlib
from collections.abc import Iterator
from hashlib import sha1

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.history.byte_reader import ByteReader
from tasks.history.pack_stream import OBJECT_BYTES, OBJECT_COST, UnfilteredPackError, commits_in
from watchlist.errors import ErrorCode, JobError

COMMIT, TREE, BLOB, TAG, OFS_DELTA, REF_DELTA = 1, 2, 3, 4, 6, 7


def reader(data: bytes, size: int = 7) -> ByteReader:
    chunks = (data[start : start + size] for start in range(0, len(data), size))
    return ByteReader(lambda: next(chunks, b""))


def pack(*objects: bytes, count: int | None = None) -> bytes:
    header = b"PACK" + (2).to_bytes(4, "big") + (len(objects) if count is None else count).to_bytes(4, "big")
    return header + b"".join(objects) + b"\0" * 20


def packed(kind: int, content: bytes, *, base: bytes = b"", size: int | None = None) -> bytes:
    left = len(content) if size is None else size
    byte, left = (kind << 4) | (left & 15), left >> 4
    header = bytearray()
    while left:
        header.append(byte | 0x80)
        byte, left = left & 0x7F, left >> 7
    header.append(byte)
    return bytes(header) + base + zlib.compress(content)


def delta(base: bytes, result: bytes) -> bytes:
    """Insert everything, copy nothing."""
    assert len(base) < 128
    assert len(result) < 128
    return bytes([len(base), len(result), len(result)]) + result


def oid(content: bytes) -> str:
    return sha1(b"commit %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def found_in(data: bytes, **options: int) -> list[tuple[str, bytes]]:
    return list(commits_in(reader(data), object_format="sha1", commit_bytes=options.get("commit_bytes", 10_000)))


def test_commits_come_with_their_ids_and_other_objects_do_not() -> None:
    data = pack(packed(COMMIT, b"one"), packed(TAG, b"tag"), packed(COMMIT, b"two"))
    assert found_in(data) == [(oid(b"one"), b"one"), (oid(b"two"), b"two")]


def test_a_delta_against_an_earlier_offset_is_resolved() -> None:
    first = packed(COMMIT, b"base")
    data = pack(first, packed(OFS_DELTA, delta(b"base", b"patched"), base=bytes([len(first)])))
    assert found_in(data)[1] == (oid(b"patched"), b"patched")


def test_a_delta_against_an_id_is_resolved_even_when_the_base_comes_later() -> None:
    base_id = bytes.fromhex(oid(b"base"))
    data = pack(packed(REF_DELTA, delta(b"base", b"patched"), base=base_id), packed(COMMIT, b"base"))
    assert found_in(data) == [(oid(b"base"), b"base"), (oid(b"patched"), b"patched")]


@pytest.mark.parametrize("kind", [TREE, BLOB])
def test_a_pack_of_a_server_that_does_not_filter_is_told(kind: int) -> None:
    found = commits_in(reader(pack(packed(COMMIT, b"one"), packed(kind, b""))), object_format="sha1", commit_bytes=9999)
    assert next(found) == (oid(b"one"), b"one")
    with pytest.raises(UnfilteredPackError):
        next(found)


def test_waiting_deltas_cost_memory_although_they_are_empty() -> None:
    bases = [bytes([number]) * 20 for number in range(100)]
    with pytest.raises(JobError) as raised:
        found_in(pack(*(packed(REF_DELTA, b"", base=base) for base in bases)), commit_bytes=20_000)
    assert raised.value.code is ErrorCode.REPOSITORY_TOO_LARGE


MANY = 5_000
"""Enough objects for what each takes to outweigh what all share."""


def id_of(number: int) -> bytes:
    return sha1(b"%d" % number, usedforsecurity=False).digest()


@pytest.mark.parametrize(
    "objects",
    [
        [packed(COMMIT, b"%d" % number) for number in range(MANY)],
        [packed(COMMIT, b"the same")] * MANY,
        [packed(REF_DELTA, b"\0\0", base=id_of(number)) for number in range(MANY)],
        [packed(REF_DELTA, b"\0\0", base=id_of(1))] * MANY,
        [packed(COMMIT, b"base")]
        + [
            packed(REF_DELTA, delta(b"base", b"%d" % number), base=bytes.fromhex(oid(b"base")))
            for number in range(MANY)
        ],
        [packed(REF_DELTA, delta(b"base", b"%d" % number), base=bytes.fromhex(oid(b"base"))) for number in range(MANY)]
        + [packed(COMMIT, b"base")],
    ],
    ids=["commits", "one commit", "waiting deltas", "deltas waiting for one", "deltas", "deltas before their base"],
)
def test_tiny_objects_take_no_more_memory_than_is_counted(objects: list[bytes]) -> None:
    data = pack(*objects)
    commits = commits_in(reader(data, size=len(data)), object_format="sha1", commit_bytes=1_000_000_000)
    tracemalloc.start()
    try:
        for _ in commits:
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak <= len(objects) * OBJECT_COST + len(data)
    assert peak > len(objects) * 100  # it is measured at all


def test_small_deltas_that_make_large_objects_are_counted_one_by_one() -> None:
    base = b"x" * 0xFFFF
    copies = OBJECT_BYTES // 2 // len(base)
    size = copies * len(base)
    bomb = varint(len(base)) + varint(size) + b"\xb0\xff\xff" * copies
    waiting = [packed(REF_DELTA, bomb, base=bytes.fromhex(oid(base)))] * 40
    data = pack(*waiting, packed(COMMIT, base))
    tracemalloc.start()
    try:
        with pytest.raises(JobError) as raised:
            found_in(data, commit_bytes=OBJECT_BYTES // 2)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert raised.value.code is ErrorCode.REPOSITORY_TOO_LARGE
    assert peak < 4 * OBJECT_BYTES


def varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def test_a_delta_of_a_tag_is_skipped() -> None:
    first = packed(TAG, b"base")
    data = pack(first, packed(OFS_DELTA, delta(b"base", b"other"), base=bytes([len(first)])), packed(COMMIT, b"one"))
    assert found_in(data) == [(oid(b"one"), b"one")]


def test_sha256_ids_are_longer() -> None:
    [(found, _)] = commits_in(reader(pack(packed(COMMIT, b"one"))), object_format="sha256", commit_bytes=1000)
    assert len(found) == 64


def test_commits_beyond_the_limit_are_too_large() -> None:
    with pytest.raises(JobError) as raised:
        found_in(pack(*(packed(COMMIT, b"%d" % n * 10) for n in range(100))), commit_bytes=500)
    assert raised.value.code is ErrorCode.REPOSITORY_TOO_LARGE


@pytest.mark.parametrize(
    "data",
    [
        b"JUNK" + pack(packed(COMMIT, b"one"))[4:],
        b"",
        b"PACK",
        pack(count=1),
        pack(packed(0, b"")),
        pack(packed(5, b"")),
        pack(packed(COMMIT, b"short", size=OBJECT_BYTES + 1)),
        pack(packed(COMMIT, b"short", size=4)),
        pack(packed(COMMIT, b"short", size=6)),
        pack(packed(COMMIT, b"base"), packed(OFS_DELTA, b"", base=b"\x0d")),
        pack(b"\x90" + b"\x80" * 30),
        pack(packed(OFS_DELTA, b"", base=b"\x80" * 30)),
    ],
)
def test_a_damaged_pack_is_invalid(data: bytes) -> None:
    with pytest.raises(JobError) as raised:
        found_in(data)
    assert raised.value.code is ErrorCode.TRANSFER_INVALID


def test_a_delta_that_claims_a_huge_result_is_invalid() -> None:
    first = packed(COMMIT, b"base")
    huge = bytes([4]) + b"\xff\xff\xff\xff\x7f" + bytes([0x90, 4]) * 1000
    with pytest.raises(JobError) as raised:
        found_in(pack(first, packed(OFS_DELTA, huge, base=bytes([len(first)]))))
    assert raised.value.code is ErrorCode.TRANSFER_INVALID


@given(st.lists(st.binary(max_size=60), max_size=8), st.integers(1, 50))
def test_any_commits_come_through_in_any_chunks(contents: list[bytes], size: int) -> None:
    data = pack(*(packed(COMMIT, content) for content in contents))
    found = list(commits_in(reader(data, size), object_format="sha1", commit_bytes=10_000))
    assert found == [(oid(content), content) for content in contents]


@given(st.binary(max_size=300))
def test_garbage_ends_in_a_typed_error_or_nothing(garbage: bytes) -> None:
    def read() -> Iterator[tuple[str, bytes]]:
        return commits_in(reader(pack(garbage, count=3)), object_format="sha1", commit_bytes=10_000)

    with contextlib.suppress(JobError, UnfilteredPackError):
        list(read())


def test_what_was_read_too_far_can_be_given_back() -> None:
    source = reader(b"abcdefgh", size=8)
    assert source.read_some(5) == b"abcde"
    source.unread(2)
    assert source.offset == 3
    assert source.read(10) == b"defgh"
    with pytest.raises(ValueError, match="given back"):
        source.unread(9)
