"""Go: go.mod."""

import re
from collections.abc import Iterator
from pathlib import Path

from packageurl import PackageURL

from watchlist_cli.dependencies.dependency import Dependency, UnreadableFileError, package
from watchlist_cli.dependencies.reading import text_of

_LINE = re.compile(r"(?P<module>[^\s()]+)\s+(?P<version>v[^\s()]+)")
_REPLACED = re.compile(r"(?P<module>\S+)(?:\s+v\S+)?\s+=>\s+(?P<by>\S+)(?:\s+(?P<version>v\S+))?")


def go_mod(path: Path) -> Iterator[Dependency]:
    """Read go.mod (Go modules reference, "go.mod files"); what is replaced by a folder is the project's own code.

    Raises:
        UnreadableFileError: a requirement has no version.
    """
    required: dict[str, str] = {}
    replaced: dict[str, PackageURL | None] = {}
    for verb, rest in _directives(text_of(path)):
        if verb == "require":
            line = _LINE.fullmatch(rest)
            if line is None:
                raise UnreadableFileError(f"{path}: {rest[:100]!r} names no module and version")
            required[line["module"]] = line["version"]
        elif verb == "replace" and (line := _REPLACED.fullmatch(rest)):
            by = None if line["by"].startswith((".", "/")) else module_url(line["by"], line["version"])
            replaced[line["module"]] = by
    for module, version in required.items():
        purl = replaced.get(module, module_url(module, version))
        if purl is not None:
            yield Dependency(purl, path)


def _directives(text: str) -> Iterator[tuple[str, str]]:
    """Yield each directive as its verb and its one line, blocks taken apart and comments left out."""
    block = ""
    for raw in text.splitlines():
        line = raw.partition("//")[0].strip()
        if not line:
            continue
        if block and line == ")":
            block = ""
        elif block:
            yield block, line.replace('"', "")
        elif line.endswith("("):
            block = line[:-1].strip()
        else:
            verb, _, rest = line.partition(" ")
            yield verb, rest.strip().replace('"', "")


def module_url(module: str, version: str | None) -> PackageURL:
    """Return the package URL of a module."""
    namespace, _, name = module.rpartition("/")
    return package("golang", name, version, namespace=namespace)
