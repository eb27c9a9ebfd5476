"""The changed files of a commit as they are kept with it: bounded however many there are.

A refresh computes the metrics and the baseline of a repository from all of its commits anew, so it needs the files of
those that it does not fetch again.
"""

import json
from collections.abc import Sequence

from watchlist import limits
from watchlist.history.commits import Commit, FileChange

OTHER_FILES = ""
"""The path under which files beyond the bound are kept as one, with their lines; no file has it."""

Row = tuple[str, int | None, int | None]
"""A change as it is kept: path, lines added, lines deleted."""


def changed_paths(commit: Commit) -> frozenset[str]:
    """Return the paths of the files for which the commit counts, each once; none for a merge, nor while not known."""
    if commit.is_merge:
        return frozenset()
    return frozenset(change.path for change in commit.files or () if change.path != OTHER_FILES)


def to_rows(changes: Sequence[FileChange]) -> list[Row]:
    """Return the changes to keep: at most so many, and so large as JSON, as the limits say, the largest ones first."""
    rows = [(change.path, change.added, change.deleted) for change in changes]
    if len(rows) <= limits.CHANGED_FILES and sum(map(_bytes, rows)) <= limits.CHANGED_FILES_BYTES:
        return rows
    kept: list[Row] = []
    others = [0, 0]
    left = limits.CHANGED_FILES_BYTES - _bytes((OTHER_FILES, 10**18, 10**18))
    for row in sorted(rows, key=lambda row: -((row[1] or 0) + (row[2] or 0))):
        size = _bytes(row)
        if len(kept) < limits.CHANGED_FILES and size <= left:
            kept.append(row)
            left -= size
        else:
            others = [others[0] + (row[1] or 0), others[1] + (row[2] or 0)]
    return [*kept, (OTHER_FILES, others[0], others[1])]


def from_rows(rows: Sequence[Row]) -> tuple[FileChange, ...]:
    """Return the changes that were kept."""
    return tuple(FileChange(path, added, deleted) for path, added, deleted in rows)


def _bytes(row: Row) -> int:
    """Return how many bytes a row takes in a list of them."""
    return len(json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode()) + 1
