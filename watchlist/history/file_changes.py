"""The changed files of a commit as they are kept with it: compressed, and bounded however many there are.

A refresh computes the metrics and the baseline of a repository from all of its commits anew, so it needs the files of
those that it does not fetch again.
"""

import json
import zlib
from collections.abc import Iterator, Sequence

from watchlist import limits
from watchlist.history.commits import Commit, FileChange

OTHER_FILES = ""
"""The path under which files beyond the bound are kept as one, with their lines; no file has it."""

_UNPACKED_BYTES = 16 * 1024 * 1024


def changed_paths(commit: Commit) -> frozenset[str]:
    """Return the paths of the files for which the commit counts, each once; none for a merge, nor while not known."""
    if commit.is_merge:
        return frozenset()
    return frozenset(change.path for change in commit.files or () if change.path != OTHER_FILES)


def pack(changes: Sequence[FileChange]) -> bytes:
    """Return the changes as bytes, bounded."""
    for most in _smaller_and_smaller():
        packed = zlib.compress(_to_json(_bounded(changes, most)))
        if len(packed) <= limits.CHANGED_FILES_BYTES:
            return packed
    raise AssertionError("one change without a path always fits")


def unpack(packed: bytes) -> tuple[FileChange, ...]:
    """Return the changes that were packed.

    Raises:
        ValueError: the bytes are not what `pack` returns.
    """
    text = zlib.decompressobj().decompress(packed, _UNPACKED_BYTES)
    return tuple(FileChange(path, added, deleted) for path, added, deleted in json.loads(text))


def _bounded(changes: Sequence[FileChange], most: int) -> tuple[FileChange, ...]:
    if len(changes) <= most:
        return tuple(changes)
    ranked = sorted(changes, key=lambda change: -_lines(change))
    others = ranked[most:]
    added, deleted = (sum(change.added or 0 for change in others), sum(change.deleted or 0 for change in others))
    return (*ranked[:most], FileChange(OTHER_FILES, added, deleted))


def _lines(change: FileChange) -> int:
    return (change.added or 0) + (change.deleted or 0)


def _to_json(changes: Sequence[FileChange]) -> bytes:
    return json.dumps(
        [(change.path, change.added, change.deleted) for change in changes], separators=(",", ":")
    ).encode()


def _smaller_and_smaller() -> Iterator[int]:
    most = limits.CHANGED_FILES
    while most:
        yield most
        most //= 2
    yield 0
