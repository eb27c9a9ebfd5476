"""What is known of a package's repository, and from where."""

from dataclasses import dataclass
from enum import IntEnum

from watchlist_cli.dependencies.dependency import Dependency


class Confidence(IntEnum):
    """How sure the repository is the package's."""

    GUESSED = 1
    """Derived from a field that often, but not always, leads there: a home page, an issue tracker."""

    CLAIMED = 2
    """The package's own metadata say so; its publisher wrote them, nobody checked."""

    CERTAIN = 3
    """The package is fetched from there: a lock file, a module path, or the ecosystem's rule says so."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One hint at a repository.

    Attributes:
        address: as found, in any spelling.
        source: which field of which metadata has it, for people.
        confidence: how far it is to be believed.
    """

    address: str
    source: str
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Found:
    """A dependency whose repository is known.

    Attributes:
        url: canonical: `https://host/owner/name`.
    """

    dependency: Dependency
    url: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class NotFound:
    """A dependency whose repository is not known, with the reason for people."""

    dependency: Dependency
    reason: str
