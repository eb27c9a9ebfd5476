"""How the trees of many commits differ, found from their root trees.

Where many commits follow on a few, they share most of their trees: these come whole, but for large files, if that is
not out of proportion (a small change in a huge repository). Else each level's trees are fetched in one request and
compared without their subtrees: only what differs is looked into, so nothing that is not read is transferred. What
nests deeper than directories ever do comes whole at last, if it is small. Equal pairs are looked at once, whatever
number of paths leads to them; that also makes a tree bomb (a few kilobytes that stand for 10^10 paths) as cheap as it
is small.
"""

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from typing import Protocol

from tasks.history.limits import MIB, TooManyChangesError
from tasks.history.parallel import in_parallel
from tasks.history.store import ContentPair, TreeChange, TreePair
from watchlist.errors import ErrorCode, JobError

MOST_LEVELS = 128
"""Directories are looked into one level after the other as deep as this; what lies below comes whole or not at all."""

_USUAL_PATH = 256
"""Bytes of a path that are not worth counting."""

_OBJECTS_BELOW = 100_000
_BYTES_BELOW = 16 * MIB
"""Most that comes of what lies below. Nobody nests so deep but who tries it, and by programs' mistakes."""

_MANY_PAIRS = 128
_FEW_STARTS = 16
_OBJECTS_FOR_A_PAIR = 40
_BYTES_FOR_A_PAIR = 10 * 1024


class TreeStore(Protocol):
    """Where trees are compared; see ObjectStore."""

    @property
    def empty_tree(self) -> str:
        """The id of a tree that holds nothing."""

    def changes(
        self, pairs: Sequence[TreePair], *, with_subtrees: bool = False
    ) -> Iterable[tuple[TreePair, list[TreeChange]]]:
        """Yield what differs between each two trees."""


class TreeSource(Protocol):
    """Where the trees come from; see Source."""

    @property
    def store(self) -> TreeStore:
        """The store that they come into."""

    def fetch_trees_whole(self, trees: Sequence[str], *, most_objects: int, most_bytes: int) -> bool:
        """Fetch trees with all that is below them, but for large files."""

    def fetch_objects(self, oids: Iterable[str]) -> None:
        """Fetch what was not asked for before."""

    def fetch_missing_objects(self, oids: Iterable[str]) -> None:
        """Fetch what is not in the store."""


class TreeDifferences:
    """What differs between each two trees.

    Attributes:
        files_changed: how many files differ between each two trees; a pair is absent when not all of its trees could be
            had, or when what nests too deep is too much.
        least_files_changed: how many differ at least: a directory that was not looked into counts as one.
        path_bytes: how much the whole paths of the files that are known to differ take together.
    """

    def __init__(self, changes: Mapping[TreePair, Sequence[TreeChange]], empty_tree: str) -> None:
        """Take the changes of each pair; where a change is one of directories, these are a pair of their own."""
        self._changes = changes
        self._empty_tree = empty_tree
        subtrees = {pair: Counter(subtree_pairs(found, empty_tree)) for pair, found in changes.items()}
        files = {pair: sum(change.content is not None for change in found) for pair, found in changes.items()}
        self.files_changed, self.least_files_changed = _files_changed(subtrees, files)
        self.path_bytes = self._path_bytes()

    def _path_bytes(self) -> Mapping[TreePair, int]:
        size: dict[TreePair, int] = {}
        for pair in self.least_files_changed:  # the deepest come first
            size[pair] = 0
            for change in self._changes[pair]:
                below = list(subtree_pairs([change], self._empty_tree))
                files = sum(self.least_files_changed.get(each, 1) for each in below) + (change.content is not None)
                size[pair] += (len(change.path) + 1) * files + sum(size.get(each, 0) for each in below)
        return size

    def contents(self, pairs: Iterable[TreePair]) -> dict[ContentPair, bytes]:
        """Return each content that differs between two trees or below them, with a file name that it has."""
        found: dict[ContentPair, bytes] = {}
        ahead = list(pairs)
        seen = set(ahead)
        while ahead:
            changes = self._changes.get(ahead.pop(), ())
            found.update((change.content, change.name) for change in changes if change.content)
            below = set(subtree_pairs(changes, self._empty_tree)) - seen
            seen |= below
            ahead += below
        return found

    def files(self, pair: TreePair) -> Iterator[tuple[bytes, ContentPair]]:
        """Yield path and content of each file that differs between two trees, in git's order."""
        for change in self._changes[pair]:
            if change.content:
                yield change.path, change.content
            for below in subtree_pairs([change], self._empty_tree):
                yield from ((change.path + b"/" + path, content) for path, content in self.files(below))


def find_differences(roots: Iterable[TreePair], source: TreeSource, *, most_changes: int) -> TreeDifferences:
    """Compare the trees of `roots` down to their files.

    Raises:
        JobError: from fetching or comparing, or more than `most_changes` differ.
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
                whole = source.store.changes(pairs, with_subtrees=True)
                return TreeDifferences(bounded(whole, {}, most_changes), source.store.empty_tree)
    return TreeDifferences(_compare_level_by_level(pairs, source, most_changes), source.store.empty_tree)


def subtree_pairs(changes: Iterable[TreeChange], empty_tree: str) -> Iterator[TreePair]:
    """Yield what has to be compared to know what changed inside of directories."""
    for change in changes:
        old, new = (entry.oid if entry and entry.is_tree else empty_tree for entry in (change.old, change.new))
        if old != new:
            yield old, new


def _compare_level_by_level(
    roots: Sequence[TreePair], source: TreeSource, most_changes: int
) -> dict[TreePair, list[TreeChange]]:
    changes: dict[TreePair, list[TreeChange]] = {}
    level = list(roots)
    for _ in range(MOST_LEVELS):
        if not level:
            break
        bounded(compare_level(level, source), changes, most_changes)
        below = (pair for above in level for pair in subtree_pairs(changes.get(above, ()), source.store.empty_tree))
        level = [pair for pair in dict.fromkeys(below) if pair not in changes]
    if level:
        _compare_below(level, source, changes, most_changes)
    return changes


def _compare_below(
    level: Sequence[TreePair], source: TreeSource, changes: dict[TreePair, list[TreeChange]], most_changes: int
) -> None:
    """Compare trees with all that is below them, as far as it can be had; what is left out is only known to differ."""
    if not source.fetch_trees_whole(_trees(level, source), most_objects=_OBJECTS_BELOW, most_bytes=_BYTES_BELOW):
        return
    for pair in level:
        try:
            bounded(source.store.changes([pair], with_subtrees=True), changes, most_changes)
        except JobError as error:
            if error.code is ErrorCode.REPOSITORY_TOO_LARGE:
                raise


def bounded(
    found: Iterable[tuple[TreePair, list[TreeChange]]], into: dict[TreePair, list[TreeChange]], most_changes: int
) -> dict[TreePair, list[TreeChange]]:
    """Put what is found into `into` and return it.

    Raises:
        JobError: it holds more than `most_changes` then, or from what finds.
    """
    left = most_changes - sum(map(_cost, into.values()))
    for pair, changes in found:
        into[pair] = changes
        left -= _cost(changes)
        if left < 0:
            message = "The commits of one year change more files than allowed."
            raise TooManyChangesError(ErrorCode.REPOSITORY_TOO_LARGE, message, sum(map(len, into.values())))
    return into


def cost_of(path: bytes) -> int:
    """Return for how many changes one counts: most paths for one, long ones by the memory that they take."""
    return 1 + len(path) // _USUAL_PATH


def _cost(changes: Iterable[TreeChange]) -> int:
    return sum(cost_of(change.path) for change in changes)


def compare_level(level: Sequence[TreePair], source: TreeSource) -> Iterator[tuple[TreePair, list[TreeChange]]]:
    """Fetch one level's trees and compare them; a pair of which a tree cannot be had is left out.

    git passes over a pair of which it has not both trees. That happens when a wanted tree lies in another wanted one:
    the server takes it for filtered out. So what was passed over is looked for once more.
    """
    source.fetch_objects(_trees(level, source))
    compared = set()
    for found in in_parallel(lambda some: list(source.store.changes(some)), level):
        compared |= {pair for pair, _ in found}
        yield from found
    left = [pair for pair in level if pair not in compared]
    if left:
        source.fetch_missing_objects(_trees(left, source))
        yield from source.store.changes(left)


def _trees(pairs: Iterable[TreePair], source: TreeSource) -> list[str]:
    return list(dict.fromkeys(oid for pair in pairs for oid in pair if oid != source.store.empty_tree))


def _files_changed(
    subtrees: Mapping[TreePair, Counter[TreePair]], files: Mapping[TreePair, int]
) -> tuple[Mapping[TreePair, int], Mapping[TreePair, int]]:
    """Add up what differs below each pair, the deepest first; a tree cannot contain itself, so there is an order.

    Returns:
        the numbers that are known, and the least that the others can be.
    """
    total: dict[TreePair, int] = {}
    least: dict[TreePair, int] = {}
    for pair in TopologicalSorter(subtrees).static_order():
        if pair not in files:
            continue
        least[pair] = files[pair] + sum(least.get(below, 1) * times for below, times in subtrees[pair].items())
        if all(below in total for below in subtrees[pair]):
            total[pair] = least[pair]
    return total, least
