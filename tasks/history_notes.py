"""What a person should know of a history beside its commits, in sentences."""

from collections.abc import Sequence

from tasks.history import CommitWindow, Head
from watchlist import limits
from watchlist.history.commits import Commit
from watchlist.history.outlook import Outlook

_LOST_NAMED = 3
"""Commits that the host lacks which a note names."""


def notes_on(window: CommitWindow, outlook: Outlook, commits: Sequence[Commit]) -> list[str]:
    """Return what is missing of a history, damaged or odd, each a sentence.

    Args:
        window: what was fetched.
        outlook: what is known of the year.
        commits: all of the year that are kept.
    """
    notes = []
    if window.branches:
        notes.append(f"{why_empty(window.head, window.branches)} Nothing is known of its history.")
    if window.full:
        notes.append(f"The year has more commits; the newest {limits.HISTORY_COMMITS} are kept.")
    elif outlook.covered_since is not None and not window.lost:
        notes.append(
            f"Commits of before {outlook.covered_since:%Y-%m-%d} may be missing: dates leap there, from commits of the "
            "year to some of long before it, and not all that lies behind those was looked at."
        )
    if window.bad_commits:
        are = "commit is" if window.bad_commits == 1 else "commits are"
        notes.append(f"{window.bad_commits} {are} damaged and shown as far as they can be read.")
    if window.lost:
        named = ", ".join(window.lost[:_LOST_NAMED]) + (", ..." if len(window.lost) > _LOST_NAMED else "")
        notes.append(f"The history ends where the host lacks {_number(len(window.lost), 'commit')} ({named}).")
    if number := uncounted(commits):
        notes.append(f"Line counts are missing for {_number(number, 'commit')}.")
    return notes


def why_empty(head: Head, branches: Sequence[str]) -> str:
    """Say why HEAD is no commit: there is no branch at all, or not the one that it names."""
    if not branches:
        return "The repository is empty."
    named = f"the branch {head.branch}, which does not exist" if head.branch else "no branch that exists"
    return f"HEAD names {named}; there are: {', '.join(branches)}."


def uncounted(commits: Sequence[Commit]) -> int:
    """Return how many of the commits have no line counts."""
    return sum(commit.files is None for commit in commits)


def _number(count: int, of: str) -> str:
    return f"{count} {of}" if count == 1 else f"{count} {of}s"
