"""What the numbers of the search for commits trade: `python -m bench.search_constants FOLDER`, of git repositories.

Each is halved and doubled while the others stay. Printed are the requests that the server got and the bytes that it
sent until the window of the last year (at most 1000 commits) was found, over all the repositories. Neither depends on
how busy the machine is.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.backfill import LIMIT
from local_service.git.server import GitServer
from tasks.child_process import ChildProcesses
from tasks.history import commit_search, open_repository, source

_WATCHED = {
    commit_search: ("WORTHWHILE_DEPTH", "DEEPEST", "LOOK_BEHIND", "AHEAD", "LAST_FEW", "TOLERATED_PART", "OLDER_PART"),
    source: ("FIRST_LOOK", "LOOKS_PART"),
}


def main() -> None:
    """Print a line for each number that is changed."""
    folder = Path(sys.argv[1])
    print(f"{'as it is':32} {_search(folder)}")
    for module, names in _WATCHED.items():
        for name in names:
            usual = getattr(module, name)
            for value in (usual // 2, usual * 2):
                with _set(module, name, value):
                    print(f"{f'{name} {usual} -> {value}':32} {_search(folder)}")


@contextmanager
def _set(module: object, name: str, value: int) -> Iterator[None]:
    usual = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, usual)


def _search(folder: Path) -> str:
    """Find the window of each repository; return what that took."""
    found = []
    with GitServer(folder) as server, tempfile.TemporaryDirectory() as scratch:
        for path in sorted(folder.iterdir()):
            with open_repository(
                server.url_of(path.name), scratch=Path(scratch), children=ChildProcesses(), allowed_schemes=("http",)
            ) as repository:
                newest = repository.commits(since=datetime(2020, 1, 1, tzinfo=UTC), limit=1).commits[0].committer.time
            requests, sent = len(server.requests), server.bytes_sent
            with open_repository(
                server.url_of(path.name), scratch=Path(scratch), children=ChildProcesses(), allowed_schemes=("http",)
            ) as repository:
                repository.commits(since=newest - timedelta(days=365), limit=LIMIT)
            found.append((path.name, len(server.requests) - requests, (server.bytes_sent - sent) // 1024))
    each = ", ".join(f"{name} {requests}/{kilobytes}" for name, requests, kilobytes in found)
    return f"{sum(row[1] for row in found):4} requests {sum(row[2] for row in found):6} kB   {each}"


if __name__ == "__main__":
    main()
