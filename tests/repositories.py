"""Repositories built for tests, commit by commit, through `git fast-import`."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

NOW = 1_700_000_000
"""The present of the built repositories, Unix seconds."""

DAY = 86_400
YEAR = 365 * DAY

ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "HOME": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "LC_ALL": "C",
}


@dataclass(frozen=True)
class PlannedFile:
    """What stands at a path; for a submodule the content is its commit's id."""

    content: bytes
    mode: str = "100644"


@dataclass(frozen=True)
class PlannedCommit:
    """One commit; parents are positions in the plan, and a path is removed where its file is None."""

    parents: tuple[int, ...] = ()
    committed: int = NOW
    authored: int = NOW
    author: bytes = b"A U Thor <author@example.com>"
    message: bytes = b"A change\n"
    encoding: bytes | None = None
    zone: bytes = b"+0000"
    files: Mapping[bytes, PlannedFile | None] = field(default_factory=dict)


def build_repository(path: Path, plan: Sequence[PlannedCommit], *, object_format: str = "sha1") -> Path:
    """Create a bare repository whose branch `main` is the plan's last commit."""
    git(
        path.parent, "init", "--quiet", "--bare", "--initial-branch=main", f"--object-format={object_format}", str(path)
    )
    if plan:
        stream = b"".join(_commit(number, commit) for number, commit in enumerate(plan))
        stream += b"reset refs/heads/main\nfrom :%d\n" % len(plan)
        git(path, "fast-import", "--quiet", "--force", "--date-format=raw-permissive", stdin=stream)
    return path


def straight_line(count: int, *, until: int = NOW, step: int = DAY) -> list[PlannedCommit]:
    """Plan commits in a row, the last one at `until`, each adding a line to one file."""
    return [
        PlannedCommit(
            parents=(number - 1,) if number else (),
            committed=until - (count - 1 - number) * step,
            message=b"Change %d\n" % number,
            files={b"src/file.txt": PlannedFile(b"".join(b"line %d\n" % n for n in range(number + 1)))},
        )
        for number in range(count)
    ]


def git(directory: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """Run git and return its output."""
    return subprocess.run(
        ["git", *arguments], cwd=directory, env=ENVIRONMENT, input=stdin, capture_output=True, check=True
    ).stdout


def _commit(number: int, commit: PlannedCommit) -> bytes:
    lines = [
        b"commit refs/build/%d" % number,
        b"mark :%d" % (number + 1),
        b"author %b %d %b" % (commit.author, commit.authored, commit.zone),
        b"committer %b %d %b" % (commit.author, commit.committed, commit.zone),
        *([b"encoding " + commit.encoding] if commit.encoding else []),
        b"data %d\n%b" % (len(commit.message), commit.message),
    ]
    for position, parent in enumerate(commit.parents):
        lines.append(b"%b :%d" % (b"merge" if position else b"from", parent + 1))
    for path, file in commit.files.items():
        name = b'"%b"' % _quoted(path)
        if file is None:
            lines.append(b"D " + name)
        elif file.mode == "160000":
            lines.append(b"M 160000 %b %b" % (file.content, name))
        else:
            lines.append(b"M %b inline %b" % (file.mode.encode(), name))
            lines.append(b"data %d\n%b" % (len(file.content), file.content))
    return b"\n".join(lines) + b"\n\n"


def _quoted(path: bytes) -> bytes:
    return b"".join(b"\\%03o" % byte for byte in path)
