"""Links of a package by their labels: which of them leads to the source code."""

import re
from collections.abc import Iterable, Iterator

from watchlist_cli.resolving.addresses import repository_at
from watchlist_cli.resolving.evidence import Confidence, Evidence

_SOURCE = frozenset(
    {"source", "sourcecode", "repository", "repo", "code", "github", "gitlab", "git", "scm", "vcs", "sourcecodeuri"}
)
"""Labels by which projects name their source code (PyPA, "Well-known labels", and what is common)."""

_FUNDING = frozenset({"funding", "sponsor", "sponsors", "donate", "donation", "tidelift"})


def best(links: Iterable[tuple[str, str]], where: str) -> Evidence | None:
    """Return the best evidence among links, given as label and address; None if no link leads to a repository."""
    found = [evidence for label, address in links if (evidence := _of_link(label, address, where))]
    return max(found, key=lambda evidence: evidence.confidence, default=None)


def _of_link(label: str, address: str, where: str) -> Evidence | None:
    if _plain(label) in _FUNDING or repository_at(address) is None:
        return None
    confidence = Confidence.CLAIMED if is_source(label) else Confidence.GUESSED
    return Evidence(address, f"{where}: {label}", confidence)


def is_source(label: str) -> bool:
    """Whether a link of that label leads to source code by its author's own words."""
    return _plain(label) in _SOURCE


def _plain(label: str) -> str:
    return re.sub(r"[^a-z]", "", label.lower())


def lines(values: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Take apart what core metadata write as `Label, address`."""
    for value in values:
        label, _, address = value.partition(",")
        yield label.strip(), address.strip()
