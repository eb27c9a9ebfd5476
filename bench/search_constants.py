"""What the numbers of reading a history trade: `python -m bench.search_constants FOLDER [NAME ...]`, of repositories.

Each number, or each NAME, gets other values while the rest stay. Printed is what all the repositories of the folder
take together and, for each of them, what the work came to. Of the search for commits of the last year (at most 1000):
the requests that the server got, the bytes that it sent, the commits that were found. Of the counting of their lines:
requests, bytes, commits that were counted, and the CPU time of all processes, the server's among them. None of it but
the CPU time depends on how busy the machine is.
"""

import resource
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

from bench.backfill import LIMIT
from local_service.git.server import GitServer
from tasks.child_process import ChildProcesses
from tasks.history import commit_search, line_counting, open_repository, source
from tasks.history.repository import Repository

_SEARCHING = (
    (commit_search, "ROUNDS", (1, 2, 4)),
    (commit_search, "TOLERATED_PART", (2, 8, 1_000_000)),
    (commit_search, "LOOK_BEHIND", ()),
    (commit_search, "WORTHWHILE_DEPTH", ()),
    (commit_search, "AHEAD", (1, 2, 8)),
    (commit_search, "LAST_FEW", (1, 1000)),
    (source, "FIRST_LOOK", ()),
    (source, "LOOKS_PART", ()),
)
"""Module, name and values; without values, half and twice of what it is."""

_COUNTING = (
    (line_counting, "BLOBS_IN_GROUP", (60, 125, 500, 100_000)),
    (line_counting, "MOST_GROUPS", (1, 4, 64)),
)


@dataclass(frozen=True, slots=True)
class _Work:
    """What one repository took."""

    name: str
    requests: int
    kilobytes: int
    commits: int
    cpu: float

    def __str__(self) -> str:
        return f"{self.name} {self.requests}/{self.kilobytes}/{self.commits}"


def main() -> None:
    """Print a line for each value of each number."""
    folder, names = Path(sys.argv[1]), sys.argv[2:]
    for numbers, counts_lines in ((_SEARCHING, False), (_COUNTING, True)):
        chosen = [number for number in numbers if not names or number[1] in names]
        if chosen:
            _print("as it is", _read(folder, counts_lines=counts_lines))
        for module, name, values in chosen:
            usual = getattr(module, name)
            for value in values or (usual // 2, usual * 2):
                with _set(module, name, value):
                    _print(f"{name} {usual} -> {value}", _read(folder, counts_lines=counts_lines))


@contextmanager
def _set(module: ModuleType, name: str, value: int) -> Iterator[None]:
    usual = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, usual)


def _print(what: str, works: Sequence[_Work]) -> None:
    requests, kilobytes, cpu = (sum(getattr(work, name) for work in works) for name in ("requests", "kilobytes", "cpu"))
    print(f"{what:36} {requests:4} requests {kilobytes:6} kB {cpu:6.1f} s   {', '.join(map(str, works))}", flush=True)


def _read(folder: Path, *, counts_lines: bool) -> list[_Work]:
    """Read the window of each repository; return what the search took, or else what the counting of its lines took."""
    found = []
    with GitServer(folder) as server:
        for path in sorted(folder.iterdir()):
            with _opened(server, path.name) as repository:
                newest = repository.commits(since=datetime(2000, 1, 1, tzinfo=UTC), limit=1).commits[0].committer.time
            with _opened(server, path.name) as repository:
                before = len(server.requests), server.bytes_sent, _cpu()
                window = repository.commits(since=newest - timedelta(days=365), limit=LIMIT)
                done = len(window.commits)
                if counts_lines:
                    before = len(server.requests), server.bytes_sent, _cpu()
                    done = len(dict(repository.line_counts(window)))
                requests, sent = len(server.requests) - before[0], server.bytes_sent - before[1]
                found.append(_Work(path.name, requests, sent // 1024, done, _cpu() - before[2]))
    return found


@contextmanager
def _opened(server: GitServer, name: str) -> Iterator[Repository]:
    with (
        tempfile.TemporaryDirectory() as scratch,
        open_repository(
            server.url_of(name), scratch=Path(scratch), children=ChildProcesses(), allowed_schemes=("http",)
        ) as repository,
    ):
        yield repository


def _cpu() -> float:
    """Return the CPU time of this process and of all that it has waited for, seconds."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


if __name__ == "__main__":
    main()
