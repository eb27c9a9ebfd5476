"""Which files of a project say what it depends on, and who reads them."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from watchlist_cli.dependencies import go, java, javascript, lists, php, python, ruby, rust
from watchlist_cli.dependencies.dependency import Dependency, UnreadableFileError
from watchlist_cli.dependencies.reading import json_object
from watchlist_cli.dependencies.sbom import is_sbom, sbom

Reader = Callable[[Path], Iterator[Dependency]]

_LOCKS: Mapping[str, Reader] = {
    "uv.lock": python.uv_lock,
    "poetry.lock": python.poetry_lock,
    "pdm.lock": python.pdm_lock,
    "pylock.toml": python.pylock,
    "pylock.*.toml": python.pylock,
    "Pipfile.lock": python.pipfile_lock,
    "package-lock.json": javascript.package_lock,
    "npm-shrinkwrap.json": javascript.package_lock,
    "pnpm-lock.yaml": javascript.pnpm_lock,
    "yarn.lock": javascript.yarn_lock,
    "Cargo.lock": rust.cargo_lock,
    "Gemfile.lock": ruby.gemfile_lock,
    "gems.locked": ruby.gemfile_lock,
    "composer.lock": php.composer_lock,
}
"""Lock files by name: they have all packages, each with its version."""

_MANIFESTS: Mapping[str, Reader] = {
    "requirements*.txt": python.requirements,
    "*requirements.txt": python.requirements,
    "pyproject.toml": python.pyproject,
    "package.json": javascript.package_json,
    "go.mod": go.go_mod,
    "Cargo.toml": rust.cargo_toml,
    "pom.xml": java.pom,
}
"""Files that people write, by name."""

_SBOMS: Mapping[str, Reader] = dict.fromkeys(
    ("*.cdx.json", "bom.json", "sbom.json", "*.spdx.json", "*.sbom.json"), sbom
)

_LISTS = frozenset({"", ".in", ".list", ".purls", ".txt"})
"""Endings of files that may hold a list of addresses, or requirements of Python under a name of their own."""

_LOCKED_BY = {
    "pyproject.toml": {"uv.lock", "poetry.lock", "pdm.lock", "pylock.toml"},
    "package.json": {"package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock"},
    "Cargo.toml": {"Cargo.lock"},
}
"""A manifest is passed over where one of its lock files lies beside it."""

_PASSED_OVER = frozenset({"__pycache__", "build", "dist", "node_modules", "site-packages", "target", "vendor", "venv"})
"""Folders in which other people's projects lie, not this one."""


def read(path: Path) -> list[Dependency]:
    """Read one file, whatever it is.

    Raises:
        UnreadableFileError: it is damaged, or nothing that is understood.
    """
    return list(_reader_of(path)(path))


def found_below(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder that say what a project depends on; hidden folders are passed over.

    The lock file of Cargo's workspace has what its members below it depend on.
    """
    workspaces: list[Path] = []
    for directory, folders, names in os.walk(folder):
        if "Cargo.lock" in names:
            workspaces.append(Path(directory))
        folders[:] = sorted(name for name in folders if name not in _PASSED_OVER and not name.startswith("."))
        for name in sorted(names):
            locked = _LOCKED_BY.get(name, set()) & set(names)
            is_member = name == "Cargo.toml" and any(Path(directory).is_relative_to(each) for each in workspaces)
            if _known(name) is not None and not locked and not is_member:
                yield Path(directory, name)


def _known(name: str) -> Reader | None:
    tables: Sequence[Mapping[str, Reader]] = (_LOCKS, _MANIFESTS, _SBOMS)
    patterns = ((pattern, reader) for table in tables for pattern, reader in table.items())
    return next((reader for pattern, reader in patterns if fnmatchcase(name, pattern)), None)


def _reader_of(path: Path) -> Reader:
    """By the name that its tool gives the file; else by its content."""
    if not path.is_file():
        raise UnreadableFileError(f"{path}: {'is not a file' if path.exists() else 'there is no such file'}")
    known = _known(path.name)
    if known is not None:
        return known
    try:
        if is_sbom(json_object(path)):
            return sbom
    except UnreadableFileError:
        if path.suffix in _LISTS:
            return lists.plain_list if lists.is_list(path) else python.requirements
    raise UnreadableFileError(
        f"{path}: is no lock file, manifest or bill of materials that is understood, and no list (name it *.txt)"
    )
