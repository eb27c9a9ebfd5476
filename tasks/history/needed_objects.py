"""Which trees and blobs the line counts need, found level by level from the root trees.

Each level's trees are fetched in one request, then compared without their subtrees: only what differs is looked into,
so nothing that is not read is transferred. Equal pairs are looked at once, whatever number of paths leads to them; that
also makes a tree bomb (a few kilobytes that stand for 10^10 paths) as cheap as it is small.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

from tasks.history.store import ObjectStore, TreeChange, TreePair

MOST_LEVELS = 128
"""Directories nest no deeper than this in a commit whose lines are counted."""


@dataclass(frozen=True, slots=True)
class NeededObjects:
    """What the differences need besides the trees.

    Attributes:
        blobs: ids of the files whose content differs, each once.
        files_changed: how many paths differ between each two trees; a pair is absent when it nests too deep.
    """

    blobs: tuple[str, ...]
    files_changed: Mapping[TreePair, int]


def find_needed_objects(
    roots: Iterable[TreePair], store: ObjectStore, fetch_trees: Callable[[Sequence[str]], None]
) -> NeededObjects:
    """Compare the trees of `roots` down to the blobs; `fetch_trees` must put trees into the store.

    Raises:
        JobError: from fetching or comparing.
    """
    blobs: dict[str, None] = {}
    subtrees: dict[TreePair, Counter[TreePair]] = {}
    files: dict[TreePair, int] = {}
    level = list(dict.fromkeys(roots))
    for _ in range(MOST_LEVELS):
        if not level:
            break
        fetch_trees(list(dict.fromkeys(oid for pair in level for oid in pair if oid != store.empty_tree)))
        for pair, changes in store.changes(level):
            subtrees[pair] = Counter(_subtree_pairs(changes, store.empty_tree))
            files[pair] = sum(any(entry and not entry.is_tree for entry in (c.old, c.new)) for c in changes)
            blobs.update(dict.fromkeys(_blobs(changes)))
        level = list(
            dict.fromkeys(below for pair in level for below in subtrees.get(pair, ()) if below not in subtrees)
        )
    return NeededObjects(tuple(blobs), _files_changed(subtrees, files))


def _subtree_pairs(changes: Iterable[TreeChange], empty_tree: str) -> Iterator[TreePair]:
    for change in changes:
        old, new = (entry.oid if entry and entry.is_tree else empty_tree for entry in (change.old, change.new))
        if old != new:
            yield old, new


def _blobs(changes: Iterable[TreeChange]) -> Iterator[str]:
    for change in changes:
        if change.old and change.new and change.old.oid == change.new.oid:
            continue  # only the mode differs: no content is read
        yield from (entry.oid for entry in (change.old, change.new) if entry and entry.is_blob)


def _files_changed(
    subtrees: Mapping[TreePair, Counter[TreePair]], files: Mapping[TreePair, int]
) -> Mapping[TreePair, int]:
    """Add up what differs below each pair, the deepest first; a tree cannot contain itself, so there is an order."""
    total: dict[TreePair, int] = {}
    for pair in TopologicalSorter(subtrees).static_order():
        if pair in files and all(below in total for below in subtrees[pair]):
            total[pair] = files[pair] + sum(total[below] * times for below, times in subtrees[pair].items())
    return total
