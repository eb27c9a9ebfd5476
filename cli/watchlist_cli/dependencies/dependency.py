"""A dependency as a file names it, and an address that the file itself gives for it."""

from dataclasses import dataclass
from pathlib import Path

from packageurl import PackageURL


class UnreadableFileError(Exception):
    """The file is not what its name says; the message says why, for its owner."""


@dataclass(frozen=True, slots=True)
class StatedAddress:
    """An address of source code that stands beside the dependency.

    Attributes:
        text: as written, in any spelling.
        field: which field of the file says it.
    """

    text: str
    field: str


@dataclass(frozen=True, slots=True)
class Dependency:
    """One package that a file names.

    Attributes:
        purl: ecosystem, name and, where the file fixes it, version.
        file: where it stands.
        stated: where it is fetched from by the file's own words; None where the file names the package only.
        links: what the file repeats of the package's own metadata, as label and address.
    """

    purl: PackageURL
    file: Path
    stated: StatedAddress | None = None
    links: tuple[tuple[str, str], ...] = ()


def package(ecosystem: str, name: str, version: str | None = None, *, namespace: str | None = None) -> PackageURL:
    """Return the package URL of a package.

    Args:
        ecosystem: the type of the package URL: `pypi`, `npm`, `golang`, `cargo`, `maven`, `gem`, `composer`.
        name: the package's name in its ecosystem.
        version: exact version, if it is known.
        namespace: what stands before the name, without the separator: a scope, a group, a vendor.
    """
    return PackageURL(type=ecosystem, namespace=namespace or None, name=name, version=version or None)
