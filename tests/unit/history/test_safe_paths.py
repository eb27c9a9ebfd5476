"""Which paths and links of a tree may appear on this disk."""

from pathlib import PurePosixPath

import pytest

from tasks.history.checkout import is_safe_path, stays_inside


@pytest.mark.parametrize("path", ["a", "a/b.c", ".gitignore", ".github/x", "a b", "ü", "...x", "git~2"])
def test_honest_paths_are_safe(path: str) -> None:
    assert is_safe_path(path)


@pytest.mark.parametrize(
    "path",
    [
        *["", "/", "/a", "a//b", ".", "..", "a/../b", "a\\b", "a:b", "a\0b", "x" * 256],
        *[".git", ".GIT/config", "a/.Git", ".git. ", "GIT~1/x", ".git/hooks/post-checkout"],
    ],
)
def test_other_paths_are_not(path: str) -> None:
    assert not is_safe_path(path)


@pytest.mark.parametrize(
    ("link", "destination"),
    [("a", "b"), ("a/b", "../c"), ("a/b/c", "../../d/e"), ("a", "./b"), ("a/b", ".."), ("a", ".")],
)
def test_links_within_the_tree_stay_inside(link: str, destination: str) -> None:
    assert stays_inside(PurePosixPath(link), destination)


@pytest.mark.parametrize(
    ("link", "destination"),
    [("a", ".."), ("a", "/etc"), ("a/b", "../../c"), ("a", "b/../../c"), ("a", "b/.."), ("a", ".git/x"), ("a", "b\0c")],
)
def test_links_that_could_leave_the_tree_do_not(link: str, destination: str) -> None:
    assert not stays_inside(PurePosixPath(link), destination)
