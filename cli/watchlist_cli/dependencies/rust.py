"""Rust: Cargo.toml and Cargo.lock."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from watchlist_cli.dependencies.dependency import Dependency, StatedAddress, package
from watchlist_cli.dependencies.reading import entries, table, toml

_SECTIONS = ("dependencies", "dev-dependencies", "build-dependencies")


def cargo_toml(path: Path) -> Iterator[Dependency]:
    """Read Cargo.toml, with the dependencies of a workspace and of single targets."""
    document = toml(path)
    holders = [document, table(document, "workspace"), *table(document, "target").values()]
    for holder in holders:
        for section in _SECTIONS if isinstance(holder, dict) else ():
            for name, wanted in table(holder, section).items():
                yield from _wanted(path, name, wanted)


def _wanted(path: Path, name: str, wanted: object) -> Iterator[Dependency]:
    details: Mapping[str, Any] = wanted if isinstance(wanted, dict) else {}
    if "path" in details or details.get("workspace"):
        return
    address = details.get("git")
    stated = StatedAddress(address, "git") if isinstance(address, str) else None
    yield Dependency(package("cargo", str(details.get("package") or name)), path, stated)


def cargo_lock(path: Path) -> Iterator[Dependency]:
    """Read Cargo.lock; packages without a source are the workspace's own."""
    for entry in entries(toml(path), "package", path):
        source = str(entry.get("source") or "")
        if source:
            stated = StatedAddress(source, "source") if source.startswith("git+") else None
            yield Dependency(package("cargo", str(entry.get("name")), str(entry.get("version"))), path, stated)
