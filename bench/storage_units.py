"""What storing and reading a history costs in DynamoDB: `python -m bench.storage_units FOLDER`, of bare repositories.

The year before each repository's last commit, at most 1000 commits, is fetched and counted by the task's own code and
stored by the service's own code in the embedded AWS. A recorder adds up the units of every call by DynamoDB's rules
(developer guide, "Capacity unit consumption"): a write takes one for each KB begun of an item, a consistent read one
for each 4 KB begun of what it reads. Beside it stands what one item per commit takes, written twice (with its line
counts only the second time), as the service did it before.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.backfill import LIMIT, YEAR
from local_service.aws import embedded as embedded_aws
from local_service.aws.embedded import EmbeddedAws
from local_service.git.server import GitServer
from local_service.provisioning import provision
from tasks.child_process import ChildProcesses
from tasks.history import open_repository
from tests.repositories import git
from watchlist import limits
from watchlist.history import file_changes, segments
from watchlist.history import store as history_store
from watchlist.history.commits import Commit
from watchlist.history.metrics import measure
from watchlist.history.people import People
from watchlist.history.segments import KeptCommit
from watchlist.history.store import Attempt, CommitFilter
from watchlist.settings import TableSettings, load
from watchlist.storage import batches, records
from watchlist.storage.records import ENTRY_KEY, Entry, SegmentRecord

_READ_UNIT = 4096
_REFRESHES = 30
"""Refreshes of one commit each: a month of a repository that moves daily."""


@dataclass
class ConsumedUnits:
    """Listens to the calls of a botocore client and adds up what they take."""

    writes: int = 0
    reads: int = 0
    puts: int = 0
    _asked: list[Mapping[str, Any]] = field(default_factory=list)

    def listen_to(self, client: Any) -> None:  # noqa: ANN401 - botocore's clients have no common type
        """Record all calls of `client` from now on."""
        client.meta.events.register("before-parameter-build.dynamodb.*", self._before)
        client.meta.events.register("after-call.dynamodb.*", self._after)

    def take(self) -> tuple[int, int, int]:
        """Return write units, read units and puts since the last time."""
        taken = (self.writes, self.reads, self.puts)
        self.writes = self.reads = self.puts = 0
        return taken

    def _before(self, params: Mapping[str, Any], **_: object) -> None:
        self._asked.append(params)

    def _after(self, parsed: Mapping[str, Any], **_: object) -> None:
        asked = self._asked.pop()
        requests = [each for some in asked.get("RequestItems", {}).values() for each in some]
        puts = [request["PutRequest"]["Item"] for request in requests if "PutRequest" in request]
        self.puts += len(puts)
        self.writes += sum(map(batches.units, puts))
        if "Items" in parsed:
            self.reads += _read_units(sum(map(batches.size_of, parsed["Items"])))
        elif "Item" in parsed:
            self.reads += _read_units(batches.size_of(parsed["Item"]))


@dataclass(frozen=True, slots=True)
class Measured:
    """One repository: units, before and now."""

    name: str
    commits: int
    segments: int
    puts: int
    writes: int
    writes_before: int
    refresh_reads: int
    refresh_reads_before: int
    refresh_writes: float
    refresh_segments: float
    page_reads: int
    counting_seconds: float
    storing_seconds: float
    renewing_seconds: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    root = parser.parse_args().folder.resolve()
    names = sorted(path.name for path in root.iterdir() if (path / "HEAD").exists())
    with Path(os.devnull).open("wb") as log, EmbeddedAws(log.fileno()) as aws, GitServer(root) as server:
        environment = provision(aws.url, {"GIT_CLONE_DIR": "unused", "MAX_SETUP_TASKS": "1", "MAX_REFRESH_TASKS": "1"})
        os.environ.update({**embedded_aws.credentials("task"), "AWS_ENDPOINT_URL": aws.url})
        records.bind(load(TableSettings, environment.variables))
        units = ConsumedUnits()
        units.listen_to(SegmentRecord._get_connection().connection.client)  # noqa: SLF001 - PynamoDB shows no other way
        measured = [_measure(name, root / name, server.url_of(name), units) for name in names]
    Console(width=160).print(_table(measured))


def _measure(name: str, path: Path, url: str, units: ConsumedUnits) -> Measured:
    since = datetime.fromtimestamp(int(git(path, "log", "-1", "--format=%ct")) - YEAR, UTC)
    with (
        tempfile.TemporaryDirectory() as scratch,
        open_repository(url, scratch=Path(scratch), children=ChildProcesses(), allowed_schemes=("http",)) as repository,
    ):
        began = time.perf_counter()
        window = repository.commits(since=since, limit=LIMIT)
        listed = time.perf_counter()
        files = dict(repository.line_counts(window))
        counted = time.perf_counter()
    print(f"{name}: commits after {listed - began:.1f} s, their lines after {counted - began:.1f} s")
    commits = [_with_files(commit, files) for commit in window.commits]
    order = [commit.sha for commit in commits]
    entry = Entry(f"watchlist_{name}", ENTRY_KEY, watchlist_id=f"watchlist_{name}")
    units.take()
    began = time.perf_counter()
    _save(entry, order[_REFRESHES:], commits[_REFRESHES:], generation=1)
    units.take()
    storing = time.perf_counter() - began
    writes_of_all = sum(map(batches.units, _as_segments(commits)))
    refreshes: list[tuple[int, int, int]] = []
    for number in range(1, _REFRESHES + 1):
        _save(entry, order[_REFRESHES - number :], commits[_REFRESHES - number :], generation=1 + number)
        refreshes.append(units.take())
    page = history_store.page(entry, CommitFilter(), limits.COMMITS_PAGE, None)
    _, page_reads, _ = units.take()
    if [kept.commit.sha for kept in page.commits] != order[: limits.COMMITS_PAGE]:
        raise AssertionError(name)
    began = time.process_time()
    kept = history_store.load(entry).commits
    now = datetime.fromtimestamp(since.timestamp() + YEAR, UTC)
    metrics = measure(kept, People(commit.author for commit in kept), now=now)
    renewing = time.process_time() - began
    if metrics.commits_total > len(kept):
        raise AssertionError(name)
    one_each = [_one_item(commit) for commit in commits]
    return Measured(
        name=name,
        commits=len(commits),
        segments=len(entry.manifest["segments"]),
        puts=len(list(_as_segments(commits))),
        writes=writes_of_all,
        writes_before=sum(map(batches.units, one_each)) + sum(map(batches.units, map(_without_lines, one_each))),
        refresh_reads=max(reads for _, reads, _ in refreshes),
        # the commits with their files for the metrics, and once more for their keys
        refresh_reads_before=2 * _read_units(sum(map(batches.size_of, one_each))),
        refresh_writes=sum(writes for writes, _, _ in refreshes) / _REFRESHES,
        refresh_segments=max(puts for _, _, puts in refreshes),
        page_reads=page_reads,
        counting_seconds=counted - listed,
        storing_seconds=storing,
        renewing_seconds=renewing,
    )


def _save(entry: Entry, order: Sequence[str], commits: Sequence[Commit], generation: int) -> None:
    attempt = Attempt(entry.watchlist_id, generation, 1)
    stored = history_store.load(entry)
    history_store.clean(attempt, stored, batches.FUNCTION)
    known = {commit.sha for commit in stored.commits}
    new = [commit for commit in commits if commit.sha not in known]
    entry.manifest = history_store.save(attempt, order, stored, new, batches.FUNCTION).stored()


def _with_files(commit: Commit, files: Mapping[str, Any]) -> Commit:
    return Commit(**{name: getattr(commit, name) for name in Commit.__slots__} | {"files": files.get(commit.sha)})


def _as_segments(commits: Sequence[Commit]) -> list[dict[str, Any]]:
    """Return the items that a setup writes."""
    items = []
    for start in range(0, len(commits), limits.SEGMENT_COMMITS):
        for packed in segments.pack([KeptCommit.of(each) for each in commits[start : start + limits.SEGMENT_COMMITS]]):
            record = SegmentRecord("watchlist_bench", "SEGMENT#1.1.00000000", format=1)
            record.listed, record.changes = packed.listed, packed.changes
            items.append(dict(record.serialize()))
    return items


def _one_item(commit: Commit) -> dict[str, Any]:
    """Return a commit as it was kept before, in an item of its own."""
    texts = {
        "pk": "watchlist_bench",
        "sk": f"COMMIT#2026-01-31T12:00:00#{commit.sha}",
        "type": "commit",
        "sha": commit.sha,
        "author_name": commit.author.name,
        "author_email": commit.author.email,
        "authored_at": "2026-01-31T12:00:00.000000+0000",
        "committer_name": commit.committer.name,
        "committer_email": commit.committer.email,
        "committed_at": "2026-01-31T12:00:00.000000+0000",
        "subject": commit.subject,
        "message": commit.message[: limits.COMMIT_MESSAGE_CHARACTERS],
    }
    numbers = {"files_changed": "10", "lines_added": "100", "lines_deleted": "100", "generation": "1"}
    return {
        **{name: {"S": text} for name, text in texts.items()},
        **{name: {"N": number} for name, number in numbers.items()},
        "signed": {"BOOL": commit.signed},
        "parents": {"L": [{"S": parent} for parent in commit.parents]},
        "changes": {"B": segments.compressed(file_changes.to_rows(commit.files or ()))},
    }


def _without_lines(item: Mapping[str, Any]) -> dict[str, Any]:
    late = {"files_changed", "lines_added", "lines_deleted", "changes"}
    return {name: value for name, value in item.items() if name not in late}


def _read_units(size: int) -> int:
    return max(1, -(-size // _READ_UNIT))


def _table(measured: Sequence[Measured]) -> Table:
    table = Table(title="Units of DynamoDB: before (one item per commit) and now (segments)")
    for name in (
        "repository",
        "commits",
        "puts",
        "write units",
        "of one refresh: read units",
        "write units, on average",
        "segments, at most",
        "a page: read units",
        "segments after a month",
        "storing s",
        "measured anew by a check: CPU s",
    ):
        table.add_column(name, justify="left" if name == "repository" else "right")
    for each in measured:
        table.add_row(
            each.name,
            str(each.commits),
            f"{2 * each.commits} → {each.puts}",
            f"{each.writes_before} → {each.writes}",
            f"{each.refresh_reads_before} → {each.refresh_reads}",
            f"{each.refresh_writes:.1f}",
            f"{each.refresh_segments:g}",
            str(each.page_reads),
            str(each.segments),
            f"{each.storing_seconds:.1f}",
            f"{each.renewing_seconds:.2f}",
        )
    return table


if __name__ == "__main__":
    main()
