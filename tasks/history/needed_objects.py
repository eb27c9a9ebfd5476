"""Which trees and blobs the line counts need, found from the root trees.

Where many commits follow on a few, they share most of their trees: these come whole, but for large files, if that is
not out of proportion (a small change in a huge repository). Else each level's trees are fetched in one request and
compared without their subtrees: only what differs is looked into, so nothing that is not read is transferred. Equal
pairs are looked at once, whatever number of paths leads to them; that also makes a tree bomb (a few kilobytes that
stand for 10^10 paths) as cheap as it is small.
"""

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Protocol

from tasks.history.store import ObjectStore, TreeChange, TreePair
from watchlist.errors import JobError

MOST_LEVELS = 128
"""Directories nest no deeper than this in a commit whose lines are counted."""

_MANY_PAIRS = 128
_FEW_STARTS = 16
_OBJECTS_FOR_A_PAIR = 40
_BYTES_FOR_A_PAIR = 10 * 1024


@dataclass(frozen=True, slots=True)
class NeededObjects:
    """What the differences need besides the trees.

    Attributes:
        blobs: ids of the files whose content differs, each with a name that it has somewhere, without its folder.
        files_changed: how many paths differ between each two trees; a pair is absent when it nests too deep.
    """

    blobs: Mapping[str, bytes]
    files_changed: Mapping[TreePair, int]


class TreeSource(Protocol):
    """Where the trees come from; see Source."""

    @property
    def store(self) -> ObjectStore:
        """The store that they come into."""

    def fetch_trees_whole(self, trees: Sequence[str], *, most_objects: int, most_bytes: int) -> bool:
        """Fetch trees with all that is below them, but for large files."""

    def fetch_objects(self, oids: Iterable[str]) -> None:
        """Fetch what was not asked for before."""

    def fetch_missing_objects(self, oids: Iterable[str]) -> None:
        """Fetch what is not in the store."""


def find_needed_objects(roots: Iterable[TreePair], source: TreeSource) -> NeededObjects:
    """Compare the trees of `roots` down to the blobs.

    Raises:
        JobError: from fetching or comparing.
    """
    pairs = list(dict.fromkeys(roots))
    starts = {old for old, _ in pairs} - {new for _, new in pairs}
    if len(pairs) >= _MANY_PAIRS and len(starts) <= _FEW_STARTS:
        came = source.fetch_trees_whole(
            _trees(pairs, source),
            most_objects=len(pairs) * _OBJECTS_FOR_A_PAIR,
            most_bytes=len(pairs) * _BYTES_FOR_A_PAIR,
        )
        with contextlib.suppress(JobError):  # a tree bomb, or a tree that did not come: level by level can do with both
            if came:
                return _compare_whole(pairs, source.store)
    return _compare_level_by_level(pairs, source)


def _compare_whole(pairs: Sequence[TreePair], store: ObjectStore) -> NeededObjects:
    blobs: dict[str, bytes] = {}
    files: dict[TreePair, int] = {}
    for pair, changes in store.changes(pairs, with_subtrees=True):
        files[pair] = len(changes)
        blobs.update(_blobs(changes))
    return NeededObjects(blobs, files)


def _compare_level_by_level(pairs: Sequence[TreePair], source: TreeSource) -> NeededObjects:
    blobs: dict[str, bytes] = {}
    subtrees: dict[TreePair, Counter[TreePair]] = {}
    files: dict[TreePair, int] = {}
    level = list(pairs)
    for _ in range(MOST_LEVELS):
        if not level:
            break
        for pair, changes in _changes(level, source):
            subtrees[pair] = Counter(_subtree_pairs(changes, source.store.empty_tree))
            files[pair] = sum(any(entry and not entry.is_tree for entry in (c.old, c.new)) for c in changes)
            blobs.update(_blobs(changes))
        level = list(
            dict.fromkeys(below for pair in level for below in subtrees.get(pair, ()) if below not in subtrees)
        )
    return NeededObjects(blobs, _files_changed(subtrees, files))


def _changes(level: Sequence[TreePair], source: TreeSource) -> Iterator[tuple[TreePair, list[TreeChange]]]:
    """Fetch one level's trees and compare them.

    git passes over a pair of which it has not both trees. That happens when a wanted tree lies in another wanted one:
    the server takes it for filtered out. So what was passed over is looked for once more.
    """
    source.fetch_objects(_trees(level, source))
    compared = set()
    for pair, changes in source.store.changes(level):
        compared.add(pair)
        yield pair, changes
    left = [pair for pair in level if pair not in compared]
    if left:
        source.fetch_missing_objects(_trees(left, source))
        yield from source.store.changes(left)


def _trees(pairs: Iterable[TreePair], source: TreeSource) -> list[str]:
    return list(dict.fromkeys(oid for pair in pairs for oid in pair if oid != source.store.empty_tree))


def _subtree_pairs(changes: Iterable[TreeChange], empty_tree: str) -> Iterator[TreePair]:
    for change in changes:
        old, new = (entry.oid if entry and entry.is_tree else empty_tree for entry in (change.old, change.new))
        if old != new:
            yield old, new


def _blobs(changes: Iterable[TreeChange]) -> Iterator[tuple[str, bytes]]:
    for change in changes:
        if change.old and change.new and change.old.oid == change.new.oid:
            continue  # only the mode differs: no content is read
        name = change.path.rpartition(b"/")[2]
        yield from ((entry.oid, name) for entry in (change.old, change.new) if entry and entry.is_blob)


def _files_changed(
    subtrees: Mapping[TreePair, Counter[TreePair]], files: Mapping[TreePair, int]
) -> Mapping[TreePair, int]:
    """Add up what differs below each pair, the deepest first; a tree cannot contain itself, so there is an order."""
    total: dict[TreePair, int] = {}
    for pair in TopologicalSorter(subtrees).static_order():
        if pair in files and all(below in total for below in subtrees[pair]):
            total[pair] = files[pair] + sum(total[below] * times for below, times in subtrees[pair].items())
    return total
