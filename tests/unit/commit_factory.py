"""Commits for tests, of which only what matters to the test is said."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count

from watchlist.history.commits import Commit, FileChange, Signature

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
ADA = Signature("Ada Lovelace", "ada@example.org", NOON)
GRACE = Signature("Grace Hopper", "grace@example.org", NOON)
BOT = Signature("dependabot[bot]", "49699333+dependabot[bot]@users.noreply.github.com", NOON)

_numbers = count(1)


def a_commit(
    *,
    lines: int = 10,
    files: int | Sequence[str] | None = 1,
    author: Signature = ADA,
    at: datetime = NOON,
    parents: tuple[str, ...] = ("0" * 40,),
) -> Commit:
    """Return a commit of `files` (their number or paths; None: not known), all lines added in the first of them."""
    paths = [f"file-{number}" for number in range(files)] if isinstance(files, int) else files
    written = Signature(author.name, author.email, at)
    return Commit(
        sha=f"{next(_numbers):040x}",
        parents=parents,
        author=written,
        committer=written,
        subject="Change it",
        message="Change it",
        signed=False,
        files=None
        if paths is None
        else tuple(FileChange(path, 0 if position else lines, 0) for position, path in enumerate(paths)),
    )
