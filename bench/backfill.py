"""`make bench`: the product and its peers on the same repositories, over the same server, side by side.

    python -m bench.backfill [--repositories FOLDER] [--out FILE] [--peers PYTHON] [--only NAME ...] [--rounds N]

Each contestant brings the commits of one year (at most 1000) with their line counts. Printed are medians of wall-clock
time, CPU time of the contestant's own processes, bytes that the server sent, peak memory, the ratio of its time to the
product's, and in how many commits its answer differs from git's own on the whole repository.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.contestants import CONTESTANTS, PRODUCT, Contestant, Task
from bench.measure import Usage, measure
from bench.synthetic import build_synthetic
from local_service.git.server import GitServer

YEAR = 365 * 86_400
LIMIT = 1000
MIB = 1024 * 1024

_SECONDS = 900
_SLOW = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One contestant on one repository; medians over `rounds`."""

    repository: str
    contestant: str
    commits: int
    rounds: int
    wall_seconds: float | None = None
    cpu_seconds: float | None = None
    bytes_received: int | None = None
    peak_memory_bytes: int | None = None
    ratio: float | None = None
    commits_that_differ: int | None = None
    error: str | None = None


def main() -> None:
    """Run the benchmark."""
    options = _parse_arguments()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch, _repositories(options.repositories, scratch) as root:
        names = sorted(path.name for path in root.iterdir() if (path / "HEAD").exists())
        with GitServer(root) as server:
            for name in names:
                since = int(_git(root / name, "log", "-1", "--format=%ct")) - YEAR
                expected = _expected(root / name, since)
                race = Race(name, server, since, expected, Path(scratch), options.peers, options.rounds)
                rows = []
                for row in race.rows(_chosen(options)):
                    rows.append(row)
                    _write(row, options.out)
                console.print(_table(name, rows))


def _write(row: Row, out: Path | None) -> None:
    """Append at once: a benchmark that is stopped early keeps what it has."""
    if out is not None:
        with out.open("a") as file:
            file.write(json.dumps(asdict(row)) + "\n")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the backfill against its peers.")
    parser.add_argument("--repositories", type=Path, help="a folder of bare repositories; a generated one by default")
    parser.add_argument("--out", type=Path, help="append the rows to this file as JSON lines")
    parser.add_argument("--peers", type=Path, help="the python that has requirements/bench.txt; without, no libraries")
    parser.add_argument("--only", action="append", help="a contestant's name; may be repeated")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each; slow ones run once")
    return parser.parse_args()


def _chosen(options: argparse.Namespace) -> list[Contestant]:
    return [
        contestant
        for contestant in CONTESTANTS
        if (not options.only or contestant.name in options.only) and (options.peers or not contestant.needs_peers)
    ]


@contextmanager
def _repositories(given: Path | None, scratch: str) -> Iterator[Path]:
    if given is None:
        root = Path(scratch) / "repositories"
        root.mkdir()
        build_synthetic(root / "synthetic.git")
        yield root
    else:
        yield given.resolve()


@dataclass(frozen=True, slots=True)
class Race:
    """One repository that all run on, and what they share."""

    name: str
    server: GitServer
    since: int
    expected: dict[str, str]
    scratch: Path
    peers: Path | None
    rounds: int

    def rows(self, contestants: Iterable[Contestant]) -> Iterator[Row]:
        """Let each contestant run."""
        product: float | None = None
        for contestant in contestants:
            row = self._row(contestant, product)
            if contestant is PRODUCT:
                product = row.wall_seconds
            yield row

    def _row(self, contestant: Contestant, product: float | None) -> Row:
        usages: list[Usage] = []
        received: list[int] = []
        differ = 0
        for _ in range(self.rounds):
            before = self.server.bytes_sent
            usage, answer = self._run(contestant)
            usages.append(usage)
            received.append(self.server.bytes_sent - before)
            if usage.exit_code:
                error = f"exit code {usage.exit_code}: {usage.said.strip()[-200:]}"
                return Row(self.name, contestant.name, len(self.expected), rounds=len(usages), error=error)
            differ = max(differ, _differing(self.expected, answer))
            if usage.wall > _SLOW:
                break
        wall = statistics.median(usage.wall for usage in usages)
        memory = [usage.memory for usage in usages if usage.memory is not None]
        return Row(
            repository=self.name,
            contestant=contestant.name,
            commits=len(self.expected),
            rounds=len(usages),
            wall_seconds=round(wall, 3),
            cpu_seconds=round(statistics.median(usage.cpu for usage in usages), 3),
            bytes_received=int(statistics.median(received)),
            peak_memory_bytes=int(statistics.median(memory)) if memory else None,
            ratio=round(wall / (product or wall), 2),
            commits_that_differ=differ,
        )

    def _run(self, contestant: Contestant) -> tuple[Usage, list[str]]:
        folder, answer = self.scratch / "work", self.scratch / "answer"
        folder.mkdir()
        answer.unlink(missing_ok=True)
        task = Task(self.server.url_of(self.name), self.since, LIMIT, folder, answer)
        usage = measure(
            contestant.command(task, self.peers),
            environment=_environment(self.scratch),
            directory=Path.cwd(),
            seconds=_SECONDS,
        )
        shutil.rmtree(folder, ignore_errors=True)
        return usage, answer.read_text().splitlines() if answer.exists() else []


def _expected(repository: Path, since: int) -> dict[str, str]:
    """Return git's own answer on the whole repository."""
    log = ["log", f"--since-as-filter={since}", f"--max-count={LIMIT}", "--numstat", "--no-renames", "--format=%x01%H"]
    answer: dict[str, str] = {}
    for commit in _git(repository, *log).split("\x01")[1:]:
        sha, *lines = [line for line in commit.split("\n") if line]
        counts = [[int(count) if count != "-" else 0 for count in line.split("\t")[:2]] for line in lines]
        answer[sha] = f"{sha} {len(counts)} {sum(added for added, _ in counts)} {sum(gone for _, gone in counts)}"
    return answer


def _differing(expected: dict[str, str], lines: Sequence[str]) -> int:
    found = {line.split()[0]: line for line in lines}
    return sum(expected.get(sha) != found.get(sha) for sha in expected.keys() | found.keys())


def _environment(home: Path) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
        "TMPDIR": str(home),
    }


def _git(repository: Path, *arguments: str) -> str:
    command = ["git", "-c", "safe.directory=*", *arguments]
    return subprocess.run(command, cwd=repository, capture_output=True, check=True).stdout.decode(errors="replace")


def _table(name: str, rows: Iterable[Row]) -> Table:
    rows = list(rows)
    table = Table(title=f"{name}: {rows[0].commits if rows else 0} commits")
    for column in ("", "wall s", "CPU s", "MB", "peak MB", "x product", "differs"):
        table.add_column(column, justify="right" if column else "left")
    for row in rows:
        if row.error or row.wall_seconds is None or row.cpu_seconds is None or row.bytes_received is None:
            table.add_row(row.contestant, row.error or "", "", "", "", "", "")
            continue
        table.add_row(
            row.contestant,
            f"{row.wall_seconds:.2f}",
            f"{row.cpu_seconds:.2f}",
            f"{row.bytes_received / 1e6:.2f}",
            f"{(row.peak_memory_bytes or 0) / 1e6:.0f}",
            f"{row.ratio:.2f}",
            str(row.commits_that_differ or "-"),
        )
    return table


if __name__ == "__main__":
    main()
