"""A bare repository in the scratch directory that git works on offline.

It holds what was asked for and nothing else: no remote, no refs, trees without their subtrees. No command may look
beyond what it is given.
"""

import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import IO, TypeVar

from tasks.history.byte_reader import ByteReader
from tasks.history.git_process import Git, fed
from tasks.history.limits import MIB
from watchlist.commits import FileChange
from watchlist.errors import ErrorCode, JobError

EMPTY_TREE = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
"""The id of the tree without entries, which git knows without having it."""

TREE_MODE = 0o040000
SUBMODULE_MODE = 0o160000

TreePair = tuple[str, str]
"""Two trees' ids: what was there before, what is there after."""

T = TypeVar("T")

_READ_SIZE = 64 * 1024
_PAIR = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64}) ([0-9a-f]{40}|[0-9a-f]{64})\n")
_RAW = re.compile(rb":([0-7]{6}) ([0-7]{6}) ([0-9a-f]+) ([0-9a-f]+) [A-Z][0-9]*")
_LONGEST_RECORD = MIB
_BYTES_IN_PAIR = 32 * MIB


@dataclass(frozen=True, slots=True)
class TreeEntry:
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


@dataclass(frozen=True, slots=True)
class TreeChange:
    """A path whose entry differs between two trees; None where there is no such entry."""

    path: bytes
    old: TreeEntry | None
    new: TreeEntry | None


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object of the store; `content` is None when it is larger than what was asked for."""

    oid: str
    kind: str
    size: int
    content: bytes | None


class ObjectStore:
    """The objects of one run."""

    def __init__(self, git: Git, *, object_format: str, disk: int) -> None:
        """Create an empty store where `git` runs; its packs take at most `disk` bytes."""
        self._git = git
        self._bytes_left = disk
        self.empty_tree = EMPTY_TREE[object_format]
        with git.start(["init", "--quiet", "--bare", "--template=", f"--object-format={object_format}", "."]):
            pass

    def add_pack(self, pack: ByteReader) -> None:
        """Store a pack as it arrives.

        Raises:
            JobError: the pack is damaged or breaks a limit.
        """
        argv = ["--git-dir=.", "index-pack", "--stdin", "--threads=1", f"--max-input-size={max(1, self._bytes_left)}"]
        # A large blob goes to the disk as it comes, not through memory.
        with self._git.start(argv, settings={"core.bigFileThreshold": "4m"}) as child:
            while chunk := pack.read_some(_READ_SIZE):
                child.stdin.write(chunk)
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
        options = ["--raw", "--no-abbrev", *(["-r"] if with_subtrees else [])]
        return self._differences(pairs, options, _raw_changes)

    def line_counts(self, pairs: Sequence[TreePair]) -> Iterator[tuple[TreePair, list[FileChange]]]:
        """Yield the lines of `git log --numstat --no-renames` for each two trees, their subtrees included.

        Raises:
            JobError: an object is missing or damaged, or a limit is broken.
        """
        return self._differences(pairs, ["-r", "--numstat", "--no-renames"], _file_changes)

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

    def _differences(
        self,
        pairs: Sequence[TreePair],
        options: Sequence[str],
        parse: Callable[[list[bytes]], list[T]],
    ) -> Iterator[tuple[TreePair, list[T]]]:
        argv = ["--git-dir=.", "diff-tree", "--stdin", "-z", "--no-color", "--no-ext-diff", "--no-textconv", *options]
        held: tuple[TreePair, list[bytes]] | None = None
        with self._git.start(argv) as child, fed(child, [f"{old} {new}" for old, new in pairs]):
            for found in _by_pair(_records(child.stdout)):
                if held is not None:
                    yield held[0], parse(held[1])
                held = found
        if held is not None:  # only now is it sure that git did not die in the midst of the last one
            yield held[0], parse(held[1])


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


def _by_pair(records: Iterator[bytes]) -> Iterator[tuple[TreePair, list[bytes]]]:
    """Group diff-tree's records by the line with two ids that announces each pair.

    That line ends with a newline, not with NUL, so it leads the next record. No record looks like it but a path, and a
    path stands in a record of its own only behind one that starts with a colon.
    """
    pair: TreePair | None = None
    found: list[bytes] = []
    size = 0
    for record in records:
        rest = record
        if not (found and found[-1].startswith(b":") and len(found) % 2):
            while match := _PAIR.match(rest):
                if pair is not None:
                    yield pair, found
                pair, found, size = (match[1].decode(), match[2].decode()), [], 0
                rest = rest[match.end() :]
        size += len(rest)
        if size > _BYTES_IN_PAIR:
            raise JobError(ErrorCode.OUT_OF_MEMORY, "One commit changes more paths than fit the limit.")
        if rest:
            found.append(rest)
    if pair is not None:
        yield pair, found


def _raw_changes(records: list[bytes]) -> list[TreeChange]:
    changes = []
    for meta, path in list(pairwise(records))[::2]:
        match = _RAW.fullmatch(meta)
        if match is None:
            raise JobError(ErrorCode.TRANSFER_INVALID, "git's list of changes cannot be read.")
        old_mode, new_mode = int(match[1], 8), int(match[2], 8)
        changes.append(
            TreeChange(
                path=path,
                old=TreeEntry(old_mode, match[3].decode()) if old_mode else None,
                new=TreeEntry(new_mode, match[4].decode()) if new_mode else None,
            )
        )
    return changes


def _file_changes(records: list[bytes]) -> list[FileChange]:
    changes = []
    for record in records:
        added, deleted, path = record.split(b"\t", 2)
        binary = added == b"-"
        changes.append(
            FileChange(
                path=path.decode(errors="replace"),
                added=None if binary else int(added),
                deleted=None if binary else int(deleted),
            )
        )
    return changes
