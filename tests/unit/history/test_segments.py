"""What is packed comes back, bounded, and fits into an item."""

import functools
import os
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchlist import limits
from watchlist.history import segments
from watchlist.history.commits import Commit, FileChange, Signature
from watchlist.history.segments import KeptCommit, pack, unpack, unpack_listed

TIME = datetime(2026, 1, 31, 12, tzinfo=UTC)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
SIGNATURE = st.builds(
    Signature, TEXT, TEXT, st.datetimes(timezones=st.just(UTC)).map(lambda time: time.replace(microsecond=0))
)
COUNT = st.none() | st.integers(0, 10**9)
COMMIT = st.builds(
    Commit,
    sha=st.integers(0, 16**40 - 1).map(lambda number: f"{number:040x}"),
    parents=st.lists(st.just("1" * 40), max_size=3).map(tuple),
    author=SIGNATURE,
    committer=SIGNATURE,
    subject=TEXT,
    message=TEXT,
    signed=st.booleans(),
    files=st.none() | st.lists(st.builds(FileChange, TEXT.filter(bool), COUNT, COUNT), max_size=5).map(tuple),
    ordered_by=st.none() | st.integers(0, 2**64),
)


def noise(characters: int) -> str:
    """Text of four bytes a character that cannot be compressed to much less."""
    points = (int.from_bytes(os.urandom(3)) % 0xFFFFF for _ in range(characters))
    return "".join(chr(0x10000 + point) for point in points)


def largest(number: int) -> Commit:
    """A commit of which everything is larger than what is kept."""
    return replace(_largest(), sha=f"{number:064x}")


@functools.cache
def _largest() -> Commit:
    signature = Signature(noise(600), noise(600), TIME)
    return Commit(
        sha="0" * 64,
        parents=tuple(os.urandom(32).hex() for _ in range(12_000)),
        author=signature,
        committer=signature,
        subject=noise(5000),
        message="\x01" * 8000 + noise(8000),
        signed=True,
        files=tuple(FileChange(noise(300), 10**12, 10**12) for _ in range(3000)),
    )


@given(st.lists(COMMIT, min_size=1, max_size=8))
def test_commits_come_back_as_they_were(commits: list[Commit]) -> None:
    (packed,) = pack([KeptCommit.of(commit) for commit in commits])
    assert [kept.commit for kept in unpack(packed.listed, packed.changes)] == commits
    listed, _ = unpack_listed(packed.listed)
    assert [kept.commit for kept in listed] == [replace(commit, files=None) for commit in commits]
    assert [kept.lines_added for kept in listed] == [commit.lines_added for commit in commits]


def test_commits_that_do_not_fit_into_one_item_become_several_in_the_same_order() -> None:
    commits = [largest(number) for number in range(40)]
    found = list(pack([KeptCommit.of(commit) for commit in commits]))
    assert len(found) > 1
    assert all(len(packed.listed) + len(packed.changes) <= limits.SEGMENT_BYTES for packed in found)
    read = [kept for packed in found for kept in unpack(packed.listed, packed.changes)]
    assert [kept.commit.sha for kept in read] == [commit.sha for commit in commits]


def test_of_too_many_parents_the_first_are_kept_and_their_number() -> None:
    (packed,) = pack([KeptCommit.of(largest(1)), KeptCommit.of(replace(largest(2), parents=("1" * 40,)))])
    many, one = unpack(packed.listed, packed.changes)
    assert (len(many.commit.parents), many.parent_count, many.knows_its_parents) == (limits.PARENTS, 12_000, False)
    assert (one.parent_count, one.knows_its_parents) == (1, True)


def test_what_is_known_of_all_files_stays_when_only_some_are_kept() -> None:
    (packed,) = pack([KeptCommit.of(largest(1))])
    (kept,) = unpack(packed.listed, packed.changes)
    assert (kept.files_changed, kept.lines_added) == (3000, 3000 * 10**12)
    assert kept.commit.lines_added == kept.lines_added
    assert len(kept.commit.files or ()) <= limits.CHANGED_FILES + 1


def test_what_is_not_packed_by_us_is_refused() -> None:
    bomb = segments.pack([KeptCommit.of(replace(largest(1), message=""))])
    listed = next(bomb).listed
    with pytest.raises(ValueError, match="segment"):
        unpack_listed(listed[:-10])
