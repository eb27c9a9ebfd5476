"""Ruby: Gemfile.lock of Bundler."""

import re
from collections.abc import Iterator
from pathlib import Path

from watchlist_cli.dependencies.dependency import Dependency, StatedAddress, package
from watchlist_cli.dependencies.reading import text_of

_SPEC = re.compile(r" {4}(?P<name>\S+) \((?P<version>[^)]+)\)")
_REMOTE = re.compile(r" {2}remote: (?P<address>\S+)")


def gemfile_lock(path: Path) -> Iterator[Dependency]:
    """Read Gemfile.lock; gems of a folder are the project's own."""
    section, remote = "", ""
    for line in text_of(path).splitlines():
        if line and not line.startswith(" "):
            section, remote = line.strip(), ""
        elif found := _REMOTE.fullmatch(line):
            remote = found["address"]
        elif section in {"GEM", "GIT"} and (found := _SPEC.fullmatch(line)):
            stated = StatedAddress(remote, "GIT remote") if section == "GIT" else None
            yield Dependency(package("gem", found["name"], found["version"]), path, stated)
