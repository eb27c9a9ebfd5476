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
from collections.abc import Callable, Iterator, Sequence
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


def compare(path: Path) -> Compared:
    """Look at a repository's releases, and ask git."""
    git = _git(path)
    now = datetime.fromtimestamp(int(git("log", "-1", "--format=%ct")), UTC) + timedelta(hours=1)
    listed = [
        line.split()
        for line in git("for-each-ref", "--format=%(refname:strip=2) %(creatordate:unix)", "refs/tags").splitlines()
    ]
    dates = {row[0]: int(row[1]) if len(row) > 1 and row[1] else None for row in listed}
    with served(path) as server:
        scratch = tempfile.TemporaryDirectory()
        with (
            scratch,
            open_repository(
                f"{server.url}/owner/name",
                scratch=Path(scratch.name),
                children=ChildProcesses(),
                allowed_schemes=("http",),
            ) as repository,
        ):
            return _look(path.parent.name, repository, server, git, dates, now)


def _look(  # noqa: PLR0913, PLR0917 - all that is compared
    name: str,
    repository: Repository,
    server: GitServer,
    git: Callable[..., str],
    dates: dict[str, int | None],
    now: datetime,
) -> Compared:
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
    with HeadReader([server.url]) as reader:
        began_check = time.monotonic()
        reader.head_and_tags(Address(server.url, "owner", "name"))
        check_seconds = time.monotonic() - began_check
        received = reader.traffic.bytes_received
    by_date = sorted((at, tag) for tag, at in dates.items() if at is not None)
    return Compared(
        name=name,
        tags=len(tags),
        are_all={tag.name for tag in tags} == dates.keys(),
        dated=len(known),
        dates_agree=sum(_is_same_day(dates[tag.name], tag.made_at) for tag in known if tag.made_at),
        latest=latest.name if latest else None,
        described=_first(git("describe", "--tags", "--abbrev=0")),
        newest=by_date[-1][1] if by_date else None,
        since="?" if not far else f"{'>= ' if far.is_least else ''}{far.commits}",
        since_of_git=int(git("rev-list", "--count", f"refs/tags/{latest.name}..HEAD") or 0) if latest else None,
        usual_days=catalog.usual_days,
        check_bytes=received,
        check_seconds=check_seconds,
        parse_seconds=spent,
    )


def _is_same_day(of_git: int | None, ours: datetime) -> bool:
    """Whether two dates are at most a day apart: of tags that were not asked for, ours is their commit's."""
    return of_git is not None and abs(of_git - ours.timestamp()) <= timedelta(days=1).total_seconds()


def _first(text: str) -> str | None:
    return text.split("\n", 1)[0] or None


def _git(path: Path) -> Callable[..., str]:
    def ask(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(path), *arguments], check=False, capture_output=True, text=True, errors="replace"
        ).stdout.strip()

    return ask


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
