"""Reads files of projects, which may hold anything."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from watchlist_cli.dependencies.dependency import UnreadableFileError


def text_of(path: Path) -> str:
    """Return the file's text.

    Raises:
        UnreadableFileError: it cannot be read, or is no UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFileError(f"{path}: {error}") from error


def toml(path: Path) -> dict[str, Any]:
    """Return the file's tables.

    Raises:
        UnreadableFileError: it is no TOML.
    """
    try:
        return tomllib.loads(text_of(path))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UnreadableFileError(f"{path}: {error}") from error


def json_object(path: Path) -> dict[str, Any]:
    """Return the file's object.

    Raises:
        UnreadableFileError: it is no JSON object.
    """
    try:
        document = json.loads(text_of(path))
    except (ValueError, RecursionError) as error:
        raise UnreadableFileError(f"{path}: {error}") from error
    if not isinstance(document, dict):
        raise UnreadableFileError(f"{path}: is no JSON object")
    return document


def table(tables: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the table of that name, empty if there is none."""
    found = tables.get(name)
    return found if isinstance(found, dict) else {}


def list_in(tables: Mapping[str, Any], name: str) -> list[Any]:
    """Return the list of that name, empty if there is none."""
    found = tables.get(name)
    return found if isinstance(found, list) else []


def entries(document: Mapping[str, Any], name: str, path: Path) -> Iterator[dict[str, Any]]:
    """Yield the tables of the list of that name.

    Raises:
        UnreadableFileError: it is there, but no list.
    """
    found = document.get(name, [])
    if not isinstance(found, list):
        raise UnreadableFileError(f"{path}: {name} is no list")
    yield from (entry for entry in found if isinstance(entry, dict))
