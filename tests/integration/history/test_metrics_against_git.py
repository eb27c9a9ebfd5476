"""The metrics of a generated repository against what `git shortlog` and `git log` count in it."""

import os
import random
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from watchlist.history.commits import Commit, FileChange, Signature
from watchlist.history.metrics import RECENT_WEEKS, WEEKS, HistoryMetrics, measure
from watchlist.history.people import People

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
WINDOW_START = NOW - timedelta(weeks=WEEKS)

MAILMAP = """
Ann Example <ann@example.org> <ann@home.example>
Bob Example <bob@example.org> Bob <shared@example.org>
Cem Example <cem@example.org> Cem <SHARED@example.org>
"""

AUTHORS = [
    ("Ann Example", "ann@example.org"),
    ("ann", "Ann@Home.example"),
    ("Bob", "shared@example.org"),
    ("Cem", "shared@example.org"),
    ("Dee", "dee@example.org"),
]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("repository")
    chance = random.Random(7)  # noqa: S311 - a reproducible history, no secret
    git(directory, "init", "--quiet", "--initial-branch=main")
    (directory / ".mailmap").write_text(MAILMAP)
    git(directory, "add", ".")
    for days in sorted((chance.uniform(0, 450) for _ in range(120)), reverse=True):
        name, email = chance.choice(AUTHORS)
        path = directory / chance.choice("abc")
        path.write_text("".join(f"{chance.random()}\n" for _ in range(chance.randrange(1, 9))))
        git(directory, "add", ".")
        when = (NOW - timedelta(days=days)).isoformat()
        identity = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": email, "GIT_AUTHOR_DATE": when}
        committer = {"GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": email, "GIT_COMMITTER_DATE": when}
        git(directory, "commit", "--quiet", "--allow-empty", "--message=change", **identity, **committer)
    return directory


def git(directory: Path, *arguments: str, **environment: str) -> str:
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(directory)}
    variables = {"PATH": os.environ["PATH"], **quiet, **environment}
    done = subprocess.run(["git", *arguments], cwd=directory, env=variables, check=True, capture_output=True, text=True)
    return done.stdout


def read_commits(repository: Path) -> list[Commit]:
    commits = []
    form = "--format=%x00%H %P%n%an%n%ae%n%at %ct"
    for record in git(repository, "log", form, "--numstat", "--no-renames").split("\x00")[1:]:
        shas, name, email, times, *lines = record.splitlines()
        sha, *parents = shas.split()
        authored, committed = (datetime.fromtimestamp(int(seconds), UTC) for seconds in times.split())
        counts = [re.fullmatch(r"(\d+)\t(\d+)\t(.+)", line) for line in lines if line]
        files = tuple(FileChange(found[3], int(found[1]), int(found[2])) for found in counts if found)
        author, committer = Signature(name, email, authored), Signature(name, email, committed)
        commits.append(Commit(sha, tuple(parents), author, committer, "", "", signed=False, files=files))
    return commits


@pytest.fixture(scope="module")
def metrics(repository: Path) -> HistoryMetrics:
    commits = read_commits(repository)
    people = People((commit.author for commit in commits), (repository / ".mailmap").read_bytes())
    return measure(commits, people, now=NOW)


def shortlog(repository: Path, since: datetime) -> dict[str, int]:
    text = git(repository, "shortlog", "-sne", "--no-merges", f"--since={since.isoformat()}", "HEAD")
    rows = (line.strip().split("\t") for line in text.splitlines())
    return {identity: int(count) for count, identity in rows}


def test_contributors_are_those_of_git_shortlog(repository: Path, metrics: HistoryMetrics) -> None:
    counted = shortlog(repository, WINDOW_START)
    ours = {who.name: who.commits for who in metrics.top_contributors}
    assert ours == {identity.partition(" <")[0]: count for identity, count in counted.items()}
    assert metrics.commits == sum(counted.values())
    assert set(ours) == {"Ann Example", "Bob Example", "Cem Example", "Dee"}


def test_active_contributors_are_those_of_git_shortlog(repository: Path, metrics: HistoryMetrics) -> None:
    assert metrics.contributors_active == len(shortlog(repository, NOW - timedelta(weeks=RECENT_WEEKS)))


def test_lines_are_those_of_git_log(repository: Path, metrics: HistoryMetrics) -> None:
    text = git(repository, "log", "--format=", "--numstat", "--no-renames", f"--since={WINDOW_START.isoformat()}")
    rows = [line.split("\t") for line in text.splitlines()]
    assert metrics.lines_added == sum(int(added) for added, _, _ in rows)
    assert metrics.lines_deleted == sum(int(deleted) for _, deleted, _ in rows)
