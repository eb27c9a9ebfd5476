"""What merges bring in that is in none of their parents, as git's combined differences (`git log -c`) find it.

A merge is looked at only where it differs from every parent, directory by directory: of an ordinary one that is little,
whatever its branches hold. A file counts where the parents agree on it (all have the same, or none has it) and the
merge has another: no way of merging leads there. Where the parents themselves differ, a file like neither is how every
merge of two changes looks, so it does not count. Nor does a new file that a parent has under another path: merges move
files, as into a directory that one side renamed.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tasks.history.store import TreeChange, TreeEntry, TreePair
from tasks.history.tree_differences import (
    MOST_LEVELS,
    TreeDifferences,
    TreeSource,
    bounded,
    compare_level,
    cost_of,
    find_differences,
)
from watchlist.errors import ErrorCode, JobError


@dataclass(frozen=True, slots=True)
class MergedTrees:
    """A merge's root trees.

    Attributes:
        sha: the merge.
        parents: the trees of its parents.
        tree: its own.
    """

    sha: str
    parents: tuple[str, ...]
    tree: str


@dataclass(frozen=True, slots=True)
class _Place:
    """A directory of a merge that differs from that of every parent; `path` ends in a slash but for the root."""

    trees: MergedTrees
    path: bytes = b""


def find_brought_in(
    merges: Sequence[MergedTrees], source: TreeSource, *, most_changes: int
) -> Mapping[str, list[TreeChange]]:
    """Return the files that merges bring in, by the merges' ids; a merge that brings in nothing is absent.

    Raises:
        FetchRefusedError: the server does not give objects by name.
        JobError: from fetching or comparing, or more than `most_changes` differ.
    """
    found: dict[str, list[TreeChange]] = {}
    compared: dict[TreePair, list[TreeChange]] = {}
    level = [_Place(trees) for trees in merges if trees.tree not in trees.parents]
    looked_at = 0
    for _ in range(MOST_LEVELS):
        looked_at += sum(cost_of(place.path) for place in level)
        if not level or looked_at > most_changes:
            break
        pairs = dict.fromkeys((parent, place.trees.tree) for place in level for parent in place.trees.parents)
        bounded(compare_level([pair for pair in pairs if pair not in compared], source), compared, most_changes)
        below: list[_Place] = []
        for place in level:
            for change, olds in _unlike_every_parent(place, compared):
                if _is_directory(change):
                    below.append(_below(place, change, olds, source.store.empty_tree))
                elif len(set(olds)) == 1:
                    path = place.path + change.path
                    found.setdefault(place.trees.sha, []).append(TreeChange(path, change.old, change.new))
                    looked_at += cost_of(path)
        level = below
    if looked_at > most_changes:
        raise JobError(ErrorCode.REPOSITORY_TOO_LARGE, "Merges bring in more files than allowed.")
    return _without_moved(merges, found, source, most_changes)


def as_differences(found: Mapping[str, list[TreeChange]], empty_tree: str) -> TreeDifferences:
    """Return the files in the shape in which lines are counted; a merge stands where else two trees stand."""
    return TreeDifferences({key_of(sha): changes for sha, changes in found.items()}, empty_tree)


def key_of(sha: str) -> TreePair:
    """Return what stands for a merge in `as_differences`."""
    return sha, sha


def _unlike_every_parent(
    place: _Place, compared: Mapping[TreePair, Sequence[TreeChange]]
) -> Iterator[tuple[TreeChange, list[TreeEntry | None]]]:
    """Yield each entry that differs from that of every parent, with the parents' ones; nothing if a tree is missing.

    A file and a directory of one name are two entries, as git compares them.
    """
    sides = []
    for parent in place.trees.parents:
        changes = compared.get((parent, place.trees.tree), ())
        sides.append({(change.path, _is_directory(change)): change for change in changes})
    for key, change in sides[0].items():
        if all(key in side for side in sides):
            yield change, [side[key].old for side in sides]


def _is_directory(change: TreeChange) -> bool:
    return any(entry is not None and entry.is_tree for entry in (change.old, change.new))


def _below(place: _Place, change: TreeChange, olds: Sequence[TreeEntry | None], empty_tree: str) -> _Place:
    parents = tuple(old.oid if old else empty_tree for old in olds)
    tree = change.new.oid if change.new else empty_tree
    return _Place(MergedTrees(place.trees.sha, parents, tree), place.path + change.path + b"/")


def _without_moved(
    merges: Sequence[MergedTrees], found: Mapping[str, list[TreeChange]], source: TreeSource, most_changes: int
) -> Mapping[str, list[TreeChange]]:
    """Leave out new files whose content a parent has under a path where the merge has it no more, each for one such."""
    adding = [
        merge for merge in merges if any(change.old is None and change.new for change in found.get(merge.sha, ()))
    ]
    pairs = {merge.sha: [(parent, merge.tree) for parent in merge.parents] for merge in adding}
    everything = [pair for some in pairs.values() for pair in some]
    differences = find_differences(everything, source, most_changes=most_changes)
    left = dict(found)
    for sha, some in pairs.items():
        moved = Counter[str]()
        for pair in some:
            if differences.files_changed.get(pair, most_changes + 1) <= most_changes:
                moved |= Counter(old.oid for _, (old, _) in differences.files(pair) if old)
        left[sha] = [change for change in found[sha] if not _is_moved(change, moved)]
    return {sha: changes for sha, changes in left.items() if changes}


def _is_moved(change: TreeChange, moved: Counter[str]) -> bool:
    """Whether a new file is one of those that left their places in a parent; each is taken out once."""
    if change.old is not None or change.new is None or not moved[change.new.oid]:
        return False
    moved[change.new.oid] -= 1
    return True
