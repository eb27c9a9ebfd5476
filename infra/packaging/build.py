"""Builds the package of each function.

All locked requirements are installed once for the target (wheels only, hashes checked, no Docker) and compiled with the
target's Python. Each function's package then takes the files that its imports need. The zip files hold no times and no
order of their own: the same inputs give the same bytes, so that CDK deploys only what changed.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from functions.http.openapi import page as docs_page
from infra.packaging.closure import FIRST_PARTY, closure_of
from infra.packaging.distributions import ENDPOINTS, Installation, cut_endpoints
from infra.packaging.target import LAMBDA, PYTHON_VERSION, Target
from watchlist.deployment.function_spec import FunctionSpec

REPOSITORY_ROOT = Path(__file__).parents[2]
REQUIREMENTS = Path("requirements", "functions.txt")

_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file can hold."""

_MODE = 0o644 << 16

_LAMBDA_ROOT = "/var/task"
"""Where Lambda unpacks a package; tracebacks name files below it."""


class PackagingError(Exception):
    """A package cannot be built here; the message says what is missing."""


class Packages:
    """The packages for one target, built when first asked for and kept until an input changes."""

    def __init__(self, target: Target = LAMBDA, root: Path = REPOSITORY_ROOT, build: Path | None = None) -> None:
        docs_page.build()
        self._target = target
        self._root = root
        self._build = (build or root / "build" / "packages") / target.name

    def package_of(self, spec: FunctionSpec) -> Path:
        """Return the zip file of the function's package.

        Raises:
            PackagingError: the target's Python is not on this machine, or a requirement cannot be installed.
            ModuleNotFoundError: the function imports something that the requirements do not provide.
        """
        installed = self._install()
        package = installed.parent / f"{spec.name}.zip"
        if not package.exists():
            closure = closure_of(self._root, spec.module)
            files = Installation(installed).files(closure.imports, closure.aws_services)
            endpoints = cut_endpoints((installed / ENDPOINTS).read_bytes(), closure.aws_services)
            _write_zip(package, installed, [*closure.sources, *closure.data, *files], {ENDPOINTS: endpoints})
        return package

    def boto3_as_it_is(self) -> Path:
        """Return a zip file of boto3 and what it requires, whole, for comparison."""
        installed = self._install()
        package = installed.parent / "boto3.zip"
        if not package.exists():
            _write_zip(package, installed, Installation(installed).all_files({"boto3"}))
        return package

    def _install(self) -> Path:
        """Return the directory with all requirements and our sources, compiled."""
        finished = self._build / self._key() / "all"
        if finished.exists():
            return finished
        python = python_of_target()
        finished.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=finished.parent) as temporary:
            directory = Path(temporary) / "all"
            _install_requirements(self._root / REQUIREMENTS, self._target, directory)
            for package in FIRST_PARTY:
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(self._root / package, directory / package, ignore=ignored)
            _compile(python, directory)
            try:
                directory.rename(finished)
            except OSError:
                if not finished.exists():  # another process may have been faster, with the same result
                    raise
        for outdated in self._build.iterdir():
            if outdated != finished.parent:
                shutil.rmtree(outdated, ignore_errors=True)
        return finished

    def _key(self) -> str:
        """Return a hash of all inputs."""
        digest = hashlib.sha256(f"{PYTHON_VERSION} {self._target}".encode())
        folders = (*(self._root / package for package in FIRST_PARTY), Path(__file__).parent)
        sources = sorted(
            file for folder in folders for file in folder.rglob("*") if file.is_file() and file.suffix != ".pyc"
        )
        for path in (self._root / REQUIREMENTS, *sources):
            digest.update(str(path.name).encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()[:16]


def python_of_target() -> Path:
    """Return an interpreter of the target's version: bytecode is good for the minor version that wrote it.

    Raises:
        PackagingError: there is none on this machine.
    """
    # pyenv's python3.13 answers only if that version is selected.
    environment = {"PYENV_VERSION": PYTHON_VERSION, **os.environ}
    found = subprocess.run(  # noqa: S603 - uv of this environment with fixed arguments
        [*_UV, "python", "find", "--no-python-downloads", "--no-project", "--system", PYTHON_VERSION],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if found.returncode != 0:
        raise PackagingError(
            f"Lambda packages need Python {PYTHON_VERSION} to compile their bytecode, and there is none on this "
            f"machine: install it, for instance by `uv python install {PYTHON_VERSION}`"
        )
    return Path(found.stdout.strip())


_UV = (sys.executable, "-m", "uv")


def _install_requirements(requirements: Path, target: Target, directory: Path) -> None:
    platform = () if target.platform is None else ("--python-platform", target.platform)
    command = [
        *(*_UV, "pip", "install", "--quiet", "--no-config", "--link-mode", "copy"),
        *("--target", str(directory), "--python-version", PYTHON_VERSION, *platform),
        *("--require-hashes", "--only-binary", ":all:", "--requirements", str(requirements)),
    ]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - arguments are ours
    if finished.returncode != 0:
        raise PackagingError(f"the requirements could not be installed: {finished.stderr.strip()}")


def _compile(python: Path, directory: Path) -> None:
    """Put bytecode next to each source. It is never checked against the source, and holds no time."""
    subprocess.run(  # noqa: S603 - the interpreter found above with fixed arguments
        [
            *(str(python), "-I", "-m", "compileall", "-q", "-b", "--invalidation-mode", "unchecked-hash"),
            *("-s", str(directory), "-p", _LAMBDA_ROOT, str(directory)),
        ],
        env={"PYTHONHASHSEED": "0"},  # the order of constant sets is written into bytecode
        check=True,
    )


def _write_zip(
    package: Path, directory: Path, files: Iterable[Path], replaced: Mapping[Path, bytes] = MappingProxyType({})
) -> None:
    """Write `files` of `directory`, each source as its bytecode; `replaced` has other contents for some of them."""
    temporary = package.with_suffix(f".{os.getpid()}")
    with zipfile.ZipFile(temporary, "w", compression=zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for file in sorted({_as_run(file) for file in files}):
            entry = zipfile.ZipInfo(file.as_posix(), _FIXED_TIME)
            entry.external_attr = _MODE
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, replaced[file] if file in replaced else (directory / file).read_bytes())
    temporary.replace(package)


def _as_run(file: Path) -> Path:
    return file.with_suffix(".pyc") if file.suffix == ".py" else file
