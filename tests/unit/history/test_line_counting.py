"""Contents are fetched and counted in groups; what fails costs only the commits that need it."""

import threading
from collections.abc import Collection, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.history.line_counting import count_lines
from tasks.history.store import SUBMODULE_MODE, ContentPair, LineCount, TreeChange, TreeEntry, TreePair
from tasks.history.tree_differences import TreeDifferences
from watchlist.errors import ErrorCode, JobError
from watchlist.history.commits import FileChange

EMPTY_TREE = "empty"
FILE = 0o100644


class FakeSource:
    """Blobs that have to be fetched before they can be read; counts stand for their ids."""

    def __init__(self, present: Collection[str] = (), unreadable: Collection[str] = ()) -> None:
        self.store = self
        self.present = set(present)
        self.unreadable = set(unreadable)
        self.fetched: list[Sequence[str]] = []
        self._lock = threading.Lock()

    def missing(self, oids: Collection[str]) -> Collection[str]:
        return [oid for oid in oids if oid not in self.present]

    def fetch_by_name(self, oids: Sequence[str]) -> None:
        with self._lock:
            self.fetched.append(oids)
            self.present.update(oids)

    def line_counts(self, contents: Sequence[ContentPair]) -> dict[ContentPair, LineCount]:
        oids = {entry.oid for content in contents for entry in content if entry and entry.is_blob}
        if not oids <= self.present:
            raise JobError(ErrorCode.TRANSFER_INVALID, f"missing: {oids - self.present}")
        if oids & self.unreadable:
            raise JobError(ErrorCode.OUT_OF_MEMORY, "too large")
        return {content: _expected(content) for content in contents}


def _expected(content: ContentPair) -> LineCount:
    old, new = (len(entry.oid) if entry else 0 for entry in content)
    return LineCount(added=new, deleted=old)


def _differences(commits: Mapping[str, Sequence[TreeChange]]) -> tuple[list[TreePair], TreeDifferences]:
    pairs = {("before", sha): changes for sha, changes in commits.items()}
    return list(pairs), TreeDifferences(pairs, EMPTY_TREE)


def _change(path: bytes, old: str | None, new: str | None, mode: int = FILE) -> TreeChange:
    return TreeChange(path, old=TreeEntry(mode, old) if old else None, new=TreeEntry(mode, new) if new else None)


ENTRIES = st.none() | st.builds(
    TreeEntry, st.sampled_from([FILE, 0o100755, SUBMODULE_MODE]), st.integers(0, 900).map(lambda number: f"o{number}")
)
CHANGES = st.builds(TreeChange, st.integers(0, 300).map(lambda number: b"d/%d" % number), ENTRIES, ENTRIES).filter(
    lambda change: change.old != change.new
)


@given(
    commits=st.dictionaries(st.text("abc", max_size=4), st.lists(CHANGES, max_size=60), max_size=30),
    present=st.sets(st.integers(0, 900).map(lambda number: f"o{number}")),
)
def test_every_pair_is_counted_once_and_every_blob_fetched_once(
    commits: dict[str, list[TreeChange]], present: set[str]
) -> None:
    pairs, differences = _differences(commits)
    source = FakeSource(present)
    found = list(count_lines(pairs, differences, source))
    assert sorted(pair for pair, _ in found) == sorted(pairs)
    for (_, sha), files in found:
        expected = [(change.path.decode(), change.content) for change in commits[sha]]
        assert list(files) == [
            FileChange(path=path, added=count.added, deleted=count.deleted)
            for path, count in ((path, _expected(content)) for path, content in expected if content)
        ]
    asked = [oid for oids in source.fetched for oid in oids]
    assert len(asked) == len(set(asked))
    assert not present & set(asked)


def test_many_files_come_in_groups_by_name() -> None:
    versions = [(b"%d" % n, f"{n}-{v}", f"{n}-{v + 1}") for n in range(200) for v in range(10)]
    pairs, differences = _differences({f"{path!r}{old}": [_change(path, old, new)] for path, old, new in versions})
    source = FakeSource()
    assert len(list(count_lines(pairs, differences, source))) == len(versions)
    groups = [oids for oids in source.fetched if oids]
    assert len(groups) > 2
    names = [{oid.partition("-")[0] for oid in oids} for oids in groups]
    assert sum(map(len, names)) == len(set().union(*names))


def test_a_content_that_cannot_be_counted_costs_only_those_who_need_it() -> None:
    commits = {f"{n}": [_change(b"same", f"{n}", f"{n + 1}")] for n in range(100)}
    pairs, differences = _differences(commits)
    counted = dict(count_lines(pairs, differences, FakeSource(unreadable={"50"})))
    assert {sha for _, sha in set(pairs) - set(counted)} == {"49", "50"}


def test_too_many_contents_that_cannot_be_counted_are_an_error() -> None:
    commits = {f"{n}": [_change(b"same", f"{n}", f"{n + 1}")] for n in range(100)}
    pairs, differences = _differences(commits)
    with pytest.raises(JobError) as raised:
        list(count_lines(pairs, differences, FakeSource(unreadable={f"{n}" for n in range(60)})))
    assert raised.value.code is ErrorCode.OUT_OF_MEMORY


def test_what_is_counted_beside_an_error_is_given_out_before_it() -> None:
    counted = threading.Event()

    class Failing(FakeSource):
        def fetch_by_name(self, oids: Sequence[str]) -> None:
            if "missing" in oids:
                counted.wait(timeout=10)
                raise JobError(ErrorCode.REPOSITORY_TOO_LARGE, "enough")

        def line_counts(self, contents: Sequence[ContentPair]) -> dict[ContentPair, LineCount]:
            try:
                return super().line_counts(contents)
            finally:
                counted.set()

    commits = {"there": [_change(b"file", "a", "b")], "not there": [_change(b"other", "b", "missing")]}
    pairs, differences = _differences(commits)
    found: list[TreePair] = []
    with pytest.raises(JobError, match="enough"):
        found.extend(pair for pair, _ in count_lines(pairs, differences, Failing(present={"a", "b"})))
    assert found == [("before", "there")]


def test_after_an_error_no_group_is_begun() -> None:
    class Failing(FakeSource):
        def fetch_by_name(self, oids: Sequence[str]) -> None:
            super().fetch_by_name(oids)
            raise JobError(ErrorCode.HOST_ERROR, "down")

    commits = {f"{n}": [_change(b"%d" % n, f"{n}-0", f"{n}-1")] for n in range(4000)}
    pairs, differences = _differences(commits)
    source = Failing()
    with pytest.raises(JobError, match="down"):
        list(count_lines(pairs, differences, source))
    assert len(source.fetched) < 16
