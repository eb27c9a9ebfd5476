"""What is told of releases, against what git itself says of the same repositories; and what looking at tags costs.

    python -m bench.releases REPOSITORY...

Each argument is a git repository on this machine, which is served over HTTP and looked at as by a job, at the moment of
its last commit. git says which tags there are, when each was made, which one `git describe` finds, which is the newest
by date, and how many commits HEAD is ahead.
"""

import argparse
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from local_service.git.server import GitServer
from tasks.child_process import ChildProcesses
from tasks.history import Repository, open_repository
from watchlist import limits
from watchlist.git.remote import HeadReader
from watchlist.history.dates import made_at
from watchlist.releases.catalog import Catalog
from watchlist.releases.distance import distance
from watchlist.repository_url import Repository as Address


@dataclass(frozen=True)
class Compared:
    """One repository; the figures of git stand beside ours."""

    name: str
    tags: int
    are_all: bool
    dated: int
    dates_agree: int
    latest: str | None
    described: str | None
    newest: str | None
    since: str
    since_of_git: int | None
    usual_days: float | None
    check_bytes: int
    check_seconds: float
    parse_seconds: float


@contextmanager
def served(path: Path) -> Iterator[GitServer]:
    """Serve one repository as `owner/name`."""
    with tempfile.TemporaryDirectory() as root:
        (Path(root) / "owner").mkdir()
        (Path(root) / "owner" / "name").symlink_to(path.resolve())
        with GitServer(Path(root)) as server:
            yield server


class Git:
    """What git says of one repository on this machine."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def ends_at(self) -> datetime:
        """A moment after the last commit."""
        return datetime.fromtimestamp(int(self._ask("log", "-1", "--format=%ct")), UTC) + timedelta(hours=1)

    def dates(self) -> dict[str, int | None]:
        """Return when each tag was made, or its commit, Unix seconds."""
        listed = self._ask("for-each-ref", "--format=%(refname:strip=2) %(creatordate:unix)", "refs/tags")
        rows = (line.partition(" ") for line in listed.splitlines())
        return {name: int(date) if date else None for name, _, date in rows}

    def described(self) -> str | None:
        """Return the tag that `git describe` finds."""
        return self._ask("describe", "--tags", "--abbrev=0").partition("\n")[0] or None

    def commits_since(self, tag: str) -> int:
        """Return how many commits HEAD is ahead of the tag."""
        return int(self._ask("rev-list", "--count", f"refs/tags/{tag}..HEAD") or 0)

    def _ask(self, *arguments: str) -> str:
        command = ["git", "-C", str(self._path), *arguments]
        return subprocess.run(command, check=False, capture_output=True, text=True, errors="replace").stdout.strip()


def compare(path: Path) -> Compared:
    """Look at a repository's releases, and ask git."""
    git = Git(path)
    with served(path) as server, tempfile.TemporaryDirectory() as scratch:
        url = f"{server.url}/owner/name"
        with open_repository(
            url, scratch=Path(scratch), children=ChildProcesses(), allowed_schemes=("http",)
        ) as repository:
            return _compare(path.parent.name, repository, server, git)


def _compare(name: str, repository: Repository, server: GitServer, git: Git) -> Compared:
    now, dates = git.ends_at, git.dates()
    window = repository.commits(since=now - limits.HISTORY_PERIOD, limit=limits.HISTORY_COMMITS)
    commits = window.commits
    dated = zip(commits, made_at(commits, now), strict=True)
    began = time.process_time()
    tags = repository.tags().tags
    catalog = Catalog.of(tags, {commit.sha: at for commit, at in dated if at}, name.partition("+")[2])
    spent = time.process_time() - began
    told = repository.tagged({tag.oid: tag.peeled for tag in catalog.to_be_dated})
    catalog = catalog.looked_up(told.dates, told.no_commits)
    known = [tag for tag in catalog.releases if tag.made_at is not None]
    latest = catalog.latest
    far = latest and distance(
        latest.peeled, latest.made_at, window.head.sha, commits, lambda: repository.parents_beside(latest.peeled)
    )
    check_bytes, check_seconds = _check(server)
    by_date = sorted((at, tag) for tag, at in dates.items() if at is not None)
    return Compared(
        name=name,
        tags=len(tags),
        are_all={tag.name for tag in tags} == dates.keys(),
        dated=len(known),
        dates_agree=sum(_is_same_day(dates[tag.name], tag.made_at) for tag in known if tag.made_at),
        latest=latest.name if latest else None,
        described=git.described(),
        newest=by_date[-1][1] if by_date else None,
        since="?" if not far else f"{'>= ' if far.is_least else ''}{far.commits}",
        since_of_git=git.commits_since(latest.name) if latest else None,
        usual_days=catalog.usual_days,
        check_bytes=check_bytes,
        check_seconds=check_seconds,
        parse_seconds=spent,
    )


def _check(server: GitServer) -> tuple[int, float]:
    """Look at HEAD and tags as a check does; return the bytes of the answer, and how many seconds it took."""
    with HeadReader([server.url]) as reader:
        began = time.monotonic()
        reader.head_and_tags(Address(server.url, "owner", "name"))
        return reader.traffic.bytes_received, time.monotonic() - began


def _is_same_day(of_git: int | None, ours: datetime) -> bool:
    """Whether two dates are at most a day apart: of tags that were not asked for, ours is their commit's."""
    return of_git is not None and abs(of_git - ours.timestamp()) <= timedelta(days=1).total_seconds()


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line for each repository, and how many agree."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("repositories", nargs="+", type=Path)
    found = [compare(path) for path in parser.parse_args(arguments).repositories]
    print(
        f"{'repository':28}{'tags':>6}{'dated':>6}{'agree':>6}  {'latest':18}{'described':18}{'newest':18}"
        f"{'since':>9}{'git':>7}{'rhythm':>8}{'check kB':>9}{'ms':>6}{'read ms':>8}"
    )
    for each in found:
        print(
            f"{each.name[:27]:28}{each.tags:>6}{each.dated:>6}{each.dates_agree:>6}  {each.latest!s:18.17}"
            f"{each.described!s:18.17}{each.newest!s:18.17}{each.since:>9}{each.since_of_git!s:>7}"
            f"{each.usual_days!s:>8}{each.check_bytes / 1000:>9.0f}{each.check_seconds * 1000:>6.0f}"
            f"{each.parse_seconds * 1000:>8.0f}"
        )
    released = [each for each in found if each.latest]
    told = [each for each in released if each.since != "?"]
    print(
        f"all tags: {sum(each.are_all for each in found)} of {len(found)}; "
        f"dates: {sum(each.dates_agree for each in found)} of {sum(each.dated for each in found)}; "
        f"latest as `git describe` or the newest by date: "
        f"{sum(each.latest in {each.described, each.newest} for each in released)} of {len(released)}; "
        f"commits since, where told: {sum(_agrees(each) for each in told)} of {len(told)}"
    )


def _agrees(each: Compared) -> bool:
    number = int(each.since.removeprefix(">= "))
    counted = each.since_of_git or 0
    return number <= counted if each.since.startswith(">=") else number == counted


if __name__ == "__main__":
    main()
