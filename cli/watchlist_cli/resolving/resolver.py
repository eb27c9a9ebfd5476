"""Asks each source of evidence in turn and takes the best answer."""

from collections.abc import Callable, Iterable, Iterator

from packageurl import PackageURL

from watchlist_cli.dependencies.dependency import Dependency
from watchlist_cli.resolving.addresses import repository_at
from watchlist_cli.resolving.evidence import Confidence, Evidence, Found, NotFound

Source = Callable[[PackageURL], Evidence | None]
"""Says what it knows of a package's repository."""


def resolve(dependencies: Iterable[Dependency], sources: Iterable[Source]) -> list[Found | NotFound]:
    """Return each dependency with its repository, or the reason why none is known.

    A package that several files name is asked for once. The first source whose evidence is better than a guess ends
    the search; else the best guess counts.

    Args:
        dependencies: what files name.
        sources: in the order in which they are asked: what costs least comes first.
    """
    asked = list(sources)
    known: dict[PackageURL, Evidence | None] = {}
    return [_resolve(dependency, asked, known) for dependency in dependencies]


def _resolve(
    dependency: Dependency, sources: list[Source], known: dict[PackageURL, Evidence | None]
) -> Found | NotFound:
    stated = dependency.stated
    if stated is not None:
        evidence: Evidence | None = Evidence(stated.text, f"{dependency.file.name}: {stated.field}", Confidence.CERTAIN)
    else:
        if dependency.purl not in known:
            known[dependency.purl] = _best(_answers(dependency.purl, sources))
        evidence = known[dependency.purl]
    if evidence is None:
        return NotFound(dependency, "nothing on this machine names its repository")
    url = repository_at(evidence.address)
    if url is None:
        return NotFound(dependency, f"its source is not on a host that is watched: {evidence.address}")
    return Found(dependency, url, evidence)


def _answers(purl: PackageURL, sources: list[Source]) -> Iterator[Evidence]:
    for source in sources:
        answer = source(purl)
        if answer is not None:
            yield answer


def _best(answers: Iterator[Evidence]) -> Evidence | None:
    best: Evidence | None = None
    for answer in answers:
        if best is None or answer.confidence > best.confidence:
            best = answer
        if best.confidence > Confidence.GUESSED and repository_at(best.address):
            break
    return best
