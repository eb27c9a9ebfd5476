"""Java: pom.xml of Maven."""

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from watchlist_cli.dependencies.dependency import Dependency, UnreadableFileError, package
from watchlist_cli.dependencies.reading import text_of

_PROPERTY = re.compile(r"\$\{([^}]+)\}")


def pom(path: Path) -> Iterator[Dependency]:
    """Read the dependencies and plugins of pom.xml, properties of the file itself put in.

    Raises:
        UnreadableFileError: it is no XML, or XML that declares entities.
    """
    root = _parsed(path)
    properties = {_local(each): (each.text or "").strip() for each in root.iterfind("{*}properties/{*}*")}
    for name in ("groupId", "version"):
        own = root.findtext(f"{{*}}{name}") or root.findtext(f"{{*}}parent/{{*}}{name}") or ""
        properties[f"project.{name}"] = own.strip()
    for element in [*root.iterfind(".//{*}dependency"), *root.iterfind(".//{*}plugin"), *root.iterfind("{*}parent")]:
        group, artifact, version = (
            _filled_in((element.findtext(f"{{*}}{name}") or "").strip(), properties)
            for name in ("groupId", "artifactId", "version")
        )
        if _local(element) == "plugin":
            group = group or "org.apache.maven.plugins"
        if group and artifact and group != properties["project.groupId"]:
            yield Dependency(package("maven", artifact, None if "${" in version else version, namespace=group), path)


def _parsed(path: Path) -> Element:
    try:
        root: Element = fromstring(text_of(path).encode(), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise UnreadableFileError(f"{path}: {error}") from error
    return root


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _filled_in(text: str, properties: dict[str, str]) -> str:
    """Put properties in once: a property that names another stays as it is, and the version is unknown then."""
    return _PROPERTY.sub(lambda found: properties.get(found[1], found[0]), text)
