"""Which segments stay when a history changes, and how few are written."""

from collections.abc import Sequence
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchlist import limits
from watchlist.history.manifest import Held, Manifest, Piece, Run, Segment, arrange

HUNDRED = limits.SEGMENT_COMMITS


def shas(*numbers: int) -> tuple[str, ...]:
    return tuple(f"{number:040x}" for number in numbers)


def held(name: str, *numbers: int) -> Held:
    return Held(Segment(name, len(numbers), 0, 0), shas(*numbers))


def written(pieces: Sequence[Piece]) -> list[tuple[str, ...]]:
    return [piece.shas for piece in pieces if isinstance(piece, Run)]


def kept(pieces: Sequence[Piece]) -> list[tuple[str, int]]:
    return [(piece.id, piece.commits) for piece in pieces if isinstance(piece, Segment)]


def test_a_new_history_is_cut_into_equal_segments() -> None:
    pieces = arrange(shas(*range(250)), [])
    assert [len(run) for run in written(pieces)] == [83, 83, 84]
    assert sum(written(pieces), ()) == shas(*range(250))


def test_what_is_new_is_written_alone_where_its_neighbour_is_large() -> None:
    pieces = arrange(shas(*range(101)), [held("old", *range(1, 101))])
    assert pieces == [Run(shas(0)), Segment("old", 100, 0, 0)]


def test_what_is_new_takes_in_neighbours_that_are_no_larger() -> None:
    stored = [held("one", 1), held("two", 2, 3), held("large", *range(4, 60))]
    pieces = arrange(shas(*range(60)), stored)
    assert pieces == [Run(shas(0, 1, 2, 3)), Segment("large", 56, 0, 0)]


def test_what_left_the_end_of_the_history_is_not_counted_any_more_and_nothing_is_written_for_it() -> None:
    pieces = arrange(shas(*range(60)), [held("a", *range(50)), held("b", *range(50, 100)), held("c", 100)])
    assert (written(pieces), kept(pieces)) == ([], [("a", 50), ("b", 10)])


def test_a_segment_that_is_torn_apart_is_written_again_and_the_others_stay() -> None:
    """A branch was merged whose commits are older than the last ones."""
    stored = [held("a", *range(1, 90)), held("b", *range(100, 190)), held("c", *range(200, 290))]
    order = shas(0, *range(1, 90), *range(100, 140), 999, *range(140, 190), *range(200, 290))
    pieces = arrange(order, stored)
    assert kept(pieces) == [("a", 89), ("c", 90)]
    assert written(pieces) == [shas(0), shas(*range(100, 140), 999, *range(140, 190))]


def test_commits_that_changed_places_are_written_in_their_new_order() -> None:
    pieces = arrange(shas(2, 1, 3), [held("a", 1, 2, 3)])
    assert pieces == [Run(shas(2, 1, 3))]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_a_history_that_grows_has_few_segments_and_each_growth_writes_one(growths: list[int]) -> None:
    names = count()
    order: tuple[str, ...] = ()
    stored: list[Held] = []
    writes = 0
    for number in growths:
        order = shas(*range(len(order), len(order) + number)) + order
        pieces = arrange(order, stored)
        assert len(written(pieces)) == 1
        writes += len(written(pieces)[0])
        stored, place = [], 0
        for piece in pieces:
            size = len(piece.shas) if isinstance(piece, Run) else piece.commits
            stored.append(Held(Segment(str(next(names)), size, 0, 0), order[place : place + size]))
            place += size
        assert place == len(order)
    assert len(stored) <= 2 * len(order) / HUNDRED + 8
    assert writes <= 8 * len(order)


@given(st.permutations(range(30)), st.lists(st.integers(0, 60), unique=True, max_size=40), st.integers(1, 12))
def test_the_pieces_are_the_history_in_its_order(old: list[int], order: list[int], size: int) -> None:
    stored = [held(str(start), *old[start : start + size]) for start in range(0, len(old), size)]
    found: list[str] = []
    for piece in arrange(shas(*order), stored):
        if isinstance(piece, Run):
            assert len(piece.shas) <= HUNDRED
            found += piece.shas
        else:
            found += next(each.shas for each in stored if each.segment.id == piece.id)[: piece.commits]
    assert found == list(shas(*order))


def test_a_manifest_is_read_as_it_was_stored() -> None:
    manifest = Manifest((Segment("1.1.ab", 100, -5, 99), Segment("1.1.cd", 7, 3, 4)))
    assert Manifest.of(manifest.stored()) == manifest
    assert (manifest.commits, Manifest.of(None)) == (107, Manifest())


def test_a_manifest_of_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="format 2"):
        Manifest.of({"format": 2, "segments": []})
