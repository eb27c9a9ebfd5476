"""Local repositories under the addresses that the git server gives them: `/local/<name>`, with and without `.git`."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

OWNER = "local"
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]+")
_NAME_CHARACTERS = 90


class NoRepositoryError(Exception):
    """The path is no git repository; the message says so to whoever typed it."""


def link_repositories(paths: Iterable[Path], root: Path) -> Mapping[Path, str]:
    """Make each repository reachable below `root` by symbolic links, and return the URL path of each.

    Raises:
        NoRepositoryError: one of them is no git repository, or git cannot serve any.
    """
    _check_git()
    owner = root / OWNER
    owner.mkdir(parents=True)
    names: dict[Path, str] = {}
    for path in paths:
        git_directory = _git_directory(path)
        name = _free_name(_name_of(path), set(names.values()))
        (owner / name).symlink_to(git_directory)
        (owner / f"{name}.git").symlink_to(git_directory)
        names[path] = name
    return {path: f"/{OWNER}/{name}" for path, name in names.items()}


def _check_git() -> None:
    """Raise NoRepositoryError if git or its HTTP backend, which some distributions package apart, is missing."""
    if shutil.which("git") is None:
        raise NoRepositoryError("git is not installed, or not on the PATH")
    programs = subprocess.run(
        ["git", "--exec-path"],  # noqa: S607 - git comes from PATH
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    if not Path(programs, "git-http-backend").exists():
        raise NoRepositoryError("git has no `git http-backend` here; some systems have it in a package like git-daemon")


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


def _name_of(path: Path) -> str:
    typed = Path(os.path.abspath(path))  # noqa: PTH100 - unlike resolve(), it keeps the name of a symbolic link
    folder = typed.parent.name if typed.name == ".git" else typed.name
    name = _NOT_IN_NAMES.sub("-", folder.removesuffix(".git")).lstrip("-")[:_NAME_CHARACTERS]
    return name if name.strip(".") else "repository"


def _free_name(name: str, taken: set[str]) -> str:
    number = 2
    candidate = name
    while candidate in taken:
        candidate = f"{name}-{number}"
        number += 1
    return candidate
