"""Libraries as contestants: `python -m bench.peers NAME URL FOLDER ANSWER SINCE LIMIT`.

It runs in an environment that has them, which need not be the product's.
Each is used as its documentation shows, with the bounds that it has.
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

Line = tuple[str, int, int, int]


def with_pydriller(url: str, folder: Path, since: datetime, limit: int) -> Iterator[Line]:
    """Traverse; it has no bound by count but the caller's."""
    from pydriller import Repository  # noqa: PLC0415 - only this contestant has it

    history = Repository(url, since=since, clone_repo_to=str(folder), order="reverse")
    for commit in islice(history.traverse_commits(), limit):
        files = [] if commit.merge else commit.modified_files
        yield commit.hash, len(files), sum(f.added_lines for f in files), sum(f.deleted_lines for f in files)


def with_perceval(url: str, folder: Path, since: datetime, limit: int) -> Iterator[Line]:
    """Fetch; it has no bound by count, and gives the oldest first."""
    from perceval.backends.core.git import Git  # noqa: PLC0415 - only this contestant has it

    commits = [item["data"] for item in Git(url, str(folder / "clone")).fetch(from_date=since)]
    for commit in reversed(commits[-limit:]):
        files = [file for file in commit["files"] if "added" in file]
        added, deleted = ([int(file[key]) for file in files if file[key] != "-"] for key in ("added", "removed"))
        yield commit["commit"], len(files), sum(added), sum(deleted)


def with_gitpython(url: str, folder: Path, since: datetime, limit: int) -> Iterator[Line]:
    """Iterate over commits and ask each for its statistics."""
    from git import Repo  # noqa: PLC0415 - only this contestant has it

    repository = Repo.clone_from(url, folder / "clone", bare=True)
    for commit in repository.iter_commits("HEAD", since=int(since.timestamp()), max_count=limit):
        total = commit.stats.total if len(commit.parents) < 2 else None  # noqa: PLR2004 - a merge has two
        yield commit.hexsha, *((total["files"], total["insertions"], total["deletions"]) if total else (0, 0, 0))


def main() -> None:
    """Write the answer; see `bench.contestants`."""
    name, url, folder, answer, since, limit = sys.argv[1:]
    run = {"PyDriller": with_pydriller, "Perceval": with_perceval, "GitPython": with_gitpython}[name]
    lines = run(url, Path(folder), datetime.fromtimestamp(int(since), UTC), int(limit))
    with Path(answer).open("w") as file:
        file.writelines(f"{sha} {files} {added} {deleted}\n" for sha, files, added, deleted in lines)


if __name__ == "__main__":
    main()
