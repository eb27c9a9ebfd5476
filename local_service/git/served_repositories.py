"""Local repositories under the addresses that the git server gives them: `/local/<name>`, with and without `.git`.

A name that is taken is told apart by the folder that the repository is in: `/<folder>/<name>`.
"""

import itertools
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

OWNER = "local"
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]+")
_NAME_CHARACTERS = 90
_LEAST_VERSION = (2, 37)
"""Of git, as the README says."""

_VERSION = re.compile(r"git version (\d+)\.(\d+)")


class NoRepositoryError(Exception):
    """The path is no git repository; the message says so to whoever typed it."""


def link_repositories(paths: Iterable[Path], root: Path, known: Mapping[str, str] | None = None) -> Mapping[Path, str]:
    """Make each repository reachable below `root` by symbolic links, and return the URL path of each.

    Args:
        paths: the repositories.
        root: a folder for the links.
        known: URL paths that were given before, by git directory; they are given again, and to nobody else.

    Raises:
        NoRepositoryError: one of them is no git repository, or git cannot serve any.
    """
    addresses = dict(known or {})
    directories = git_directories(paths)
    for path, git_directory in directories.items():
        if str(git_directory) not in addresses:
            taken = set(addresses.values())
            addresses[str(git_directory)] = next(each for each in _addresses(path) if each not in taken)
        _link(root / addresses[str(git_directory)].lstrip("/"), git_directory)
    return {path: addresses[str(git_directory)] for path, git_directory in directories.items()}


def link_known(known: Mapping[str, str], root: Path) -> None:
    """Make the repositories reachable that had addresses before, as far as they still exist."""
    for git_directory, address in known.items():
        if Path(git_directory).is_dir():
            _link(root / address.lstrip("/"), Path(git_directory))


def _link(link: Path, git_directory: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    for name in (link, link.with_name(f"{link.name}.git")):
        if not name.is_symlink():
            name.symlink_to(git_directory)


def git_directories(paths: Iterable[Path]) -> Mapping[Path, Path]:
    """Return the git directory of each repository.

    Raises:
        NoRepositoryError: as `link_repositories` does.
    """
    _check_git()
    return {path: _git_directory(path) for path in paths}


def _check_git() -> None:
    """Raise NoRepositoryError if git is missing, broken or old, or lacks its HTTP backend, which some package apart."""
    if shutil.which("git") is None:
        raise NoRepositoryError("git is not installed, or not on the PATH")
    version = _said_by_git("version")
    numbers = _VERSION.match(version)
    if numbers is None:
        raise NoRepositoryError(f"git does not work here: `git version` says {version[:_NAME_CHARACTERS]!r}")
    if tuple(map(int, numbers.groups())) < _LEAST_VERSION:
        raise NoRepositoryError(
            f"{version[:_NAME_CHARACTERS]} is too old: it takes {'.'.join(map(str, _LEAST_VERSION))}"
        )
    if not Path(_said_by_git("--exec-path"), "git-http-backend").exists():
        raise NoRepositoryError("git has no `git http-backend` here; some systems have it in a package like git-daemon")


def _said_by_git(argument: str) -> str:
    finished = subprocess.run(  # noqa: S603 - a fixed argv
        ["git", argument],  # noqa: S607 - git comes from PATH
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if finished.returncode != 0:
        said = " ".join(finished.stderr.split())[:_NAME_CHARACTERS]
        raise NoRepositoryError(
            f"git does not work here: `git {argument}` ended with exit code {finished.returncode}"
            f"{said and f', saying {said!r}'}"
        )
    return finished.stdout.strip()


def _git_directory(path: Path) -> Path:
    if not path.exists():
        raise NoRepositoryError(f"{path} does not exist")
    # The ceiling keeps a folder inside another repository from passing for that repository.
    finished = subprocess.run(
        ["git", "-c", "safe.directory=*", "rev-parse", "--absolute-git-dir"],  # noqa: S607 - git comes from PATH
        cwd=path if path.is_dir() else path.parent,
        env={"PATH": os.environ.get("PATH", os.defpath), "GIT_CEILING_DIRECTORIES": str(path.resolve().parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode != 0 or not path.is_dir():
        raise NoRepositoryError(f"{path} is no git repository")
    return Path(finished.stdout.strip())


def _addresses(path: Path) -> Iterator[str]:
    """Yield the URL paths that a repository can have, the simplest first."""
    typed = Path(os.path.abspath(path))  # noqa: PTH100 - unlike resolve(), it keeps the name of a symbolic link
    folder = typed.parent if typed.name == ".git" else typed
    name = _fit(folder.name.removesuffix(".git"))
    yield f"/{OWNER}/{name}"
    yield f"/{_fit(folder.parent.name)}/{name}"
    for number in itertools.count(2):
        yield f"/{_fit(folder.parent.name)}/{name}-{number}"


def _fit(name: str) -> str:
    fit = _NOT_IN_NAMES.sub("-", name).lstrip("-")[:_NAME_CHARACTERS]
    return fit if fit.strip(".") else "repository"
