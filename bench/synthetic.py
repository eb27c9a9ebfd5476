"""A repository to measure when no other is at hand: merges, renames, binaries, a growing tree, the same each time."""

import random
import subprocess
from pathlib import Path

COMMITS = 3000
NEWEST = 1_750_000_000

_STEP = 5 * 3600
_FILES = 400
_LINES = 120


def build_synthetic(path: Path, commits: int = COMMITS, newest: int = NEWEST) -> None:
    """Create a bare repository at `path`, whose newest commit has the Unix time `newest`."""
    subprocess.run(
        ["git", "init", "--quiet", "--bare", "--initial-branch=main", str(path)],
        check=True,
    )
    subprocess.run(
        ["git", "fast-import", "--quiet"],
        cwd=path,
        input=_stream(commits, newest),
        check=True,
    )
    subprocess.run(["git", "gc", "--quiet"], cwd=path, check=True)


def add_commit(path: Path, message: str) -> None:
    """Add a commit to the branch `main` that changes no file; as anybody who has no settings of git."""
    who = ("-c", "user.name=Bench", "-c", "user.email=bench@example.org")
    commit = _git(path, *who, "commit-tree", "-p", "main", "-m", message, "main^{tree}")
    _git(path, "update-ref", "refs/heads/main", commit)


def _git(path: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=path, check=True, capture_output=True, text=True).stdout.strip()


def _stream(commits: int, newest: int) -> bytes:
    chance = random.Random(20)  # noqa: S311 - the same repository each time
    files = {f"src/{n % 20}/module_{n}.py": [_line(chance) for _ in range(_LINES)] for n in range(_FILES)}
    parts: list[str] = []
    for number in range(1, commits + 1):
        merged = number > 20 and number % 7 == 0  # noqa: PLR2004 - a merge now and then
        parts.append(_header(number, newest - (commits - number) * _STEP, merged=merged))
        changed = list(files) if number == 1 else ([] if merged else chance.sample(sorted(files), 2))
        for name in changed:
            lines = files[name]
            for _ in range(3):
                lines[chance.randrange(len(lines))] = _line(chance)
            content = "\n".join(lines) + "\n"
            parts.append(f"M 100644 inline {name}\ndata {len(content)}\n{content}")
    return "\n".join(parts).encode()


def _header(number: int, at: int, *, merged: bool) -> str:
    who = f"Author {number % 30} <a{number % 30}@example.com> {at} +0000"
    message = f"Change {number}\n"
    lines = [f"commit refs/heads/main\nmark :{number}\nauthor {who}\ncommitter {who}\ndata {len(message)}\n{message}"]
    if number > 1:
        lines.append(f"from :{number - 1}")
    if merged:
        lines.append(f"merge :{number - 12}")
    return "\n".join(lines)


def _line(chance: random.Random) -> str:
    return " ".join(chance.choice(("alpha", "beta", "gamma", "delta", "one", "two", "three")) for _ in range(8))
