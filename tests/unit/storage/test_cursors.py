import base64
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchlist import limits
from watchlist.storage.cursors import InvalidCursorError, decode, encode

ANY, DIGITS = re.compile(r"(?s).*"), re.compile(r"\d+")


def written(value: object) -> str:
    """Return what looks like a cursor of any JSON."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


# A cursor is 4 characters for each 3 bytes: texts of 0 to 5 ask for each padding.
@given(st.lists(st.text(max_size=5), max_size=3))
def test_a_cursor_gives_back_what_it_stands_for(parts: list[str]) -> None:
    cursor = encode(*parts)

    assert decode(cursor, *[ANY] * len(parts)) == tuple(parts)
    assert re.fullmatch(r"[A-Za-z0-9_-]*", cursor)  # stands in an address as it is


def test_a_cursor_is_as_short_as_json_can_be() -> None:
    assert encode("a", "b") == base64.urlsafe_b64encode(b'["a","b"]').decode().rstrip("=")


def test_a_cursor_is_read_up_to_its_limit_and_no_further() -> None:
    longest = next(
        cursor
        for size in range(limits.CURSOR_CHARACTERS)
        if len(cursor := encode("a" * size)) == limits.CURSOR_CHARACTERS
    )

    assert decode(longest, ANY)
    for too_long in (longest + "A", encode("a" * limits.CURSOR_CHARACTERS)):
        with pytest.raises(InvalidCursorError, match=r"^is no cursor of this list$"):
            decode(too_long, ANY)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "A",
        "AAAA",
        "é",
        "WyI+Il0",  # '+' and '/' are none of the alphabet
        encode("1") + "!",
        encode("1")[:2] + "!!!!" + encode("1")[2:],
        encode("1")[:-2],
        written("1"),
        written({"1": "1"}),
        written(["1", "2"]),
        written([]),
        written([1]),
        written([None]),
        written([["1"]]),
        written(["1a"]),
        written(["a1"]),
        written([""]),
        base64.urlsafe_b64encode(b"[" * 800).decode(),
        base64.urlsafe_b64encode(b'["\xff"]').decode().rstrip("="),
    ],
)
def test_anything_else_is_no_cursor(cursor: str) -> None:
    assert decode(encode("1"), DIGITS) == ("1",)

    with pytest.raises(InvalidCursorError, match=r"^is no cursor of this list$"):
        decode(cursor, DIGITS)


def test_each_part_matches_its_own_pattern_as_a_whole() -> None:
    word = re.compile("[a-z]+")

    assert decode(encode("1", "a"), DIGITS, word) == ("1", "a")
    for parts in (("a", "1"), ("1", "1"), ("a", "a"), ("1", "a1")):
        with pytest.raises(InvalidCursorError):
            decode(encode(*parts), DIGITS, word)
