"""JavaScript: package.json, package-lock.json, pnpm-lock.yaml and yarn.lock."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from packageurl import PackageURL

from watchlist_cli.dependencies.dependency import Dependency, StatedAddress, UnreadableFileError, package
from watchlist_cli.dependencies.reading import json_object, table, text_of

_ECOSYSTEM = "npm"
_SECTIONS = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
_LOCAL = ("file:", "link:", "portal:", "workspace:", ".", "/", "~/")
_ALIAS = re.compile(r"npm:(?P<name>(?:@[^/@]+/)?[^/@]+)(?:@(?P<version>.+))?")
_ADDRESS = re.compile(
    r"(?:git[+:@]|ssh:|(?:github|gitlab|bitbucket|gist):|[\w-]+/[\w.-]+(?:#|$)|https?:.*\.git(?:#|$))"
)
_EXACT = re.compile(r"\d+\.\d+\.\d+(?:[-+].*)?")

_PNPM_KEY = re.compile(r"/?(?P<name>(?:@[^/@]+/)?[^/@]+)[@/](?P<version>\d[^(_/]*).*")
"""`/name/1.0.0`, `/name@1.0.0(peer@2.0.0)` and `name@1.0.0` of pnpm's lock file formats 5, 6 and 9."""

_PNPM_GIT = re.compile(
    r"(?:(?P<name>(?:@[^/@]+/)?[^/@]+)@)?(?:https?://codeload\.)?(?P<host>[\w.-]+\.\w+)/(?P<path>[\w.-]+/[\w.-]+)/.*"
)

_YARN_ENTRY = re.compile(r'^"?(?P<name>(?:@[^/@]+/)?[^/@"]+)@(?P<range>[^",]+).*:$')
_YARN_FIELD = re.compile(r'^ {2}(?P<field>version|resolved):? "?(?P<value>[^"]+)"?$')


def package_json(path: Path) -> Iterator[Dependency]:
    """Read package.json."""
    document = json_object(path)
    for section in _SECTIONS:
        for name, wanted in table(document, section).items():
            if isinstance(wanted, str) and not wanted.startswith(_LOCAL):
                yield _wanted(path, name, wanted, section)


def _wanted(path: Path, name: str, wanted: str, field: str) -> Dependency:
    if alias := _ALIAS.fullmatch(wanted):
        return Dependency(_named(alias["name"], _exact(alias["version"])), path)
    if _ADDRESS.match(wanted):
        return Dependency(_named(name), path, StatedAddress(wanted, field))
    return Dependency(_named(name, _exact(wanted)), path)


def package_lock(path: Path) -> Iterator[Dependency]:
    """Read package-lock.json (or npm-shrinkwrap.json) of format 1, 2 or 3."""
    document = json_object(path)
    if isinstance(document.get("packages"), dict):
        for place, entry in document["packages"].items():
            if "node_modules/" in place and isinstance(entry, dict) and not entry.get("link"):
                yield _locked(path, str(entry.get("name") or place.rpartition("node_modules/")[2]), entry)
    else:
        yield from _nested(path, table(document, "dependencies"))


def _nested(path: Path, dependencies: Mapping[str, Any]) -> Iterator[Dependency]:
    waiting = [dependencies]
    while waiting:
        for name, entry in waiting.pop().items():
            if isinstance(entry, dict):
                waiting.append(table(entry, "dependencies"))
                if not str(entry.get("version")).startswith(_LOCAL):
                    yield _locked(path, name, entry)


def _locked(path: Path, name: str, entry: Mapping[str, Any]) -> Dependency:
    version, resolved = str(entry.get("version") or ""), str(entry.get("resolved") or "")
    address = next((text for text in (resolved, version) if text.startswith(("git+", "git:", "github:"))), None)
    stated = StatedAddress(address, "resolved") if address else None
    return Dependency(_named(name, _exact(version)), path, stated)


def pnpm_lock(path: Path) -> Iterator[Dependency]:
    """Read pnpm-lock.yaml."""
    packages = _yaml(path).get("packages") or {}
    for key, entry in packages.items() if isinstance(packages, dict) else ():
        if found := _PNPM_KEY.fullmatch(str(key)):
            yield Dependency(_named(found["name"], found["version"]), path)
        elif not str(key).startswith("file:") and (found := _PNPM_GIT.fullmatch(str(key))):
            name = found["name"] or (entry.get("name") if isinstance(entry, dict) else None)
            address = StatedAddress(f"https://{found['host']}/{found['path']}", "packages")
            yield Dependency(_named(str(name or found["path"].rpartition("/")[2])), path, address)


def yarn_lock(path: Path) -> Iterator[Dependency]:
    """Read yarn.lock, of Yarn 1 or of its successors, which write YAML."""
    if "__metadata:" in text_of(path):
        for key, entry in _yaml(path).items():
            if key != "__metadata" and isinstance(entry, dict):
                yield from _of_berry(path, str(entry.get("resolution") or key))
    else:
        yield from _of_yarn_1(path)


def _of_berry(path: Path, resolution: str) -> Iterator[Dependency]:
    name, _, source = resolution[1:].partition("@")
    name = resolution[0] + name
    if source.startswith("npm:"):
        yield Dependency(_named(name, _exact(source.removeprefix("npm:"))), path)
    elif source.startswith(("git", "https:", "ssh:")):
        yield Dependency(_named(name), path, StatedAddress(source, "resolution"))


def _of_yarn_1(path: Path) -> Iterator[Dependency]:
    name: str | None = None
    fields: dict[str, str] = {}
    for line in [*text_of(path).splitlines(), "end:"]:
        if line and not line.startswith((" ", "#")):
            if name is not None:
                yield _locked(path, name, fields)
            entry = _YARN_ENTRY.match(line)
            name, fields = None, {}
            if entry is not None and not entry["range"].startswith(_LOCAL):
                alias = _ALIAS.fullmatch(entry["range"])
                name = alias["name"] if alias else entry["name"]
        elif field := _YARN_FIELD.match(line):
            fields[field["field"]] = field["value"]


def _named(name: str, version: str | None = None) -> PackageURL:
    scope, _, rest = name.rpartition("/")
    return package(_ECOSYSTEM, rest, version, namespace=scope)


def _exact(version: str | None) -> str | None:
    return version if version and _EXACT.fullmatch(version) else None


def _yaml(path: Path) -> dict[str, Any]:
    try:
        document = yaml.load(text_of(path), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders
    except (yaml.YAMLError, RecursionError) as error:
        raise UnreadableFileError(f"{path}: {str(error)[:300]}") from error
    if not isinstance(document, dict):
        raise UnreadableFileError(f"{path}: is no YAML mapping")
    return document
