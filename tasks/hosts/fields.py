"""Reads single fields of what a host's API says; untrusted, so each is read by its type: None for what is not of it."""

import re
from collections.abc import Mapping

from watchlist.text import shorten

DESCRIPTION_BYTES = 1000

Description = Mapping[str, object]
"""A host's JSON object on a repository."""

Fields = dict[str, object]
"""Fields of `watchlist.git.package.Package`."""

_FULL_NAME = re.compile(r"[\w.-]+(?:/[\w.-]+)+", re.ASCII)
_LARGEST_COUNT = 2**53


def text_of(said: Description, key: str) -> str | None:
    """Return a text, cut to size; None for none or an empty one."""
    value = said.get(key)
    return (shorten(value, DESCRIPTION_BYTES) or None) if isinstance(value, str) else None


def full_name_of(said: Description, key: str) -> str | None:
    """Return the name with its owner, where it can be one."""
    value = text_of(said, key)
    return value if value is not None and _FULL_NAME.fullmatch(value) else None


def web_url_of(said: Description, key: str) -> str | None:
    """Return an address that a browser may open."""
    value = text_of(said, key)
    return value if value is not None and value.startswith("https://") else None


def count_of(said: Description, key: str) -> int | None:
    """Return a count that JSON and JavaScript can hold."""
    value = said.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LARGEST_COUNT else None


def flag_of(said: Description, key: str) -> bool | None:
    """Return a truth value."""
    value = said.get(key)
    return value if isinstance(value, bool) else None


def object_of(said: Description, key: str) -> Description:
    """Return an object; an empty one where there is none."""
    value = said.get(key)
    return value if isinstance(value, dict) else {}
