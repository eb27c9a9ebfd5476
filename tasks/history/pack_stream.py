"""Commits and tags out of a pack while it arrives: deltas are resolved, nothing is stored.

A pack with trees or blobs comes from a server that ignores the filter, as the protocol allows; it is for the store.
"""

import contextlib
import zlib
from collections.abc import Iterator
from hashlib import sha1, sha256
from typing import TYPE_CHECKING

from dulwich.errors import ApplyDeltaError
from dulwich.pack import OFS_DELTA, REF_DELTA, UnpackedObject, apply_delta, read_zlib_chunks

from tasks.history.byte_reader import ByteReader
from tasks.history.limits import MIB
from watchlist.errors import ErrorCode, JobError

if TYPE_CHECKING:
    from hashlib import _Hash

OBJECT_BYTES = 16 * MIB
"""The largest object that is unpacked in memory; no honest commit comes near."""

_COMMIT = 1
_TAG = 4
_TREE_OR_BLOB = {2, 3}
_NAMES = {_COMMIT: b"commit", _TAG: b"tag"}
OBJECT_COST = 512
"""Bytes that an object takes in memory besides its content, rounded up: empty ones are not free."""
_KINDS = {_COMMIT, 2, 3, 4, OFS_DELTA, REF_DELTA}
_INFLATE_STEP = 4096
_VARINT_BYTES = 10


class UnfilteredPackError(Exception):
    """The pack holds trees or blobs: the server does not filter."""


def commits_in(stream: ByteReader, *, object_format: str, commit_bytes: int) -> Iterator[tuple[str, bytes]]:
    """Yield id and content of each commit of the pack, in the pack's order.

    Raises:
        UnfilteredPackError: a tree or a blob came; commits may have come before.
        JobError: TRANSFER_INVALID for what is no pack, REPOSITORY_TOO_LARGE for more than `commit_bytes` of commits.
    """
    with _damage_explained():
        yield from _Unpacker(stream, object_format, commit_bytes, frozenset({_COMMIT})).objects()


def commits_and_tags_in(stream: ByteReader, *, object_format: str, most_bytes: int) -> Iterator[tuple[str, bytes]]:
    """Yield id and content of each commit and each annotated tag of the pack; a tag may stand for a tree or a blob.

    Raises:
        JobError: TRANSFER_INVALID for what is no pack, REPOSITORY_TOO_LARGE for more than `most_bytes` of it all.
    """
    with _damage_explained():
        yield from _Unpacker(stream, object_format, most_bytes, frozenset({_COMMIT, _TAG})).objects()


@contextlib.contextmanager
def _damage_explained() -> Iterator[None]:
    try:
        yield
    except (zlib.error, ApplyDeltaError, ValueError, AssertionError, IndexError) as error:
        raise JobError(ErrorCode.TRANSFER_INVALID, "The host sent a damaged pack.") from error


class _Unpacker:
    def __init__(self, stream: ByteReader, object_format: str, commit_bytes: int, wanted: frozenset[int]) -> None:
        self._stream = stream
        self._wanted = wanted
        self._new_hash = sha256 if object_format == "sha256" else sha1
        self._bytes_left = commit_bytes
        self._by_offset: dict[int, tuple[int, bytes]] = {}
        self._by_id: dict[bytes, tuple[int, bytes]] = {}
        self._waiting: dict[bytes, list[tuple[int, bytes]]] = {}

    def objects(self) -> Iterator[tuple[str, bytes]]:
        for _ in range(self._read_header()):
            offset = self._stream.offset
            kind, size = self._read_object_header()
            if kind in _TREE_OR_BLOB:
                if _TAG not in self._wanted:
                    raise UnfilteredPackError
                self._spend(len(self._inflate(size)))
                continue
            if kind == OFS_DELTA:
                base = self._by_offset.get(offset - self._read_distance())
                delta = self._inflate(size)
                if base is not None:
                    yield from self._deliver(offset, base[0], _patched(base[1], delta))
            elif kind == REF_DELTA:
                base_id = self._read_exactly(self._new_hash().digest_size)
                delta = self._inflate(size)
                if base_id in self._by_id:
                    base_kind, content = self._by_id[base_id]
                    yield from self._deliver(offset, base_kind, _patched(content, delta))
                else:
                    self._spend(len(delta))
                    self._waiting.setdefault(base_id, []).append((offset, delta))
            elif kind in self._wanted:
                yield from self._deliver(offset, kind, self._inflate(size))
            else:
                self._inflate(size)

    def _deliver(self, offset: int, kind: int, content: bytes) -> Iterator[tuple[str, bytes]]:
        """Yield an object, and those whose deltas waited for it, which are of the same kind.

        Each is made only when it is its turn: small deltas can make large objects, and all of them together would be in
        memory before the first one is counted.
        """
        ready = [(offset, content, b"")]
        while ready:
            offset, base, delta = ready.pop()
            content = _patched(base, delta) if delta else base
            self._spend(len(content))
            digest = self._digest(kind, content)
            self._by_offset[offset] = self._by_id[digest.digest()] = kind, content
            yield digest.hexdigest(), content
            ready += [(at, content, waited) for at, waited in self._waiting.pop(digest.digest(), ())]

    def _digest(self, kind: int, content: bytes) -> "_Hash":
        digest = self._new_hash(b"%b %d\0" % (_NAMES[kind], len(content)), usedforsecurity=False)
        digest.update(content)
        return digest

    def _spend(self, count: int) -> None:
        self._bytes_left -= count + OBJECT_COST
        if self._bytes_left < 0:
            raise JobError(ErrorCode.REPOSITORY_TOO_LARGE, "The commits of one year do not fit the limit.")

    def _read_exactly(self, size: int) -> bytes:
        data = self._stream.read(size)
        if len(data) != size:
            raise ValueError("the pack ends early")
        return data

    def _read_header(self) -> int:
        header = self._read_exactly(12)
        if header[:4] != b"PACK" or int.from_bytes(header[4:8], "big") not in {2, 3}:
            raise ValueError("no pack")
        return int.from_bytes(header[8:], "big")

    def _read_object_header(self) -> tuple[int, int]:
        byte = self._read_exactly(1)[0]
        kind, size, shift = (byte >> 4) & 7, byte & 15, 4
        while byte & 0x80:
            byte = self._read_exactly(1)[0]
            size |= (byte & 0x7F) << shift
            shift += 7
            if shift > 7 * _VARINT_BYTES:
                raise ValueError("an object without end")
        if kind not in _KINDS:
            raise ValueError("an object of no kind")
        return kind, size

    def _read_distance(self) -> int:
        byte = self._read_exactly(1)[0]
        distance = byte & 0x7F
        for _ in range(_VARINT_BYTES):
            if not byte & 0x80:
                return distance
            byte = self._read_exactly(1)[0]
            distance = (distance + 1) << 7 | (byte & 0x7F)
        raise ValueError("a distance without end")

    def _inflate(self, size: int) -> bytes:
        if size > OBJECT_BYTES:
            raise ValueError("an object too large for a commit")
        unpacked = UnpackedObject(_COMMIT, decomp_len=size)
        unused = read_zlib_chunks(self._stream.read_some, unpacked, buffer_size=_INFLATE_STEP)
        self._stream.unread(len(unused))
        return b"".join(unpacked.decomp_chunks)


def _patched(base: bytes, delta: bytes) -> bytes:
    if _result_size(delta) > OBJECT_BYTES:
        raise ValueError("an object too large for a commit")
    return b"".join(apply_delta(base, delta))


def _result_size(delta: bytes) -> int:
    position = 0
    for _ in range(2):  # the base's size stands first
        size = shift = 0
        while True:
            byte = delta[position]
            position += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
    return size
