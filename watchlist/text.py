"""Text of strangers made fit to be shown: printable, on one line, cut to size.

What does not print (control characters, ways to turn the direction of writing, halves of surrogate pairs) can move a
terminal's cursor or make a line read as another one.
"""

import re
from collections.abc import Sequence
from typing import TypeVar

Cell = TypeVar("Cell")

TEXT_BYTES = 300
"""Longest reason or sentence that is kept of a program's or host's words."""

_CUT = "…"
_LOOKED_AT = 4
"""As many times what is kept are looked at: of megabytes of spaces no word is searched for."""

NOT_BLANK = r"[^\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
"""Matches a text of which something is left when white space around it is stripped, in any dialect of expressions.

These are the characters that Unicode calls white space, which is what Pydantic strips; `\\s` is something else in
ECMAScript, whose expressions JSON Schema has, and again in Python."""


_UNSEEN = r"[ \t\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\xa0\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]*"
_FORMULA = re.compile(rf"^(?=[\t\r\n])|(?:^|(?<=[;\r\n]))(?={_UNSEEN}[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""Where a spreadsheet begins to take a text for a formula (OWASP, "CSV Injection"), full-width forms included.

That is at the beginning of a cell, and after what ends one where a comma is for decimals, and a semicolon separates."""


def printable(text: str, instead: str = " ") -> str:
    """Return the text with `instead` of every character that does not print."""
    return "".join(character if character.isprintable() else instead for character in text)


def separated(text: str) -> tuple[str, ...]:
    """Return the parts of a list that commas separate; empty ones are none."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def unicode_text(text: str) -> str:
    """Return the text; half a surrogate pair, which JSON can hold and UTF-8 cannot, is refused.

    Raises:
        ValueError: it has one.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("has characters that are no Unicode text") from None
    return text


def one_line(text: str | bytes, most: int) -> str:
    """Return text as printable words on one line, at most `most` characters; `…` marks a cut."""
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    words = " ".join(printable(text[: _LOOKED_AT * most]).split())
    return words if len(words) <= most else words[: most - 1] + _CUT


def some_of(names: Sequence[str], most: int) -> str:
    """Return the first names in a row, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def shorten(text: str, most_bytes: int = TEXT_BYTES) -> str:
    """Return text as printable words on one line, at most `most_bytes` bytes of UTF-8; `…` marks a cut."""
    line = " ".join(printable(text).split()).encode()
    if len(line) <= most_bytes:
        return line.decode()
    return line[: most_bytes - len(_CUT.encode())].decode(errors="ignore") + _CUT


def for_spreadsheet(cell: Cell) -> Cell | str:
    """Return a cell so that no spreadsheet computes it: an apostrophe before a formula makes it a text."""
    return _FORMULA.sub("'", cell) if isinstance(cell, str) else cell
