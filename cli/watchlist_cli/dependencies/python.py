"""Python: requirements files, pyproject.toml, and the lock files of uv, Poetry, PDM, Pipenv and PEP 751."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from watchlist_cli.dependencies.dependency import Dependency, StatedAddress, UnreadableFileError, package
from watchlist_cli.dependencies.reading import entries, json_object, list_in, table, text_of, toml

_ECOSYSTEM = "pypi"
_COMMENT = re.compile(r"(^|\s+)#.*$")
_INCLUDE = re.compile(r"(?:-r|--requirement)[=\s]*(?P<file>\S+)")
_EDITABLE = re.compile(r"(?:-e|--editable)[=\s]*(?P<address>\S+)")
_PER_REQUIREMENT_OPTION = re.compile(r"\s--[a-z].*$")
_EGG = re.compile(r"[#&]egg=(?P<name>[A-Za-z0-9._-]+)")
_VCS = ("git+", "git@", "git:")


def requirements(path: Path) -> Iterator[Dependency]:
    """Read a requirements file of pip, with the files that it includes (pip's reference, "Requirements File Format").

    Raises:
        UnreadableFileError: a line is no requirement, or an included file is missing.
    """
    yield from _requirements(path, frozenset())


def _requirements(path: Path, including: frozenset[Path]) -> Iterator[Dependency]:
    if path.resolve() in including:
        return
    for line in _logical_lines(path):
        if included := _INCLUDE.fullmatch(line):
            yield from _requirements(path.parent / included["file"], including | {path.resolve()})
        elif editable := _EDITABLE.fullmatch(line):
            yield from _from_address(path, editable["address"])
        elif not line.startswith("-"):
            yield from _from_line(path, _PER_REQUIREMENT_OPTION.sub("", line).strip())


def _logical_lines(path: Path) -> Iterator[str]:
    for line in re.sub(r"\\\r?\n", " ", text_of(path)).splitlines():
        content = _COMMENT.sub("", line).strip()
        if content:
            yield content


def _from_line(path: Path, line: str) -> Iterator[Dependency]:
    if line.startswith((*_VCS, "http://", "https://", "file:", ".", "/")):
        yield from _from_address(path, line)
        return
    try:
        yield _from_requirement(path, Requirement(line))
    except InvalidRequirement as error:
        raise UnreadableFileError(f"{path}: {line[:100]!r} is no requirement: {error}") from error


def _from_address(path: Path, address: str) -> Iterator[Dependency]:
    """A requirement that is an address only: without `#egg=` it says no name; a path is the project's own code."""
    named = _EGG.search(address)
    if named is not None or address.startswith(_VCS):
        name = named["name"] if named else _last_segment(address)
        yield Dependency(
            package(_ECOSYSTEM, canonicalize_name(name)), path, _stated(address, "the requirement's address")
        )


def _last_segment(address: str) -> str:
    """`git+https://host/owner/name.git@tag#part` ends in `name`."""
    return re.split(r"[/:]", address.partition("#")[0])[-1].partition("@")[0].removesuffix(".git")


def _from_requirement(path: Path, requirement: Requirement) -> Dependency:
    pins = [
        each.version for each in requirement.specifier if each.operator in {"==", "==="} and "*" not in each.version
    ]
    version = pins[0] if len(pins) == 1 else None
    stated = _stated(requirement.url, "the requirement's address")
    return Dependency(package(_ECOSYSTEM, canonicalize_name(requirement.name), version), path, stated)


def _stated(address: str | None, field: str) -> StatedAddress | None:
    """Only addresses of version control lead to source code; others are archives."""
    return StatedAddress(address, field) if address and address.startswith(_VCS) else None


def pyproject(path: Path) -> Iterator[Dependency]:
    """Read the dependencies of a project: PEP 621, dependency groups (PEP 735) and Poetry's tables.

    Raises:
        UnreadableFileError: it is no TOML, or a dependency is no requirement.
    """
    document = toml(path)
    project = table(document, "project")
    lines: list[object] = [*list_in(project, "dependencies")]
    for extra in table(project, "optional-dependencies").values():
        lines += extra if isinstance(extra, list) else []
    for group in table(document, "dependency-groups").values():
        lines += [line for line in group if isinstance(line, str)] if isinstance(group, list) else []
    for line in lines:
        if isinstance(line, str):
            yield from _from_line(path, line)
    poetry = table(table(document, "tool"), "poetry")
    groups = [group for group in table(poetry, "group").values() if isinstance(group, dict)]
    for wanted in (table(holder, "dependencies") for holder in (poetry, *groups)):
        yield from _of_poetry(path, wanted)
    yield from _of_poetry(path, table(poetry, "dev-dependencies"))


def _of_poetry(path: Path, wanted: Mapping[str, Any]) -> Iterator[Dependency]:
    for name, constraint in wanted.items():
        address = constraint.get("git") if isinstance(constraint, dict) else None
        if name.lower() != "python" and not (isinstance(constraint, dict) and "path" in constraint):
            stated = StatedAddress(address, "git") if isinstance(address, str) else None
            yield Dependency(package(_ECOSYSTEM, canonicalize_name(name)), path, stated)


def uv_lock(path: Path) -> Iterator[Dependency]:
    """Read uv.lock; the project itself and other local packages are left out."""
    for entry in entries(toml(path), "package", path):
        source = table(entry, "source")
        if not source.keys() & {"virtual", "editable", "directory"}:
            yield _locked(path, entry, source.get("git"), "source.git")


def poetry_lock(path: Path) -> Iterator[Dependency]:
    """Read poetry.lock."""
    for entry in entries(toml(path), "package", path):
        source = table(entry, "source")
        if source.get("type") not in {"directory", "file"}:
            address = source.get("url") if source.get("type") == "git" else None
            yield _locked(path, entry, address, "source.url")


def pdm_lock(path: Path) -> Iterator[Dependency]:
    """Read pdm.lock."""
    for entry in entries(toml(path), "package", path):
        if "path" not in entry:
            yield _locked(path, entry, entry.get("git"), "git")


def pylock(path: Path) -> Iterator[Dependency]:
    """Read pylock.toml (PEP 751)."""
    for entry in entries(toml(path), "packages", path):
        if "directory" not in entry:
            yield _locked(path, entry, table(entry, "vcs").get("url"), "vcs.url")


def pipfile_lock(path: Path) -> Iterator[Dependency]:
    """Read Pipfile.lock."""
    document = json_object(path)
    for section in ("default", "develop"):
        for name, entry in table(document, section).items():
            if isinstance(entry, dict) and "path" not in entry:
                version = str(entry.get("version") or "").removeprefix("==")
                yield _locked(path, {"name": name, "version": version}, entry.get("git"), "git")


def _locked(path: Path, entry: Mapping[str, Any], address: object, field: str) -> Dependency:
    name, version = entry.get("name"), entry.get("version")
    if not isinstance(name, str):
        raise UnreadableFileError(f"{path}: a package has no name")
    stated = StatedAddress(address, field) if isinstance(address, str) else None
    return Dependency(
        package(_ECOSYSTEM, canonicalize_name(name), version if isinstance(version, str) else None), path, stated
    )
