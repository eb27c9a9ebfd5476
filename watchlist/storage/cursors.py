"""Cursors of pages: opaque to callers, checked when they come back."""

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from watchlist import limits

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Part(Generic[Row]):
    """Rows that stand together in a list, and the cursor behind them; None at the end of the list."""

    rows: Sequence[Row]
    next_cursor: str | None


class InvalidCursorError(ValueError):
    """The cursor is none that this service gave out for this list."""

    def __init__(self) -> None:
        super().__init__("is no cursor of this list")


def encode(*parts: str) -> str:
    """Return the cursor that stands for `parts`."""
    text = json.dumps(parts, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str, *patterns: re.Pattern[str]) -> tuple[str, ...]:
    """Return the parts that the cursor stands for, one for each of `patterns`, which they match as a whole.

    Raises:
        InvalidCursorError: it is malformed.
    """
    if len(cursor) > limits.CURSOR_CHARACTERS:
        raise InvalidCursorError
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, RecursionError, binascii.Error):
        raise InvalidCursorError from None
    if not isinstance(parts, list) or len(parts) != len(patterns):
        raise InvalidCursorError
    if not all(
        isinstance(part, str) and pattern.fullmatch(part) for part, pattern in zip(parts, patterns, strict=True)
    ):
        raise InvalidCursorError
    return tuple(parts)
