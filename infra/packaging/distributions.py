"""Installed distributions: which ones a set of imports needs, and which of their files a function runs."""

import json
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from infra.packaging.target import PYTHON_VERSION

_MARKERS = {
    "extra": "",
    "implementation_name": "cpython",
    "platform_machine": "aarch64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_version": PYTHON_VERSION,
    "python_full_version": f"{PYTHON_VERSION}.0",
    "sys_platform": "linux",
}
"""The environment in which the packages run, for requirements that hold in some environments only."""

_SHARED_BOTOCORE_DATA = frozenset(
    {"_retry.json", "endpoints.json", "partitions.json", "sdk-default-configuration.json"}
)

ENDPOINTS = Path("botocore", "data", "endpoints.json")

_UNUSED_FOLDERS = frozenset({("boto3", "data"), ("boto3", "examples")})
"""Resources and documentation: the service makes clients only."""

_UNUSED_SUFFIXES = frozenset({".pyi", ".typed", ".rst", ".md", ".txt", ".js", ".css"})
"""Types, documentation, and the pages of Powertools' Swagger UI: `/docs` is a page of the service's own."""


class Installation:
    """A directory that distributions were installed into."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._by_name = {canonicalize_name(found.name): found for found in distributions(path=[str(directory)])}
        self._by_import = {
            top: name for name, distribution in self._by_name.items() for top in _top_level_names(distribution)
        }

    def files(self, imports: Iterable[str], aws_services: Iterable[str]) -> Iterator[Path]:
        """Yield the files, relative to the directory, that running code with these imports needs.

        Raises:
            ModuleNotFoundError: no installed distribution provides an import.
        """
        services = frozenset(aws_services)
        for name in sorted(self._needed(imports)):
            for path in _files(self._by_name[name]):
                if _is_run(path, services):
                    yield path

    def all_files(self, imports: Iterable[str]) -> Iterator[Path]:
        """Yield all files of the distributions that these imports need."""
        for name in sorted(self._needed(imports)):
            yield from _files(self._by_name[name])

    def _needed(self, imports: Iterable[str]) -> set[NormalizedName]:
        pending = [self._provider(top) for top in imports]
        needed: set[NormalizedName] = set()
        while pending:
            name = pending.pop()
            if name not in needed:
                needed.add(name)
                pending.extend(self._requirements(name))
        return needed

    def _provider(self, top: str) -> NormalizedName:
        if top not in self._by_import:
            raise ModuleNotFoundError(f"requirements/functions.txt provides no {top}", name=top)
        return self._by_import[top]

    def _requirements(self, name: NormalizedName) -> Iterator[NormalizedName]:
        for line in self._by_name[name].requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate(_MARKERS):
                yield canonicalize_name(requirement.name)


def cut_endpoints(text: bytes, aws_services: Iterable[str]) -> bytes:
    """Return botocore's endpoints.json with these services only: reading all of them takes 14 ms of each cold start."""
    document = json.loads(text)
    for partition in document["partitions"]:
        partition["services"] = {
            name: partition["services"][name] for name in sorted(aws_services) if name in partition["services"]
        }
    return json.dumps(document, separators=(",", ":")).encode()


def _files(distribution: Distribution) -> Iterator[Path]:
    """Yield what the distribution put into the directory itself, without scripts."""
    for file in distribution.files or ():
        path = Path(file)
        if path.parts[0] not in {"..", "bin"}:
            yield path


def _top_level_names(distribution: Distribution) -> set[str]:
    tops = {path.parts[0] for path in _files(distribution)}
    return {top.removesuffix(".py") for top in tops if not top.endswith(".dist-info")}


def _is_run(path: Path, aws_services: frozenset[str]) -> bool:
    if path.parent.suffix == ".dist-info" or ".dist-info" in path.parts[0]:
        return path.name == "METADATA"  # some libraries ask for their own version
    if path.suffix in _UNUSED_SUFFIXES:
        return False
    if path.parts[:2] == ("botocore", "data"):
        return path.parts[2] in aws_services or path.parts[2] in _SHARED_BOTOCORE_DATA
    return path.parts[:2] not in _UNUSED_FOLDERS
