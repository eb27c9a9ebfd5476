"""The walk over known commits, by hand-made histories."""

from dataclasses import dataclass

from tasks.history.walk import walk


@dataclass(frozen=True)
class Made:
    committed: int
    parents: tuple[str, ...] = ()


def test_the_newest_of_those_seen_comes_first() -> None:
    known = {"head": Made(9, ("a", "b")), "a": Made(5, ("root",)), "b": Made(7, ("root",)), "root": Made(1)}
    assert walk(known, "head", since=0, limit=10).shown == ("head", "b", "a", "root")


def test_equal_times_come_in_the_order_they_are_seen() -> None:
    known = {"head": Made(5, ("b", "a", "c")), "a": Made(5), "b": Made(5), "c": Made(5)}
    assert walk(known, "head", since=0, limit=10).shown == ("head", "b", "a", "c")


def test_a_commit_older_than_the_window_is_passed_over_not_stopped_at() -> None:
    known = {"head": Made(9, ("old",)), "old": Made(1, ("young",)), "young": Made(8)}
    found = walk(known, "head", since=5, limit=10)
    assert found.shown == ("head", "young")
    assert found.older == ("old",)


def test_unknown_parents_of_shown_commits_are_missing_and_of_older_ones_behind() -> None:
    known = {"head": Made(9, ("a", "x")), "a": Made(8, ("old",)), "old": Made(1, ("y", "x"))}
    found = walk(known, "head", since=5, limit=10)
    assert found.missing == ("x",)
    assert found.behind == ("y",)


def test_an_unknown_head_is_missing() -> None:
    assert walk({}, "head", since=0, limit=1).missing == ("head",)


def test_the_limit_cuts_and_still_names_what_the_last_commit_needs() -> None:
    known = {"head": Made(9, ("a", "c")), "a": Made(8, ("b",)), "c": Made(5)}
    found = walk(known, "head", since=0, limit=2)
    assert found.full
    assert found.shown == ("head", "a")
    assert found.missing == ("b",)


def test_a_window_that_holds_all_there_is_is_not_full() -> None:
    known = {"head": Made(9, ("a",)), "a": Made(8, ("old",)), "old": Made(1)}
    assert not walk(known, "head", since=5, limit=2).full
    assert walk(known, "head", since=5, limit=1).full


def test_dates_leap_where_only_long_before_the_window_goes_on() -> None:
    year = 365 * 86_400
    known = {"head": Made(3 * year, ("replayed",)), "replayed": Made(year, ("young",)), "young": Made(3 * year - 1)}
    assert walk(known, "head", since=2 * year, limit=9).leap == 3 * year
    in_order = {"head": Made(3 * year, ("a", "side")), "a": Made(2 * year - 1), "side": Made(year)}
    assert walk(in_order, "head", since=2 * year, limit=9).leap == 3 * year
    gradual = in_order | {"a": Made(2 * year, ("b",)), "b": Made(2 * year - 1)}
    assert walk(gradual, "head", since=2 * year, limit=9).leap is None


def test_parents_outside_are_not_asked_for() -> None:
    found = walk({"head": Made(9, ("x", "y"))}, "head", since=0, limit=2, outside={"x"})
    assert found.missing == ("y",)


def test_an_old_head_alone_is_an_empty_window() -> None:
    assert walk({"head": Made(1)}, "head", since=5, limit=5).shown == ()
