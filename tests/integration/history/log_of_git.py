"""What git itself says of a full clone: the answer that the history must equal."""

from pathlib import Path

from tasks.history.path_text import path_text
from tests.repositories import git
from watchlist.history.commits import FileChange

Lines = list[tuple[str, int | None, int | None]]

COUNTED = ("--numstat", "--no-renames", "-z", "--format=%x01%H")
"""Arguments of `git log` for what `lines_in` reads."""


def log_of_git(repository: Path, *, since: int, limit: int) -> dict[str, Lines]:
    """Return ids and line counts as `git log` orders and counts them."""
    bounds = [f"--since-as-filter={since}", f"--max-count={limit}"]
    return lines_in(git(repository, "log", *bounds, *COUNTED, "main"))


def lines_in(said: bytes) -> dict[str, Lines]:
    """Return the commits of what `git log` with `COUNTED` says, in its order, each with its changed files."""
    commits: dict[str, Lines] = {}
    lines: Lines = []
    for token in said.split(b"\0"):
        if token.startswith(b"\x01"):
            lines = commits[token[1:].decode()] = []
        elif token:
            added, deleted, path = token.lstrip(b"\n").split(b"\t", 2)
            lines.append((path_text(path), _count(added), _count(deleted)))
    return {sha: sorted(found, key=repr) for sha, found in commits.items()}


def as_lines(files: tuple[FileChange, ...]) -> Lines:
    """Return changed files in the form of `log_of_git`."""
    return sorted(((file.path, file.added, file.deleted) for file in files), key=repr)


def _count(text: bytes) -> int | None:
    return None if text == b"-" else int(text)
