"""A stranger's text is shown on one line, cut to size, and moves nothing around it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from pydantic_core import SchemaValidator

from functions.http.parameters import Label, UserName
from watchlist.notifications.channels import Name as ChannelName
from watchlist.text import NOT_BLANK, one_line, printable, separated, shorten, some_of

ANY_TEXT = st.text(st.characters(exclude_categories=()))
"""Halves of surrogate pairs, too."""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\nlines", "two lines"),
        ("\x1b[2Jcleared", "[2Jcleared"),
        ("admin\u202etxt.exe", "admin txt.exe"),
        ("half \ud800 a pair", "half a pair"),
        ("  much\t \r\n space ", "much space"),
        ("", ""),
    ],
)
def test_what_does_not_print_becomes_space_between_words(text: str, shown: str) -> None:
    assert (one_line(text, 100), shorten(text)) == (shown, shown)


def test_what_does_not_print_can_be_marked_instead() -> None:
    assert printable("a\x00b\u202ec", instead="?") == "a?b?c"


def test_bytes_are_read_as_text_whatever_they_are() -> None:
    assert one_line(b"caf\xc3\xa9 \xff", 100) == "café \N{REPLACEMENT CHARACTER}"


def test_a_text_of_the_greatest_length_is_whole_and_a_longer_one_is_cut_with_a_mark() -> None:
    assert (one_line("x" * 10, 10), one_line("x" * 11, 10)) == ("x" * 10, "x" * 9 + "…")
    assert (shorten("é" * 5, 10), shorten("é" * 6, 10)) == ("é" * 5, "ééé…")


def test_of_a_long_stretch_of_space_no_end_is_searched_for() -> None:
    assert not one_line(" " * 1_000_000 + "word", 10)


@given(ANY_TEXT, st.integers(min_value=3, max_value=40))
def test_any_text_fits_prints_and_is_the_same_when_it_is_cut_again(text: str, most: int) -> None:
    for cut, size in ((one_line(text, most), len), (shorten(text, most), lambda line: len(line.encode()))):
        assert size(cut) <= most
        assert cut.isprintable()
        assert cut == " ".join(cut.split())
    assert one_line(one_line(text, most), most) == one_line(text, most)


def test_commas_separate_and_what_is_empty_between_them_is_nothing() -> None:
    assert separated(" one, two,,") == ("one", "two")
    assert separated(" , ") == separated("") == ()


@pytest.mark.parametrize("kind", [Label, UserName, ChannelName])
def test_what_the_document_calls_blank_is_what_is_refused_as_blank(kind: object) -> None:
    validator = SchemaValidator(TypeAdapter[str](kind).core_schema)  # type: ignore[arg-type] # an annotated type
    characters = [chr(code) for code in range(0x10000) if not 0xD800 <= code < 0xE000]

    refused = {character for character in characters if not validator.isinstance_python(character)}

    assert refused == {character for character in characters if not re.search(NOT_BLANK, character)}


@pytest.mark.parametrize(
    ("names", "shown"), [("a", "a"), ("ab", "a, b"), ("abc", "a, b and 1 more"), ("abcdef", "a, b and 4 more")]
)
def test_of_many_names_the_first_are_shown_and_the_others_counted(names: str, shown: str) -> None:
    assert some_of(names, 2) == shown
