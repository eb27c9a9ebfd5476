"""What lies below more directories than are looked into one by one comes whole, or is only known to differ."""

from collections.abc import Iterable, Iterator, Sequence

import pytest

from tasks.history.store import TreeChange, TreeEntry, TreePair
from tasks.history.tree_differences import MOST_LEVELS, find_differences
from watchlist.errors import ErrorCode, JobError

EMPTY_TREE = "empty"
ROOT = (EMPTY_TREE, "0")
FILES_AT_THE_BOTTOM = 3


class NestedTrees:
    """A tree that holds one directory, which holds one, and so on; the last one holds files. It is its own store."""

    def __init__(self, levels: int, *, comes_whole: bool = True, can_compare: bool = True) -> None:
        self.store = self
        self.empty_tree = EMPTY_TREE
        self._levels = levels
        self._comes_whole = comes_whole
        self._can_compare = can_compare

    def fetch_trees_whole(self, _trees: Sequence[str], *, most_objects: int, most_bytes: int) -> bool:
        assert most_objects
        assert most_bytes
        return self._comes_whole

    def fetch_objects(self, _oids: Iterable[str]) -> None:
        pass

    def fetch_missing_objects(self, _oids: Iterable[str]) -> None:
        pass

    def changes(
        self, pairs: Sequence[TreePair], *, with_subtrees: bool = False
    ) -> Iterator[tuple[TreePair, list[TreeChange]]]:
        if with_subtrees and not self._can_compare:
            raise JobError(ErrorCode.OUT_OF_MEMORY, "git died")
        for pair in pairs:
            level = int(pair[1])
            if level + 1 < self._levels and not with_subtrees:
                yield pair, [TreeChange(b"d", None, TreeEntry(0o40000, str(level + 1)))]
            else:
                above = b"d/" * (self._levels - level - 1)
                names = range(FILES_AT_THE_BOTTOM)
                yield pair, [TreeChange(above + b"%d" % n, None, TreeEntry(0o100644, "blob")) for n in names]


def test_files_below_the_last_level_that_is_looked_into_are_found_where_they_come_whole() -> None:
    levels = MOST_LEVELS + 10
    found = find_differences([ROOT], NestedTrees(levels), most_changes=1000)
    assert found.files_changed[ROOT] == FILES_AT_THE_BOTTOM
    paths = [path for path, _ in found.files(ROOT)]
    assert paths == [b"d/" * (levels - 1) + b"%d" % n for n in range(FILES_AT_THE_BOTTOM)]
    assert found.path_bytes[ROOT] >= sum(map(len, paths))


@pytest.mark.parametrize("fault", ["comes_whole", "can_compare"])
def test_what_does_not_come_whole_is_known_to_differ(fault: str) -> None:
    found = find_differences([ROOT], NestedTrees(MOST_LEVELS + 10, **{fault: False}), most_changes=1000)
    assert ROOT not in found.files_changed
    assert found.least_files_changed[ROOT] == 1
