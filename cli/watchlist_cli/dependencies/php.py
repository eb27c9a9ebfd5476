"""PHP: composer.lock, which names the source of each package itself."""

from collections.abc import Iterator
from pathlib import Path

from watchlist_cli.dependencies.dependency import Dependency, StatedAddress, package
from watchlist_cli.dependencies.reading import entries, json_object, table


def composer_lock(path: Path) -> Iterator[Dependency]:
    """Read composer.lock."""
    document = json_object(path)
    for section in ("packages", "packages-dev"):
        for entry in entries(document, section, path):
            vendor, _, name = str(entry.get("name") or "").rpartition("/")
            source = table(entry, "source")
            address = source.get("url") if source.get("type") == "git" else None
            stated = StatedAddress(address, "source.url") if isinstance(address, str) else None
            if name:
                yield Dependency(
                    package("composer", name, str(entry.get("version") or ""), namespace=vendor), path, stated
                )
