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
    assert found.older == 1


def test_unknown_parents_of_shown_commits_are_missing_and_of_older_ones_behind() -> None:
    known = {"head": Made(9, ("a", "x")), "a": Made(8, ("old",)), "old": Made(1, ("y", "x"))}
    found = walk(known, "head", since=5, limit=10)
    assert found.missing == ("x",)
    assert found.behind == ("y",)


def test_an_unknown_head_is_missing() -> None:
    assert walk({}, "head", since=0, limit=1).missing == ("head",)


def test_the_limit_cuts_and_still_names_what_the_last_commit_needs() -> None:
    known = {"head": Made(9, ("a",)), "a": Made(8, ("b",))}
    found = walk(known, "head", since=0, limit=2)
    assert found.full
    assert found.missing == ("b",)


def test_parents_outside_are_not_asked_for() -> None:
    found = walk({"head": Made(9, ("x", "y"))}, "head", since=0, limit=2, outside={"x"})
    assert found.missing == ("y",)


def test_an_old_head_alone_is_an_empty_window() -> None:
    assert walk({"head": Made(1)}, "head", since=5, limit=5).shown == ()
