"""The product as one contestant: `python -m bench.product NAME URL FOLDER ANSWER SINCE LIMIT`."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from tasks.child_process import ChildProcesses
from tasks.history import open_repository


def main() -> None:
    """Write the answer; see `bench.contestants`."""
    _, url, folder, answer, since, limit = sys.argv[1:]
    with open_repository(
        url, scratch=Path(folder), children=ChildProcesses(), allowed_schemes=("http", "https")
    ) as repository:
        window = repository.commits(since=datetime.fromtimestamp(int(since), UTC), limit=int(limit))
        counted = dict(repository.line_counts(window))
    with Path(answer).open("w") as lines:
        for sha in window.shas:
            files = counted.get(sha, ())
            added, deleted = (
                sum(counts) for counts in ([f.added or 0 for f in files], [f.deleted or 0 for f in files])
            )
            lines.write(f"{sha} {len(files)} {added} {deleted}\n")


if __name__ == "__main__":
    main()
