"""How many alerts the default settings raise on the real history of repositories on this disk.

Usage: python -m bench.alert_rates PATH... [--settings JSON] [--show]

Every commit of the last year before HEAD is evaluated alone, as if the service had looked after each one, against a
baseline of the year before it (at most 1000 commits, as the service stores).
"""

import argparse
import re
import subprocess
from collections import Counter, deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from watchlist.alerts.alert import Alert, Watcher
from watchlist.alerts.baseline import Baseline, week_of
from watchlist.alerts.kind import AlertLevel
from watchlist.alerts.occasions import NewCommits
from watchlist.alerts.settings import AlertKind, AlertSettings
from watchlist.history.commits import Commit, FileChange, Signature
from watchlist.history.people import People

YEAR = timedelta(days=365)
MOST_COMMITS = 1000
_FORMAT = "%H%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%s"
_NUMSTAT = re.compile(r"\n?(\d+|-)\t(\d+|-)\t(.*)", re.DOTALL)


def read_history(repository: Path, since: datetime) -> list[Commit]:
    """Return the commits since then, oldest first by committer time."""
    log = subprocess.run(
        [
            "git",
            "-C",
            repository,
            "log",
            "-z",
            "--numstat",
            "--no-renames",
            f"--since-as-filter={since.isoformat()}",
            f"--format={_FORMAT}",
            "HEAD",
            "--",
        ],
        check=True,
        capture_output=True,
    ).stdout.decode(errors="replace")
    commits = list(_parse(deque(log.split("\0"))))
    return sorted(commits, key=lambda commit: commit.committer.time)


def _parse(tokens: deque[str]) -> Iterator[Commit]:
    while len(tokens) > 1:
        sha, parents, *signatures, subject = (tokens.popleft() for _ in range(9))
        author, committer = (_signature(*signatures[start : start + 3]) for start in (0, 3))
        files = []
        while tokens and (numstat := _NUMSTAT.fullmatch(tokens[0])):
            tokens.popleft()
            added, deleted = (None if count == "-" else int(count) for count in numstat.group(1, 2))
            files.append(FileChange(numstat[3], added, deleted))
        yield Commit(sha, tuple(parents.split()), author, committer, subject, subject, signed=False, files=tuple(files))


def _signature(name: str, email: str, time: str) -> Signature:
    return Signature(name, email, datetime.fromtimestamp(min(max(int(time), 0), 2**33), UTC))


def head_time(repository: Path) -> datetime:
    """Return the committer time of HEAD; the measurement looks back from there, not from today."""
    seconds = subprocess.run(
        ["git", "-C", repository, "log", "-1", "--format=%ct"], check=True, capture_output=True, text=True
    ).stdout
    return datetime.fromtimestamp(int(seconds), UTC)


def replay(history: list[Commit], start: datetime, settings: AlertSettings) -> Iterator[tuple[Commit, list[Alert]]]:
    """Evaluate each commit since `start` alone against the year before it; an alert comes once, by its id."""
    watcher = Watcher("alert-rates", settings)
    people = People(commit.author for commit in history)
    raised: set[str] = set()
    window: deque[Commit] = deque(maxlen=MOST_COMMITS)
    for commit in history:
        now = commit.committer.time
        while window and window[0].committer.time < now - YEAR:
            window.popleft()
        if now >= start:
            this_week = [earlier for earlier in window if week_of(earlier.committer.time) == week_of(now)]
            occasion = NewCommits(baseline=Baseline.of(window, people), new=[commit], people=people, recent=this_week)
            alerts = watcher.alerts(settings.findings(occasion))
            fresh = [alert for alert in alerts if alert.id not in raised]
            raised.update(alert.id for alert in fresh)
            yield commit, fresh
        window.append(commit)


_KINDS = (
    AlertKind.LINES_ADDED_DELETED,
    AlertKind.FILES_CHANGED,
    AlertKind.HIGH_CHURN,
    AlertKind.UNUSUAL_AUTHOR_ACTIVITY,
)


def rates_row(repository: Path, settings: AlertSettings, *, show: bool) -> str:
    """Return the table's row of one repository: commits, then alerts per 100 commits."""
    head = head_time(repository)
    history = read_history(repository, head - 2 * YEAR)
    results = list(replay(history, head - YEAR, settings))
    alerts = [alert for _, raised in results for alert in raised]
    if show:
        for alert in alerts:
            print(f"  {alert.level:8} {alert.threshold_kind:24} {(alert.commit_sha or '')[:10]} {alert.message}")
    kinds = Counter(alert.kind for alert in alerts)
    critical = sum(alert.level is AlertLevel.CRITICAL for alert in alerts)
    counts = [*(kinds[kind] for kind in _KINDS), len(alerts), critical]
    per_hundred = (f"{100 * count / max(len(results), 1):.2f}" for count in counts)
    cells = [repository.absolute().name, str(len(history) - len(results)), str(len(results)), *per_hundred]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repositories", nargs="+", type=Path)
    parser.add_argument("--settings", default="{}", help="alert settings as JSON; the defaults without")
    parser.add_argument("--show", action="store_true", help="print every alert")
    arguments = parser.parse_args()
    settings = AlertSettings.model_validate_json(arguments.settings)
    print("| repository | before | replayed |", " | ".join(_KINDS), "| all | critical |")
    print("|---|" + "---:|" * (len(_KINDS) + 4))
    for repository in arguments.repositories:
        print(rates_row(repository, settings, show=arguments.show), flush=True)


if __name__ == "__main__":
    main()
