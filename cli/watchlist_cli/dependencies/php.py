"""PHP: composer.lock, which names the source of each package itself."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from watchlist_cli.dependencies.dependency import Dependency, StatedAddress, package
from watchlist_cli.dependencies.reading import entries, json_object, table


def composer_lock(path: Path) -> Iterator[Dependency]:
    """Read composer.lock."""
    document = json_object(path)
    for section in ("packages", "packages-dev"):
        for entry in entries(document, section, path):
            vendor, _, name = str(entry.get("name") or "").rpartition("/")
            if name:
                purl = package("composer", name, str(entry.get("version") or ""), namespace=vendor)
                yield Dependency(purl, path, _stated(entry))


def _stated(entry: Mapping[str, Any]) -> StatedAddress | None:
    """A package that names no source comes as an archive, which the host of its source makes as a rule."""
    source = table(entry, "source")
    if source.get("type") == "git" and isinstance(source.get("url"), str):
        return StatedAddress(source["url"], "source.url")
    archive = table(entry, "dist").get("url")
    if isinstance(archive, str) and archive.startswith("https://api.github.com/repos/"):
        return StatedAddress(archive, "dist.url")
    return None
