"""Repositories of packages that are installed on this machine, by their own metadata. Nothing is asked elsewhere."""

import glob
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from email.errors import MessageError
from email.parser import HeaderParser
from functools import cached_property
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from packageurl import PackageURL
from packaging.utils import canonicalize_name

from watchlist_cli.dependencies.dependency import UnreadableFileError
from watchlist_cli.dependencies.reading import json_object, table, toml
from watchlist_cli.folders import home
from watchlist_cli.resolving import labels
from watchlist_cli.resolving.evidence import Confidence, Evidence

_GEM_LINK = re.compile(
    r's\.(?:metadata = \{.*?"source_code_uri" => "(?P<source>[^"]+)"|homepage = "(?P<home>[^"]+)")', re.DOTALL
)

_PLATFORM = re.compile(
    r"(?P<stem>.+?)[-/](?:aix|android|darwin|freebsd|linux|linuxmusl|netbsd|openbsd|openharmony|sunos|win32)(?:-.+)?"
)
"""`@esbuild/linux-x64`, `lightningcss-darwin-arm64`: platforms as Node.js calls them."""


class Installed:
    """What is installed for the projects in some folders: environments, `node_modules`, caches of Cargo, Go, Maven."""

    def __init__(self, folders: Iterable[Path], environment: Mapping[str, str] = os.environ) -> None:
        self._folders = [folder for start in folders for folder in (start.resolve(), *start.resolve().parents)]
        self._environment = environment
        self._home = home(environment)

    def evidence_for(self, purl: PackageURL) -> Evidence | None:
        """Return what the installed package says of its repository; None if it is not here or does not say."""
        readers = {
            "pypi": self._of_python,
            "npm": self._of_node,
            "cargo": self._of_cargo,
            "golang": self._of_go,
            "maven": self._of_maven,
            "gem": self._of_ruby,
        }
        reader = readers.get(purl.type)
        return reader(purl) if reader is not None and _names_no_place(purl) else None

    def _of_python(self, purl: PackageURL) -> Evidence | None:
        folder = self._distributions.get(canonicalize_name(purl.name))
        if folder is None:
            return None
        try:
            headers = HeaderParser().parsestr((folder / "METADATA").read_text(encoding="utf-8", errors="replace"))
        except (OSError, MessageError):
            return None
        links = [*labels.lines(headers.get_all("Project-URL", []))]
        links += [(name, str(headers[name])) for name in ("Home-page", "Download-URL") if headers[name]]
        return labels.best(links, "installed metadata")

    @cached_property
    def _distributions(self) -> dict[str, Path]:
        """Folders of metadata by canonical name; what is nearer to the project comes first."""
        environments = [folder / name for folder in self._folders for name in (".venv", "venv")]
        environments += [
            Path(self._environment[name]) for name in ("VIRTUAL_ENV", "CONDA_PREFIX") if name in self._environment
        ]
        found: dict[str, Path] = {}
        for environment in environments:
            for metadata in (
                *environment.glob("lib/python3*/site-packages/*.dist-info"),
                *environment.glob("Lib/site-packages/*.dist-info"),
            ):
                found.setdefault(canonicalize_name(metadata.name.partition("-")[0]), metadata)
        return found

    def _of_node(self, purl: PackageURL) -> Evidence | None:
        name = f"{purl.namespace}/{purl.name}" if purl.namespace else purl.name
        for folder in self._folders:
            found = _json(folder / "node_modules" / name / "package.json")
            if found is not None:
                return _of_package_json(found)
        return self._of_pnpm(name) or self._of_another_platform(name)

    def _of_another_platform(self, name: str) -> Evidence | None:
        """What is a package for each platform is installed for this one only; one project makes them all."""
        variant = _PLATFORM.fullmatch(name)
        sister = variant and self._for_this_platform.get(variant["stem"])
        evidence = _of_package_json(_json(sister) or {}) if sister else None
        return evidence and Evidence(evidence.address, "the package for this platform", Confidence.GUESSED)

    @cached_property
    def _for_this_platform(self) -> dict[str, Path]:
        """Installed packages that are for one platform, by what stands before it in their names."""
        found: dict[str, Path] = {}
        for folder in self._folders:
            for pattern in ("*", "@*/*"):
                for package in (folder / "node_modules").glob(pattern):
                    name = package.relative_to(folder / "node_modules").as_posix()
                    if variant := _PLATFORM.fullmatch(name):
                        found.setdefault(variant["stem"], package / "package.json")
        return found

    def _of_pnpm(self, name: str) -> Evidence | None:
        for folder in self._folders:
            store = folder / "node_modules" / ".pnpm"
            for package in store.glob(f"{glob.escape(name.replace('/', '+'))}@*") if store.is_dir() else ():
                found = _json(package / "node_modules" / name / "package.json")
                if found is not None:
                    return _of_package_json(found)
        return None

    def _of_cargo(self, purl: PackageURL) -> Evidence | None:
        home = Path(self._environment.get("CARGO_HOME") or self._home / ".cargo")
        folders = [folder / "vendor" for folder in self._folders] + [*home.glob("registry/src/*")]
        name = glob.escape(purl.name)
        names = [name, f"{name}-{glob.escape(purl.version) if purl.version else '[0-9]*'}"]
        manifests = [found for folder in folders for name in names for found in folder.glob(f"{name}/Cargo.toml")]
        for manifest in manifests:
            try:
                package = table(toml(manifest), "package") if manifest.is_file() else {}
            except UnreadableFileError:
                continue
            links = [
                (name, value) for name in ("repository", "homepage") if isinstance(value := package.get(name), str)
            ]
            if links:
                return labels.best(links, "installed Cargo.toml")
        return None

    def _of_go(self, purl: PackageURL) -> Evidence | None:
        """The module cache notes from where a module was fetched, if it was fetched by its version control."""
        home = Path(self._environment.get("GOPATH") or self._home / "go")
        cache = Path(self._environment.get("GOMODCACHE") or home / "pkg" / "mod") / "cache" / "download"
        module = "/".join(part for part in (purl.namespace, purl.name) if part)
        escaped = re.sub("[A-Z]", lambda letter: f"!{letter[0].lower()}", module)
        information = _json(cache / escaped / "@v" / f"{purl.version}.info")
        address = table(information or {}, "Origin").get("URL")
        return Evidence(address, "module cache: Origin", Confidence.CERTAIN) if isinstance(address, str) else None

    def _of_maven(self, purl: PackageURL) -> Evidence | None:
        folder = self._home / ".m2" / "repository" / Path(*str(purl.namespace).split(".")) / purl.name
        pattern = f"{glob.escape(purl.version)}/*.pom" if purl.version else "*/*.pom"
        for file in sorted(folder.glob(pattern), reverse=True):
            try:
                root = fromstring(file.read_bytes(), forbid_dtd=True)
            except (OSError, ParseError, DefusedXmlException):
                continue
            links = [("scm", root.findtext(f"{{*}}scm/{{*}}{name}") or "") for name in ("url", "connection")]
            links.append(("url", root.findtext("{*}url") or ""))
            if found := labels.best(links, "installed pom.xml"):
                return found
        return None

    def _of_ruby(self, purl: PackageURL) -> Evidence | None:
        places = [folder / "vendor" / "bundle" for folder in self._folders]
        places += [Path(path) for path in self._environment.get("GEM_PATH", "").split(os.pathsep) if path]
        for place in [*places, self._home / ".gem", self._home / ".local" / "share" / "gem"]:
            version = glob.escape(purl.version) if purl.version else "[0-9]*"
            for specification in _below(place, f"specifications/{glob.escape(purl.name)}-{version}.gemspec"):
                matches = _GEM_LINK.finditer(specification.read_text(encoding="utf-8", errors="replace"))
                links = [
                    ("source", found["source"]) if found["source"] else ("homepage", found["home"]) for found in matches
                ]
                return labels.best(links, "installed gemspec")
        return None


def _names_no_place(purl: PackageURL) -> bool:
    """A file may hold anything; what it names must not lead out of the folders where packages lie."""
    parts = [*(purl.namespace or "").split("/"), purl.name, purl.version or ""]
    return not any(part in {".", ".."} or "\0" in part for part in parts) and not {"/", "\\"} & {*purl.name, *parts[-1]}


def _of_package_json(document: Mapping[str, Any]) -> Evidence | None:
    repository = document.get("repository")
    address = repository.get("url") if isinstance(repository, dict) else repository
    bugs = document.get("bugs")
    links = [("repository", address), ("homepage", document.get("homepage"))]
    links.append(("bugs", bugs.get("url") if isinstance(bugs, dict) else bugs))
    return labels.best([(label, text) for label, text in links if isinstance(text, str)], "installed package.json")


def _below(place: Path, pattern: str) -> Iterator[Path]:
    """Gems lie at most three folders below the place that holds them: `ruby/3.3.0/specifications`."""
    for depth in ("", "*/", "*/*/"):
        yield from place.glob(depth + pattern)


def _json(path: Path) -> dict[str, Any] | None:
    try:
        return json_object(path) if path.is_file() else None
    except UnreadableFileError:
        return None
