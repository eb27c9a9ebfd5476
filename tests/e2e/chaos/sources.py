"""Repositories to be watched: generated, each with the way its host behaves and the commits that it really has."""

import os
import random
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

OWNER = "chaos"

_DAY = 24 * 3600
_OLDEST_DAYS = 300
_COMMITS = (3, 12, 40, 120)


class Host(StrEnum):
    """How the host answers for a repository."""

    SOUND = "sound"
    MISSING = "missing"
    ERRORS = "errors"
    DAMAGED = "damaged"
    SILENT = "silent"
    ERRORS_AT_FIRST = "errors at first"
    DAMAGED_AT_FIRST = "damaged at first"
    SILENT_AT_FIRST = "silent at first"

    @property
    def recovers(self) -> bool:
        """Whether the repository can be read, if not at the first try."""
        return self in {Host.SOUND, Host.ERRORS_AT_FIRST, Host.DAMAGED_AT_FIRST, Host.SILENT_AT_FIRST}


_HOSTS = (
    (Host.SOUND, 60),
    (Host.MISSING, 10),
    (Host.ERRORS, 6),
    (Host.ERRORS_AT_FIRST, 6),
    (Host.DAMAGED_AT_FIRST, 6),
    (Host.DAMAGED, 6),
    (Host.SILENT_AT_FIRST, 3),
    (Host.SILENT, 3),
)
"""Each behaviour with its share of the repositories, in percent."""


@dataclass(frozen=True, slots=True)
class Source:
    """One repository.

    Attributes:
        commits: the shas of `git log`, newest first; none for an empty or a missing repository.
    """

    name: str
    host: Host
    commits: tuple[str, ...]


def generate(root: Path, number: int, dice: random.Random) -> list[Source]:
    """Create `number` bare repositories below `root / OWNER`; up to half of them have every behaviour once."""
    once = [host for host, _ in _HOSTS][: number // 2]
    rest = dice.choices([host for host, _ in _HOSTS], [share for _, share in _HOSTS], k=number - len(once))
    return [_source(root / OWNER, number, host, dice) for number, host in enumerate((*once, *rest))]


def sound_source(root: Path, name: str, dice: random.Random) -> Source:
    """Create one more repository, whose host behaves well."""
    return Source(name, Host.SOUND, _create(root / OWNER / name, 10, dice))


def _source(folder: Path, number: int, host: Host, dice: random.Random) -> Source:
    name = f"repository-{number:02}"
    if host is Host.MISSING:
        return Source(name, host, ())
    is_empty = host is Host.SOUND and number > 0 and dice.random() < 0.15
    return Source(name, host, _create(folder / name, 0 if is_empty else dice.choice(_COMMITS), dice))


def _create(path: Path, commits: int, dice: random.Random) -> tuple[str, ...]:
    path.mkdir(parents=True)
    _git(path, "init", "--quiet", "--bare", "--initial-branch=main")
    if commits == 0:
        return ()
    _git(path, "fast-import", "--quiet", stream="".join(_history(commits, dice)).encode())
    return tuple(_git(path, "log", "--format=%H", "main").split())


def _history(commits: int, dice: random.Random) -> Iterator[str]:
    """Yield a stream for git fast-import: one line of history from which short branches part and are merged again."""
    moment = int(time.time()) - _OLDEST_DAYS * _DAY
    step = _OLDEST_DAYS * _DAY // (commits + 1)
    yield from _commit("main", 0, moment)
    done = 1
    while done < commits:
        moment += step
        if commits - done > 1 and dice.random() < 0.2:
            yield from _commit(f"topic-{done}", done, moment, parent="main")
            yield from _commit("main", done + 1, moment + 60, merged=f"topic-{done}")
            done += 2
        else:
            yield from _commit("main", done, moment)
            done += 1


def _commit(branch: str, number: int, moment: int, *, parent: str = "", merged: str = "") -> Iterator[str]:
    message, text = f"Change {number}", f"line {number}\n" * (number % 7 + 1)
    yield f"commit refs/heads/{branch}\n"
    yield f"committer Author {number % 5} <author{number % 5}@example.org> {moment} +0000\n"
    yield f"data {len(message)}\n{message}\n"
    if parent:
        yield f"from refs/heads/{parent}\n"
    if merged:
        yield f"merge refs/heads/{merged}\n"
    yield f"M 100644 inline file-{number % 9}\ndata {len(text)}\n{text}\n"


def _git(path: Path, *arguments: str, stream: bytes = b"") -> str:
    environment = {"PATH": os.environ.get("PATH", os.defpath), "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(path)}
    finished = subprocess.run(
        ["git", *arguments], cwd=path, input=stream, env=environment, capture_output=True, check=True
    )
    return finished.stdout.decode()
