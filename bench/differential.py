"""What the product reads of repositories against what git itself says of full copies of them, field by field.

    python -m bench.differential [--days N] [--limit N] [--out FILE] REPOSITORY ...

Each repository (a git directory) is served on loopback and read as a job reads it: the window of the last `--days`
before its newest commit, at most `--limit` commits. Compared with `git log` are the commits and their order, subjects,
authors and committers with their times, names and addresses by `.mailmap`, and every file with its lines; then two
other windows by their commits alone, and a refresh from 20 commits back by the same as the first. A table tells
repositories, commits and differences; the exit code is 1 if there is one.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from local_service.git.server import GitServer
from tasks.child_process import ChildProcesses
from tasks.history import StoredCommit, StoredHistory, open_repository
from tests.integration.history.log_of_git import COUNTED, Lines, as_lines, lines_in
from tests.repositories import git
from watchlist.errors import JobError
from watchlist.history.commits import Commit, FileChange
from watchlist.history.mailmap import Mailmap

_DAY = 86_400
_REFRESHED = 20
_OTHER_WINDOWS = ((90, 1000), (3650, 150))
"""Days and limits of the windows whose commits alone are compared."""

_FIELDS = ("%H", "%P", "%an", "%ae", "%at", "%cn", "%ce", "%ct", "%s", "%aN", "%aE")
_SHOWN = 3

Fields = tuple[str, ...]


@dataclass
class Verdict:
    """What came of one repository: how much was compared, and how often each field differs."""

    repository: str
    commits: int = 0
    with_lines: int = 0
    windows: int = 0
    differences: dict[str, int] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)
    error: str | None = None

    def compare(self, what: str, key: str, ours: object, gits: object) -> None:
        """Count a difference."""
        if ours == gits:
            return
        self.differences[what] = self.differences.get(what, 0) + 1
        if len(self.examples) < _SHOWN:
            self.examples.append(f"{what} of {key}: {ours!r:.300} is {gits!r:.300}")


def main() -> int:
    """Compare all, and print the table."""
    parser = argparse.ArgumentParser(description="The product against git log.")
    parser.add_argument("repositories", nargs="+", type=Path)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--limit", type=int, default=1000)
    parser.add_argument("--out", type=Path, help="a file for the results as JSON")
    options = parser.parse_args()
    verdicts = []
    for path in options.repositories:
        verdicts.append(_judge(path.resolve(), options.days, options.limit))
        sys.stderr.write(f"{verdicts[-1]}\n")
    if options.out:
        options.out.write_text(json.dumps([asdict(verdict) for verdict in verdicts], indent=1))
    Console().print(_table(verdicts))
    return int(any(verdict.differences or verdict.error for verdict in verdicts))


def _judge(path: Path, days: int, limit: int) -> Verdict:
    verdict = Verdict(f"{path.parent.name}/{path.name}")
    with tempfile.TemporaryDirectory(prefix="differential-") as folder:
        root = Path(folder, "served")
        (root / "owner").mkdir(parents=True)
        (root / "owner" / "name").symlink_to(path)
        with GitServer(root) as server:
            try:
                _compare(verdict, path, _Reader(server.url_of("owner/name"), Path(folder)), days, limit)
            except JobError as error:
                verdict.error = error.message
            except subprocess.CalledProcessError as error:  # a copy that is not whole
                verdict.error = f"git itself: {error.stderr.decode(errors='replace').strip()[-200:]}"
    return verdict


@dataclass(frozen=True)
class _Read:
    """What the product read: the window's ids, its new commits, their files, the mailmap."""

    shas: tuple[str, ...]
    commits: Mapping[str, Commit]
    files: Mapping[str, tuple[FileChange, ...]]
    mailmap: bytes


@dataclass(frozen=True)
class _Log:
    """What git says of the same commits, by their ids, newest first."""

    fields: Mapping[str, Fields]
    lines: Mapping[str, Lines]


@dataclass(frozen=True)
class _Reader:
    url: str
    scratch: Path

    def read(self, since: int, limit: int, stored: StoredHistory | None = None, *, lines: bool = True) -> _Read:
        with open_repository(
            self.url, scratch=self.scratch, children=ChildProcesses(), allowed_schemes=("http",)
        ) as repository:
            window = repository.commits(since=datetime.fromtimestamp(since, UTC), limit=limit, stored=stored)
            files = dict(repository.line_counts(window)) if lines else {}
            mailmap = repository.mailmap() if lines else b""
        return _Read(window.shas, {commit.sha: commit for commit in window.commits}, files, mailmap)


def _compare(verdict: Verdict, path: Path, reader: _Reader, days: int, limit: int) -> None:
    newest = int(git(path, "log", "-1", "--format=%ct", "HEAD"))
    since = newest - days * _DAY
    git_s = _Log(_log(path, since, limit), lines_in(_git_log(path, since, limit, *COUNTED, "HEAD")))
    read = reader.read(since, limit)
    verdict.commits, verdict.with_lines, verdict.windows = len(read.shas), len(read.files), 1
    verdict.compare("window", "all", read.shas, tuple(git_s.fields))
    _compare_commits(verdict, read, git_s)
    for other_days, other_limit in _OTHER_WINDOWS:
        start = newest - other_days * _DAY
        found = reader.read(start, other_limit, lines=False).shas
        verdict.compare("window", f"{other_days} days", found, tuple(_log(path, start, other_limit)))
        verdict.windows += 1
    _compare_refresh(verdict, path, reader, (since, limit), git_s)


def _compare_commits(verdict: Verdict, read: _Read, log: _Log) -> None:
    people = Mailmap(read.mailmap)
    for sha, commit in read.commits.items():
        if sha not in log.fields:
            continue
        parents, *fields = log.fields[sha][1:]
        ours: tuple[tuple[str, object], ...] = (
            ("author", commit.author.name),
            ("author's address", commit.author.email),
            ("author's time", str(int(commit.author.time.timestamp()))),
            ("committer", commit.committer.name),
            ("committer's address", commit.committer.email),
            ("committer's time", str(commit.committed)),
            ("subject", commit.subject),
        )
        verdict.compare("parents", sha, " ".join(commit.parents), parents)
        for (what, own), said in zip(ours, fields, strict=False):
            verdict.compare(what, sha, own, said)
        mapped = people.resolve(commit.author.name, commit.author.email)
        verdict.compare("mailmap", sha, mapped, tuple(fields[len(ours) :]))
        counted = read.files.get(sha)
        verdict.compare("lines", sha, None if counted is None else as_lines(counted), log.lines.get(sha))


def _compare_refresh(
    verdict: Verdict,
    path: Path,
    reader: _Reader,
    window: tuple[int, int],
    log: _Log,
) -> None:
    """Let a run have stored what there was 20 commits before, and look at what a refresh then brings."""
    before = git(path, "rev-list", "--first-parent", f"--max-count={_REFRESHED + 1}", "HEAD").decode().split()[-1]
    old = _log(path, *window, tip=before)
    if before not in old:
        return
    commits = [StoredCommit(sha, tuple(each[1].split()), int(each[7])) for sha, each in old.items()]
    refreshed = reader.read(*window, StoredHistory(before, tuple(commits)))
    verdict.compare("refreshed window", "all", refreshed.shas, tuple(log.fields))
    verdict.compare("refreshed commits", "all", set(refreshed.commits), set(log.fields) - set(old))
    _compare_commits(verdict, refreshed, log)
    verdict.windows += 1


def _log(path: Path, since: int, limit: int, tip: str = "HEAD") -> dict[str, Fields]:
    said = _git_log(path, since, limit, f"--format={'%x01'.join(_FIELDS)}", tip)
    rows = (row.split("\x01") for row in said.decode(errors="replace").split("\0") if row)
    return {row[0]: tuple(row) for row in rows}


def _git_log(path: Path, since: int, limit: int, *arguments: str) -> bytes:
    bounds = (f"--since-as-filter={since}", f"--max-count={limit}", "-z")
    encoding = ("-c", "i18n.logOutputEncoding=UTF-8", "-c", "core.attributesFile=/dev/null")
    return git(path, *encoding, "log", *bounds, *arguments)


def _table(verdicts: Sequence[Verdict]) -> Table:
    table = Table()
    columns: Sequence[tuple[str, Callable[[Verdict], object]]] = (
        ("repository", lambda each: each.repository),
        ("commits", lambda each: each.commits),
        ("with lines", lambda each: each.with_lines),
        ("windows", lambda each: each.windows),
        ("differences", lambda each: each.error or each.differences or 0),
    )
    for name, _ in columns:
        table.add_column(name)
    for verdict in verdicts:
        table.add_row(*(str(value(verdict)) for _, value in columns))
    return table


if __name__ == "__main__":
    sys.exit(main())
