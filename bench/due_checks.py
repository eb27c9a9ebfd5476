"""What it takes when many entries are due for a check at once: `python -m bench.due_checks 10000 [seconds per run]`.

The real scheduler function, in a process of its own, asks a forge on loopback and writes to the embedded AWS. It is run
again and again, as its schedule would, until nothing is due; then every repository must have been asked once, and every
entry be due later. A second part adds two forges that behave badly, and counts what they are asked.
"""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from dulwich.protocol import pkt_line
from pynamodb.expressions.condition import Condition

from local_service import lifeline
from local_service.aws import embedded as embedded_aws
from local_service.aws.embedded import EmbeddedAws
from local_service.functions.processes import FunctionProcesses, LocalFunction
from local_service.provisioning import provision
from watchlist import clock, limits
from watchlist.deployment import functions as function_specs
from watchlist.settings import TableSettings, load
from watchlist.states import DueKind, EntryStatus, JobState
from watchlist.storage import records
from watchlist.storage.records import ENTRY_KEY, Entry

SPEC = function_specs.SCHEDULER
HEAD = "a" * 40
DAY = timedelta(days=1)
HOSTS = 4
"""Forges that behave well; entries are spread over them."""

BADLY_HOSTED = 200
"""Entries on each forge that behaves badly, and as many more on a good one, in the second part."""

SLOWLY = 6.0
"""Seconds of a slow forge's answer."""


@dataclass
class Forge:
    """Repositories that are nothing but a HEAD.

    Attributes:
        status: of every answer.
        seconds: that every answer takes.
        requests: how often each repository was asked.
        bytes: of all answers.
    """

    status: int = 200
    seconds: float = 0
    origin: str = ""
    requests: Counter[str] = field(default_factory=Counter)
    bytes: int = 0

    @contextmanager
    def listening(self) -> Iterator["Forge"]:
        """Answer on loopback."""
        forge, lock, stopping = self, threading.Lock(), threading.Event()
        body = pkt_line(f"{HEAD} HEAD symref-target:refs/heads/main\n".encode()) + b"0000"

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                stopping.wait(forge.seconds)
                self.send_response(forge.status)
                self.send_header("Content-Type", "application/x-git-upload-pack-result")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                with lock:
                    forge.requests[self.path.rsplit("/", 2)[1]] += 1
                    forge.bytes += len(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
                """Say nothing: requests are many."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        forge.origin = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield forge
        stopping.set()
        server.shutdown()
        server.server_close()


@dataclass
class Bench:
    """The scheduler and what it works on."""

    functions: FunctionProcesses

    def add_due(self, forges: list[Forge], number: int, prefix: str) -> None:
        """Write entries whose last check was two days ago, spread over the forges."""
        with Entry.batch_write() as batch:
            for index in range(number):
                due_at = clock.now() - timedelta(seconds=index % 600)
                batch.save(ready_entry(forges[index % len(forges)].origin, f"{prefix}{index}", due_at))

    def run_until_nothing_is_due(self) -> list[tuple[float, Counter[str]]]:
        """Run the scheduler again and again; return the seconds and the counts of each run."""
        runs = []
        while True:
            began = time.monotonic()
            counts = Counter[str](self.functions.invoke(SPEC.name, {}))
            runs.append((time.monotonic() - began, counts))
            checked, seconds = counts["EntriesChecked"], runs[-1][0]
            print(f"  run {len(runs)}: {checked} entries in {seconds:.1f} s; lag {counts['CheckLag']} s")
            if not checked and not counts["ChecksFailed"]:
                return runs[:-1]

    @property
    def peak_megabytes(self) -> float:
        """Most memory that the function's process ever had resident."""
        lines = (self._process / "status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))

    @property
    def cpu_seconds(self) -> float:
        """Processor time of the function's process so far; unlike the wall clock, it knows no neighbours."""
        fields = (self._process / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def _process(self) -> Path:
        (pid,) = self.functions.process_ids(SPEC.name)
        return Path(f"/proc/{pid}")


def main(number: int, seconds_per_run: float) -> None:
    """Measure and print."""
    with ExitStack() as running:
        log = os.open(os.devnull, os.O_WRONLY)
        running.callback(os.close, log)
        good = [running.enter_context(Forge().listening()) for _ in range(HOSTS)]
        busy = running.enter_context(Forge(status=429).listening())
        slow = running.enter_context(Forge(seconds=SLOWLY).listening())
        aws = running.enter_context(EmbeddedAws(log))
        environment = provision(
            aws.url,
            {
                "GIT_CLONE_DIR": "unused",
                "MAX_SETUP_TASKS": "1",
                "MAX_REFRESH_TASKS": "1",
                "LIVE_ENDPOINT_URL": "http://127.0.0.1:9",
                "CHECKS_A_SECOND": "10000",  # what the service takes is measured, not the pace at which it asks
                "ALLOWED_ORIGINS": ",".join(forge.origin for forge in (*good, busy, slow)),
            },
        )
        os.environ.update({**embedded_aws.credentials("task"), "AWS_ENDPOINT_URL": aws.url})
        records.bind(load(TableSettings, environment.variables))
        function = LocalFunction(SPEC.name, SPEC.handler, timedelta(seconds=seconds_per_run), environment.of(SPEC))
        print(f"importing the function takes {_import_seconds(function) * 1e3:.0f} ms of CPU")
        functions = running.enter_context(FunctionProcesses([function], log))
        functions.warm_up([SPEC.name])
        bench = Bench(functions)
        print(f"{number} entries due at once, on {HOSTS} forges")
        _measure_good(bench, good, number)
        print(
            f"{BADLY_HOSTED} entries each on a forge that answers 429, on one that takes {SLOWLY:g} s, and on good ones"
        )
        _measure_bad(bench, good, busy, slow)


def _measure_good(bench: Bench, forges: list[Forge], number: int) -> None:
    bench.add_due(forges, number, "even-")
    idle, cpu = bench.peak_megabytes, bench.cpu_seconds
    runs = bench.run_until_nothing_is_due()
    seconds = sum(seconds for seconds, _ in runs)
    asked = sum((forge.requests for forge in forges), Counter[str]())
    received = sum(forge.bytes for forge in forges)
    cpu = (bench.cpu_seconds - cpu) / number
    print(
        f"  {number / seconds:.0f} repositories a second; {cpu * 1e3:.1f} ms of CPU and {received / number:.0f} B each"
    )
    print(f"  memory {idle:.0f} MB before, {bench.peak_megabytes:.0f} MB at its peak")
    print(f"  skipped: {number - len(asked)}; asked more than once: {sum(times > 1 for times in asked.values())}")
    print(f"  still due: {_due()}; due later: {_due_later()}")


def _measure_bad(bench: Bench, good: list[Forge], busy: Forge, slow: Forge) -> None:
    before = sum(sum(forge.requests.values()) for forge in good)
    for name, forges in (("busy-", [busy]), ("slow-", [slow]), ("good-", good)):
        bench.add_due(forges, BADLY_HOSTED, name)
    bench.run_until_nothing_is_due()
    asked = sum(sum(forge.requests.values()) for forge in good) - before
    print(f"  asked: {busy.requests.total()} times with 429, {slow.requests.total()} times slowly, {asked} good ones")
    print(f"  still due: {_due()}; due later: {_due_later()}")


def _due() -> int:
    return _count(Entry.due_at <= clock.now())


def _due_later() -> int:
    return _count(Entry.due_at > clock.now())


def _count(due: Condition) -> int:
    return sum(1 for _ in Entry.by_due.query(DueKind.CHECK, due, page_size=limits.DUE_PAGE))


def _import_seconds(function: LocalFunction) -> float:
    module = function.handler.rpartition(".")[0]
    program = f"from time import process_time as now; start = now(); import {module}; print(now() - start)"
    command = [sys.executable, "-c", program]
    environment = function.lambda_environment()
    samples = [
        float(subprocess.run(command, env=environment, cwd=lifeline.ROOT, capture_output=True, check=True).stdout)
        for _ in range(4)
    ]
    return sorted(samples[1:])[1]


def ready_entry(origin: str, name: str, due_at: datetime) -> Entry:
    """Return an entry that was analysed two days ago and is due for a check at `due_at`."""
    now = clock.now()
    watchlist_id = f"watchlist_bench_{name}_1"
    return Entry(
        watchlist_id,
        ENTRY_KEY,
        watchlist_id=watchlist_id,
        origin=origin,
        owner="bench",
        name=name,
        created_at=now - 9 * DAY,
        watchers=1,
        status=EntryStatus.READY,
        processing_started_at=now - 9 * DAY,
        processing_completed_at=now - 9 * DAY,
        generation=1,
        job_id="setup",
        announced_job_id="setup",
        job_kind="repository-setup",
        job_state=JobState.COMPLETED,
        job_queued_at=now - 9 * DAY,
        correlation_id="bench",
        delivery=0,
        attempt=1,
        claimed_attempt=1,
        head_sha=HEAD,
        default_branch="main",
        commits=100,
        checked_at=now - 2 * DAY,
        analyzed_at=now - 2 * DAY,
        scorecard_checked_at=now - 2 * DAY,
        scorecard_head_sha=HEAD,
        last_commit_at=now,
        due_kind=DueKind.CHECK,
        due_at=due_at,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else limits.SCHEDULER_TIMEOUT.total_seconds())  # noqa: PLR2004 - the arguments
