import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.history.path_text import path_text

PATHS = st.one_of(st.binary(max_size=12), st.text(max_size=8).map(str.encode), st.binary(max_size=4).map(b'"'.__add__))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("src/größe.txt".encode(), "src/größe.txt"),
        ("файл.txt".encode("cp1251"), r'"\364\340\351\353.txt"'),
        (b'tab\t\xff"\\', r'"tab\t\377\"\\"'),
        (rb'"\364"', r'"\"\\364\""'),
        (b'a"b\n', 'a"b\n'),
        (b"", ""),
    ],
)
def test_a_path_that_is_no_utf_8_is_shown_as_git_shows_it(path: bytes, text: str) -> None:
    assert path_text(path) == text


@given(PATHS, PATHS)
def test_two_paths_never_have_one_text(one: bytes, other: bytes) -> None:
    assert (path_text(one) == path_text(other)) == (one == other)
