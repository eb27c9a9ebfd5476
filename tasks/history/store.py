"""A bare repository in the scratch directory that git works on offline.

It holds what was asked for and nothing else: no remote, no refs, trees without their subtrees. No command may look
beyond what it is given.
"""

import hashlib
import os
import re
import stat
import threading
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, NamedTuple

from tasks.history.byte_reader import ByteReader
from tasks.history.git_process import Git, fed
from tasks.history.limits import MIB, TooManyChangesError
from watchlist.errors import ErrorCode, JobError

EMPTY_TREE = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
"""The id of the tree without entries, which git knows without having it."""

_RawChange = tuple[bytes, bytes]
"""What git says of a change, and its path."""

TREE_MODE = 0o040000
SUBMODULE_MODE = 0o160000

TreePair = tuple[str, str]
"""Two trees' ids: what was there before, what is there after."""

_NOTHING_EXTERNAL = ("--no-color", "--no-ext-diff", "--no-textconv")
_ABSENT = b"000000"
_READ_SIZE = 64 * 1024
_PAIR = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64}) ([0-9a-f]{40}|[0-9a-f]{64})\n")
_RAW = re.compile(rb":([0-7]{6}) ([0-7]{6}) ([0-9a-f]+) ([0-9a-f]+) [A-Z][0-9]*")
_LONGEST_RECORD = MIB
_BYTES_IN_PAIR = 32 * MIB


class TreeEntry(NamedTuple):
    """One entry of a tree."""

    mode: int
    oid: str

    @property
    def is_tree(self) -> bool:
        """Whether it is a directory."""
        return self.mode == TREE_MODE

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.mode)

    @property
    def is_blob(self) -> bool:
        """Whether it is a file or a symbolic link."""
        return self.mode not in {TREE_MODE, SUBMODULE_MODE}


ContentPair = tuple[TreeEntry | None, TreeEntry | None]
"""What a path was before and what it is after; None where it was or is no file (or link, or submodule)."""


@dataclass(frozen=True, slots=True)
class TreeChange:
    """A path whose entry differs between two trees; None where there is no such entry."""

    path: bytes
    old: TreeEntry | None
    new: TreeEntry | None

    @property
    def name(self) -> bytes:
        """The path's last part."""
        return self.path.rpartition(b"/")[2]

    @property
    def content(self) -> ContentPair | None:
        """The change as one of a file; None when it is only one of a directory."""
        old, new = (entry and (None if entry.is_tree else entry) for entry in (self.old, self.new))
        return (old, new) if old or new else None


class LineCount(NamedTuple):
    """Lines added and deleted; both None where git takes the content for binary."""

    added: int | None
    deleted: int | None


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object of the store; `content` is None when it is larger than what was asked for."""

    oid: str
    kind: str
    size: int
    content: bytes | None


class ObjectStore:
    """The objects of one run; threads may add packs and count lines at the same time."""

    def __init__(self, git: Git, *, object_format: str, disk: int) -> None:
        """Create an empty store where `git` runs; its packs take at most `disk` bytes."""
        self._git = git
        self._object_format = object_format
        self._bytes_left = disk
        self._lock = threading.Lock()
        self._entries: dict[tuple[bytes, bytes], TreeEntry] = {}
        self.empty_tree = EMPTY_TREE[object_format]
        with git.start(["init", "--quiet", "--bare", "--template=", f"--object-format={object_format}", "."]):
            pass

    def add_pack(self, pack: ByteReader, *, threads: int = 1) -> None:
        """Store a pack as it arrives, with so many threads to resolve its deltas.

        Raises:
            JobError: the pack is damaged or breaks a limit.
        """
        most = max(1, self._bytes_left)
        argv = ["--git-dir=.", "index-pack", "--stdin", f"--threads={threads}", f"--max-input-size={most}"]
        # A large blob goes to the disk as it comes, not through memory.
        with self._git.start(argv, settings={"core.bigFileThreshold": "4m"}) as child:
            while chunk := pack.read_some(_READ_SIZE):
                child.stdin.write(chunk)
                with self._lock:
                    self._bytes_left -= len(chunk)
            child.stdin.close()
            child.stdout.read()

    def changes(
        self, pairs: Sequence[TreePair], *, with_subtrees: bool = False
    ) -> Iterator[tuple[TreePair, list[TreeChange]]]:
        """Yield what differs between each two trees; without their subtrees, no other object is read.

        Raises:
            JobError: a tree is missing or damaged, or a limit is broken.
        """
        argv = ["--git-dir=.", "diff-tree", "--stdin", "-z", "--raw", "--no-abbrev", *_NOTHING_EXTERNAL]
        held: tuple[TreePair, list[_RawChange]] | None = None
        with (
            self._git.start([*argv, "-r"] if with_subtrees else argv) as child,
            fed(child, [f"{old} {new}" for old, new in pairs]),
        ):
            for found in _by_pair(_records(child.stdout)):
                if held is not None:
                    yield held[0], self._raw_changes(held[1])
                held = found
        if held is not None:  # only now is it sure that git did not die in the midst of the last one
            yield held[0], self._raw_changes(held[1])

    def line_counts(self, contents: Sequence[ContentPair]) -> dict[ContentPair, LineCount]:
        """Return how many lines differ, as `git log --numstat --no-renames` counts them.

        git compares trees; so two are made of the contents, with numbers as file names.

        Raises:
            JobError: an object is missing or damaged, or a limit is broken.
        """
        if not contents:
            return {}
        old, new = (self._write_tree([pair[side] for pair in contents]) for side in (0, 1))
        argv = ["--git-dir=.", "diff-tree", "-z", "--numstat", "--no-renames", *_NOTHING_EXTERNAL, old, new]
        with self._git.start(argv) as child:
            records = list(_records(child.stdout))
        return {contents[int(number, 16)]: count for number, count in map(_line_count, records)}

    def read(self, oids: Sequence[str], *, largest: int) -> Iterator[StoredObject]:
        """Yield the objects in order; those that are missing are left out.

        Raises:
            JobError: an object is damaged, or a limit is broken.
        """
        with self._git.start(["--git-dir=.", "cat-file", "--batch", "--buffer"]) as child, fed(child, oids):
            while header := child.stdout.readline():
                oid, kind, *size = header.decode().split()
                if kind == "missing":
                    continue
                yield StoredObject(oid, kind, int(size[0]), _content(child.stdout, int(size[0]), largest))

    def missing(self, oids: Sequence[str]) -> list[str]:
        """Return those of `oids` that are not in the store."""
        with (
            self._git.start(["--git-dir=.", "cat-file", "--batch-check=%(objectname)", "--buffer"]) as child,
            fed(child, oids),
        ):
            said = child.stdout.read().decode()
        return [line.removesuffix(" missing") for line in said.splitlines() if line.endswith(" missing")]

    def commits(self) -> list[str]:
        """Return the ids of all commits in the store."""
        argv = [
            "cat-file",
            "--batch-all-objects",
            "--unordered",
            "--buffer",
            "--batch-check=%(objecttype) %(objectname)",
        ]
        with self._git.start(["--git-dir=.", *argv]) as child:
            return [line[7:-1].decode() for line in child.stdout if line.startswith(b"commit ")]

    def entry(self, tree: str, name: str) -> TreeEntry | None:
        """Return the entry of that name in `tree` itself, or None.

        Raises:
            JobError: the tree is missing or damaged, or a limit is broken.
        """
        with self._git.start(["--git-dir=.", "ls-tree", "-z", "--full-tree", tree, "--", name]) as child:
            return next((entry for path, entry in map(_tree_entry, _records(child.stdout)) if path == name), None)

    def entries(self, tree: str) -> Iterator[tuple[str, TreeEntry]]:
        """Yield path and entry of everything below `tree` but directories; paths are as git stores them.

        Raises:
            JobError: a tree is missing or damaged, or a limit is broken.
        """
        with self._git.start(["--git-dir=.", "ls-tree", "-r", "-z", "--full-tree", tree]) as child:
            yield from map(_tree_entry, _records(child.stdout))

    def _raw_changes(self, records: list[_RawChange]) -> list[TreeChange]:
        changes = []
        for meta, path in records:
            match = _RAW.fullmatch(meta)
            if match is None:
                raise JobError(ErrorCode.TRANSFER_INVALID, "git's list of changes cannot be read.")
            old, new = self._entry(match[1], match[3]), self._entry(match[2], match[4])
            changes.append(TreeChange(path=path, old=old, new=new))
        return changes

    def _entry(self, mode: bytes, oid: bytes) -> TreeEntry | None:
        if mode == _ABSENT:
            return None
        return self._entries.setdefault((mode, oid), TreeEntry(int(mode, 8), oid.decode()))

    def _write_tree(self, entries: Sequence[TreeEntry | None]) -> str:
        """Store a tree of these entries, named by their numbers, as a loose object; return its id."""
        content = b"".join(
            b"%o %08x\0%b" % (entry.mode, number, bytes.fromhex(entry.oid))
            for number, entry in enumerate(entries)
            if entry is not None
        )
        content = b"tree %d\0%b" % (len(content), content)
        oid = hashlib.new(self._object_format, content, usedforsecurity=False).hexdigest()
        path = self._git.directory / "objects" / oid[:2] / oid[2:]
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            written = path.with_name(f"tmp_obj_{threading.get_ident()}")
            written.write_bytes(zlib.compress(content, 1))
            written.replace(path)  # at once: git may be reading an equal tree, of another thread's contents
        return oid


def _line_count(record: bytes) -> tuple[bytes, LineCount]:
    added, deleted, path = record.split(b"\t")
    return path, LineCount(None, None) if added == b"-" else LineCount(int(added), int(deleted))


def _tree_entry(record: bytes) -> tuple[str, TreeEntry]:
    meta, _, path = record.partition(b"\t")
    mode, _, oid = meta.decode().split(" ")
    return os.fsdecode(path), TreeEntry(int(mode, 8), oid)


def _content(stdout: IO[bytes], size: int, largest: int) -> bytes | None:
    if size <= largest:
        content = stdout.read(size)
        stdout.read(1)
        return content
    left = size + 1
    while left and (chunk := stdout.read(min(left, _READ_SIZE))):
        left -= len(chunk)
    return None


def _records(stdout: IO[bytes]) -> Iterator[bytes]:
    """Split at NUL; what follows the last one comes last."""
    rest = b""
    while chunk := stdout.read1(_READ_SIZE):  # type: ignore[attr-defined] # a BufferedReader
        *records, rest = (rest + chunk).split(b"\0")
        yield from records
        if len(rest) > _LONGEST_RECORD:
            raise JobError(ErrorCode.TRANSFER_INVALID, "The repository holds a path without end.")
    if rest:
        yield rest


def _by_pair(records: Iterator[bytes]) -> Iterator[tuple[TreePair, list[_RawChange]]]:
    """Group diff-tree's records by the line with two ids that announces each pair.

    A change is two records: what changed, and its path. An announcement ends with a newline, not with NUL, so it leads
    the record that follows it.
    """
    pair: TreePair | None = None
    found: list[_RawChange] = []
    size = 0
    for record in records:
        change = record
        while match := _PAIR.match(change):
            if pair is not None:
                yield pair, found
            pair, found, size = (match[1].decode(), match[2].decode()), [], 0
            change = change[match.end() :]
        if change:
            path = next(records, b"")
            found.append((change, path))
            size += len(change) + len(path)
            if size > _BYTES_IN_PAIR:
                message = "One commit changes more paths than fit the limit."
                raise TooManyChangesError(ErrorCode.OUT_OF_MEMORY, message, len(found))
    if pair is not None:
        yield pair, found
