"""Asks each source of evidence in turn and takes the best answer."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from packageurl import PackageURL

from watchlist_cli.dependencies.dependency import Dependency
from watchlist_cli.resolving import labels, rules
from watchlist_cli.resolving.addresses import repository_at
from watchlist_cli.resolving.evidence import Confidence, Evidence, Found, NotFound

NOTHING_HERE = "nothing on this machine names its repository"
_ELSEWHERE = "its source is not on a host that is watched: "

Source = Callable[[PackageURL], Evidence | None]
"""Says what it knows of a package's repository."""

Online = Callable[[Iterable[PackageURL]], Mapping[PackageURL, Evidence | str]]
"""Says of each package what it knows of its repository, or why it knows nothing."""


def resolve(dependencies: Iterable[Dependency], sources: Iterable[Source]) -> list[Found | NotFound]:
    """Return each dependency with its repository, or the reason why none is known.

    A package that several files name is asked for once. The first source whose evidence is better than a guess ends
    the search; else the best guess counts.

    Args:
        dependencies: what files name.
        sources: in the order in which they are asked: what costs least comes first.
    """
    asked = list(sources)
    known: dict[object, Evidence | None] = {}
    return [_resolve(dependency, asked, known) for dependency in dependencies]


def resolve_online(results: Iterable[Found | NotFound], online: Online) -> list[Found | NotFound]:
    """Ask a service, in one call, for the packages that nothing else resolved; the other results stay.

    A dependency whose file says where it comes from is not asked for: the service would know another of its name.
    """
    before = list(results)
    missing = [each.dependency.purl for each in before if _may_be_asked(each)]
    answers = online(missing) if missing else {}
    return [
        _answered(each, answers[each.dependency.purl]) if isinstance(each, NotFound) and _may_be_asked(each) else each
        for each in before
    ]


def _may_be_asked(result: Found | NotFound) -> bool:
    return isinstance(result, NotFound) and result.dependency.stated is None


def _answered(missing: NotFound, answer: Evidence | str) -> Found | NotFound:
    if isinstance(answer, str):
        return NotFound(missing.dependency, f"{missing.reason}; {answer}")
    return _led_by(answer, missing.dependency)


def _resolve(dependency: Dependency, sources: list[Source], known: dict[object, Evidence | None]) -> Found | NotFound:
    stated = dependency.stated
    if stated is not None:
        evidence: Evidence | None = Evidence(stated.text, f"{dependency.file.name}: {stated.field}", Confidence.CERTAIN)
    else:
        package = (dependency.purl, dependency.links)
        if package not in known:
            known[package] = _best(_answers(dependency, sources))
        evidence = known[package]
    if evidence is None:
        source = next((address for label, address in _links(dependency) if labels.is_source(label)), None)
        return NotFound(dependency, _ELSEWHERE + source if source else NOTHING_HERE)
    return _led_by(evidence, dependency)


def _led_by(evidence: Evidence, dependency: Dependency) -> Found | NotFound:
    url = repository_at(evidence.address)
    if url is None:
        return NotFound(dependency, _ELSEWHERE + evidence.address)
    return Found(dependency, url, evidence)


def _answers(dependency: Dependency, sources: list[Source]) -> Iterator[Evidence]:
    for source in sources:
        answer = source(dependency.purl)
        if answer is not None:
            yield answer
    answer = labels.best(_links(dependency), dependency.file.name)
    if answer is not None:
        yield answer


def _links(dependency: Dependency) -> list[tuple[str, str]]:
    return [link for link in dependency.links if not rules.is_of_parent(dependency.purl, link[1])]


def _best(answers: Iterator[Evidence]) -> Evidence | None:
    best: Evidence | None = None
    for answer in answers:
        if best is None or answer.confidence > best.confidence:
            best = answer
        if best.confidence > Confidence.GUESSED and repository_at(best.address):
            break
    return best
