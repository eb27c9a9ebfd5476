"""Work in two halves."""

import threading
from collections.abc import Sequence

import pytest

from tasks.history.parallel import in_parallel


def test_few_items_are_one_piece_of_work() -> None:
    assert in_parallel(list, range(100)) == [list(range(100))]
    assert in_parallel(list, []) == []


def test_many_items_are_done_in_halves_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=10)

    def work(items: Sequence[int]) -> Sequence[int]:
        both.wait()
        return items

    halves = in_parallel(work, range(1001))
    assert [number for half in halves for number in half] == list(range(1001))


def test_what_one_half_raises_is_raised() -> None:
    def work(items: Sequence[int]) -> None:
        if 999 in items:
            raise ValueError("the second half")

    with pytest.raises(ValueError, match="the second half"):
        in_parallel(work, range(1000))
