"""How far HEAD is from a release, told from the commits that are stored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from watchlist.history.commits import Commit


@dataclass(frozen=True, slots=True)
class Distance:
    """Commits that HEAD reaches and a release does not; `is_least`: there may be more that are not stored."""

    commits: int
    is_least: bool = False


def distance(
    release: str,
    made_at: datetime | None,
    head: str | None,
    commits: Sequence[Commit],
    beside: Callable[[], Mapping[str, Sequence[str]]] = dict,
) -> Distance | None:
    """Return how far HEAD is from a release; None where that cannot be told, as of one on another branch.

    Args:
        release: the commit that the release's tag stands for.
        made_at: when it was made, if that is known.
        head: the commit that HEAD stands for.
        commits: of HEAD's history that are stored: its newest ones.
        beside: gives the commits that the release reaches and HEAD does not, with their parents; asked only for a
            release that is none of the stored ones, and not older than they.
    """
    if release == head:
        return Distance(0)
    stored = {commit.sha: commit.parents for commit in commits}
    parents: Mapping[str, Sequence[str]] = stored
    if release not in stored:
        if made_at is not None and commits and made_at < min(each.committer.time for each in commits):
            return Distance(len(commits), is_least=True)
        parents = {**beside(), **stored}
    if release not in parents or not commits:
        return None
    released: set[str] = set()
    waiting = [release]
    while waiting:
        sha = waiting.pop()
        if sha not in released:
            released.add(sha)
            waiting += parents.get(sha, ())
    since = stored.keys() - released
    beyond = {parent for sha in since for parent in stored[sha]} - stored.keys() - released
    return Distance(len(since), is_least=bool(beyond))
