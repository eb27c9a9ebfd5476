"""Cursors of pages: opaque to callers, checked when they come back."""

import base64
import binascii
import json

from watchlist import limits


class InvalidCursorError(ValueError):
    """The cursor is none that this service gave out for this list."""


def encode(*parts: str) -> str:
    """Return the cursor that stands for `parts`."""
    text = json.dumps(parts, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str, count: int) -> tuple[str, ...]:
    """Return the `count` parts that the cursor stands for.

    Raises:
        InvalidCursorError: it is malformed.
    """
    if len(cursor) > limits.CURSOR_CHARACTERS:
        raise InvalidCursorError("is no cursor of this list")
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, RecursionError, binascii.Error):
        raise InvalidCursorError("is no cursor of this list") from None
    if not isinstance(parts, list) or len(parts) != count or not all(isinstance(part, str) for part in parts):
        raise InvalidCursorError("is no cursor of this list")
    return tuple(parts)
