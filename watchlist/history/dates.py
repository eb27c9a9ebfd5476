"""When commits were made, as far as their dates can be believed.

Anybody can write any date into a commit, and clocks and conversions do. A date after now, or before there was git, is
not believed. Such a commit counts as made at the greatest believable date among its author's date and the dates of its
parents and children; where these have none, at that of the nearest commits that have one.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from watchlist.history.commits import Commit, Signature

GIT_BEGAN = datetime(2005, 4, 7, tzinfo=UTC)
"""The first commit of git's own history."""

CLOCKS_DIFFER = timedelta(days=1)
"""A date that lies no further ahead is one of now, on another clock."""


def is_believable(time: datetime, now: datetime) -> bool:
    """Say whether a commit can have been made at that time."""
    return GIT_BEGAN <= time <= now + CLOCKS_DIFFER


def made_at(commits: Sequence[Commit], now: datetime) -> list[datetime | None]:
    """Return for each commit when it was made, at the latest now; None where nothing tells.

    A date before git is kept where nothing else tells: histories are older than git, and it makes nothing look alive.

    Args:
        commits: whose parents and children are looked for among themselves; in any order.
        now: UTC.
    """
    times = [_believed(commit.committer, now) for commit in commits]
    if None not in times:
        return times
    known = {commit.sha: time for commit, time in zip(commits, times, strict=True) if time is not None}
    near = _neighbours(commits)
    unknown = {commit.sha: commit for commit in commits if commit.sha not in known}
    while unknown:
        told = {
            sha: [time for time in (_believed(commit.author, now), *map(known.get, near[sha])) if time is not None]
            for sha, commit in unknown.items()
        }
        found = {sha: max(believed) for sha, believed in told.items() if believed}
        if not found:
            break
        known |= found
        unknown = {sha: commit for sha, commit in unknown.items() if sha not in found}
    known |= {sha: commit.committer.time for sha, commit in unknown.items() if _is_old(commit.committer.time)}
    return [time or known.get(commit.sha) for commit, time in zip(commits, times, strict=True)]


def as_told(time: datetime, now: datetime) -> datetime | None:
    """Return when a tag was made that says so, at the latest now; None for what cannot be.

    A date before git is kept: tags are converted with their histories.
    """
    return min(time, now) if _is_old(time) or is_believable(time, now) else None


def as_made(commits: Sequence[Commit], now: datetime) -> list[Commit]:
    """Return the commits with when they were made in place of dates that cannot be, of committers and of authors.

    Where nothing tells, a commit keeps what it says.

    Args:
        commits: as for `made_at`.
        now: UTC.
    """
    return [_as_made(commit, at, now) for commit, at in zip(commits, made_at(commits, now), strict=True)]


def _as_made(commit: Commit, at: datetime | None, now: datetime) -> Commit:
    if at is None or (is_believable(commit.committer.time, now) and is_believable(commit.author.time, now)):
        return commit
    return replace(commit, committer=_at(commit.committer, at, now), author=_at(commit.author, at, now))


def _at(signature: Signature, made: datetime, now: datetime) -> Signature:
    return signature if is_believable(signature.time, now) else replace(signature, time=made)


def _neighbours(commits: Sequence[Commit]) -> defaultdict[str, set[str]]:
    near: defaultdict[str, set[str]] = defaultdict(set)
    for commit in commits:
        for parent in commit.parents:
            near[commit.sha].add(parent)
            near[parent].add(commit.sha)
    return near


def _believed(signature: Signature, now: datetime) -> datetime | None:
    return min(signature.time, now) if is_believable(signature.time, now) else None


def _is_old(time: datetime) -> bool:
    """Whether it is a date before git that was meant: nothing that stands for no date, as 0 does."""
    return datetime(1970, 1, 3, tzinfo=UTC) < time < GIT_BEGAN


def reach_back_to(commits: Sequence[Commit], now: datetime) -> datetime:
    """Return from when on all commits are known, if `commits` are the newest ones: the oldest of them.

    The oldest 1 % do not count: one date that is believable and wrong must not make a cut history look whole.
    """
    times = sorted(time for time in made_at(commits, now) if time is not None)
    return times[len(times) // 100] if times else now
