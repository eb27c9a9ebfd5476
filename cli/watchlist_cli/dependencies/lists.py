"""A list made by hand: one package URL or one repository's address a line, `#` begins a comment."""

from collections.abc import Iterator
from pathlib import Path

from packageurl import PackageURL

from watchlist_cli.dependencies.dependency import Dependency, StatedAddress, UnreadableFileError, package
from watchlist_cli.dependencies.reading import text_of


def is_list(path: Path) -> bool:
    """Whether each line is one word and an address or package URL, which no requirement of Python is."""
    return all(" " not in line and ("/" in line or line.startswith(("pkg:", "git@"))) for _, line in _lines(path))


def plain_list(path: Path) -> Iterator[Dependency]:
    """Read the list.

    Raises:
        UnreadableFileError: a line begins as a package URL and is none.
    """
    for number, line in _lines(path):
        if line.startswith("pkg:"):
            try:
                yield Dependency(PackageURL.from_string(line), path)
            except ValueError as error:
                raise UnreadableFileError(f"{path}: line {number}: {error}") from error
        else:
            yield Dependency(package("generic", line), path, StatedAddress(line, f"line {number}"))


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    for number, raw in enumerate(text_of(path).splitlines(), start=1):
        line = raw.partition(" #")[0].strip()
        if line and not line.startswith("#"):
            yield number, line
