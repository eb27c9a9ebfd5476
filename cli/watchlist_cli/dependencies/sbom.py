"""Bills of materials as JSON: CycloneDX 1.x, SPDX 2.x and 3.0, and what GitHub exports (SPDX in an envelope).

Only package URLs and addresses of source code are taken, so the documents are read as they are: a library that builds
a model of every field would refuse a document for a licence that it does not know.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from packageurl import PackageURL

from watchlist_cli.dependencies.dependency import Dependency, StatedAddress, UnreadableFileError
from watchlist_cli.dependencies.reading import entries, json_object, list_in

_LINKS = ("vcs", "source-distribution", "website", "homepage", "issue-tracker")
"""Kinds of links that may lead to the source; a licence or an advisory leads to somebody else's."""

_VCS = ("git+", "git:", "git@", "ssh:", "scm:")


def is_sbom(document: Mapping[str, Any]) -> bool:
    """Whether the object is a bill of materials that is understood."""
    return (
        document.get("bomFormat") == "CycloneDX"
        or "spdxVersion" in document
        or "sbom" in document
        or "@graph" in document
    )


def sbom(path: Path) -> Iterator[Dependency]:
    """Read a bill of materials.

    Raises:
        UnreadableFileError: it is none of the formats.
    """
    document = json_object(path)
    if isinstance(document.get("sbom"), dict):
        document = document["sbom"]
    if document.get("bomFormat") == "CycloneDX":
        yield from _of_cyclonedx(path, list_in(document, "components"))
    elif "spdxVersion" in document:
        yield from _of_spdx_2(path, document)
    elif "@graph" in document:
        yield from _of_spdx_3(path, document)
    else:
        raise UnreadableFileError(f"{path}: is neither CycloneDX nor SPDX")


def _of_cyclonedx(path: Path, components: list[Any]) -> Iterator[Dependency]:
    waiting = list(components)
    while waiting:
        component = waiting.pop(0)
        if not isinstance(component, dict):
            continue
        waiting += list_in(component, "components")
        purl = _purl(component.get("purl"))
        references = [each for each in list_in(component, "externalReferences") if isinstance(each, dict)]
        links = ((each.get("type"), each.get("url")) for each in references)
        if purl is not None:
            yield Dependency(purl, path, links=_links(links))


def _of_spdx_2(path: Path, document: Mapping[str, Any]) -> Iterator[Dependency]:
    described = {*list_in(document, "documentDescribes")}
    described |= {
        each.get("relatedSpdxElement")
        for each in entries(document, "relationships", path)
        if each.get("relationshipType") == "DESCRIBES"
    }
    for entry in entries(document, "packages", path):
        references = [each for each in list_in(entry, "externalRefs") if isinstance(each, dict)]
        locators = [each.get("referenceLocator") for each in references if each.get("referenceType") == "purl"]
        purl = next((found for found in map(_purl, locators) if found is not None), None)
        if purl is not None and entry.get("SPDXID") not in described:
            links = _links([("homepage", entry.get("homepage"))])
            yield Dependency(purl, path, _stated(entry.get("downloadLocation"), "downloadLocation"), links)


def _of_spdx_3(path: Path, document: Mapping[str, Any]) -> Iterator[Dependency]:
    for element in entries(document, "@graph", path):
        if element.get("type") == "software_Package":
            identifiers = [each for each in list_in(element, "externalIdentifier") if isinstance(each, dict)]
            texts = [element.get("software_packageUrl")]
            texts += [
                each.get("identifier") for each in identifiers if each.get("externalIdentifierType") == "packageUrl"
            ]
            purl = next((found for found in map(_purl, texts) if found is not None), None)
            if purl is not None:
                location = _stated(element.get("software_downloadLocation"), "software_downloadLocation")
                yield Dependency(purl, path, location, _links([("homepage", element.get("software_homePage"))]))


def _stated(address: object, field: str) -> StatedAddress | None:
    """A download location may be an archive; only version control leads to source code."""
    is_source = isinstance(address, str) and (address.startswith(_VCS) or address.endswith(".git"))
    return StatedAddress(str(address), field) if is_source else None


def _links(found: Iterable[tuple[object, object]]) -> tuple[tuple[str, str], ...]:
    """What makes bills of materials copies these from the package's metadata."""
    return tuple((str(kind), address) for kind, address in found if kind in _LINKS and isinstance(address, str))


def _purl(text: object) -> PackageURL | None:
    try:
        return PackageURL.from_string(text) if isinstance(text, str) else None
    except ValueError:
        return None
