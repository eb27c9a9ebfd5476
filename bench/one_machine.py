"""What `make serve` takes: `python -m bench.one_machine [PART ...] [--checkout PATH]`.

A service is started as a person starts it, from this checkout or another one, with a data folder of its own, and used
over HTTP as any client uses it. The parts:

- `answers`: single adds and status, one client and ten at once; batches of 100 new and of 100 known repositories.
- `kept`: how soon 1 000 entries are back after a start, and what is taken with nothing to do, without and with somebody
  who has the page open: it is told over a WebSocket, and looks twice a minute, which is more than a page does that is
  told; of this checkout only.
- `onboarding`: how long repositories of 1 000 commits take until they are ready, and who worked meanwhile.

Repositories of the first part lie on a host that takes connections and never answers, so that nothing works but what is
measured. CPU time is that of all the service's processes: it holds on a busy machine, too, where latencies do not.
`--against PATH` measures `answers` of another checkout before, and prints how the times compare.
"""

import argparse
import gzip
import json
import os
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from websockets.sync.client import connect

from bench.due_checks import ready_entry
from bench.processes import command_of, cpu_of, family, taken_by
from bench.synthetic import build_synthetic
from local_service.aws import embedded as embedded_aws
from local_service.aws.embedded import EmbeddedAws
from local_service.aws.generations import generations
from local_service.provisioning import provision
from watchlist import clock
from watchlist.settings import TableSettings, load
from watchlist.storage import records
from watchlist.storage.records import Entry, UserEntry
from watchlist.watching.entries import user_watchlist_id_of

ROOT = Path(__file__).resolve().parents[1]
USER = "bench@example.org"
ADD = "/activity/user-watchlist-added"
BATCH = 100
CLIENTS = 10

_START_SECONDS = 60
_STOP_SECONDS = 60
_SETTLE_SECONDS = 20
_KEPT_SECONDS = 30
_LOOK_SECONDS = 30
"""How often a page asks that is told of changes."""

_AWS = ("aws.server", "embedded_aws")
"""What the embedded AWS's process is called by, now and before it had a room of its own."""

_PROCESSES = {"embedded AWS": _AWS, "functions": ("functions.host", "function_host")}
"""What tells a process of each kind."""


@dataclass
class _Kept:
    connection: HTTPConnection
    used_at: float = 0


@dataclass
class Service:
    """A running `serve`, and a client of it, with a connection for each thread.

    The client is the standard library's: it shares the processors, and urllib3 takes as long as a part of the service.
    """

    process: subprocess.Popen[bytes]
    url: str
    _own: threading.local = field(default_factory=threading.local)

    @property
    def live_url(self) -> str:
        """Of the WebSocket API, whose port follows the other one."""
        host, _, port = self.url.rpartition(":")
        return f"{host.replace('http', 'ws')}:{int(port) + 1}"

    def call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON
        """Call the API.

        Raises:
            RuntimeError: the answer is an error.
        """
        headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip"}
        sent = None if body is None else json.dumps(body).encode()
        connection = self._connection()
        try:
            connection.request(method, path, sent, headers)
            response = connection.getresponse()
            content = response.read()
        except HTTPException:
            connection.close()
            raise
        if response.headers["Content-Encoding"] == "gzip":
            content = gzip.decompress(content)
        if not HTTP_OK <= response.status < HTTP_MULTIPLE_CHOICES:
            raise RuntimeError(f"{method} {path}: {response.status} {content[:300]!r}")
        return json.loads(content) if content else None

    def _connection(self) -> HTTPConnection:
        """Return the thread's connection, anew if the service may have closed it meanwhile."""
        kept: _Kept | None = getattr(self._own, "kept", None)
        now = time.monotonic()
        if kept is None or now - kept.used_at > _KEPT_SECONDS:
            kept = self._own.kept = _Kept(HTTPConnection(urlsplit(self.url).netloc))
        kept.used_at = now
        return kept.connection

    def add(self, url: str, user: str = USER) -> str:
        """Add one repository; return the entry's id."""
        return str(self.call("POST", ADD, {"repo_url": url, "added_by": user})["watchlist_id"])

    def add_batch(self, urls: Sequence[str], user: str = USER) -> list[str]:
        """Add up to 100 repositories; return the entries' ids.

        Raises:
            RuntimeError: one of them was not taken.
        """
        answer = self.call("POST", f"{ADD}/batch", {"items": [{"repo_url": url, "added_by": user} for url in urls]})
        found = [item.get("watchlist_id") for item in answer["results"]]
        if None in found:
            raise RuntimeError(str(answer["results"][found.index(None)]))
        return found

    def status(self, watchlist_id: str) -> Any:  # noqa: ANN401 - any JSON
        """Return an entry's status."""
        return self.call("GET", f"/activity/watchlist/{quote(watchlist_id)}/status")

    def watched_by(self, user: str) -> list[str]:
        """Return the ids of all entries that a user watches."""
        found: list[str] = []
        cursor = None
        while True:
            query = {"user": user, "limit": BATCH, **({"cursor": cursor} if cursor else {})}
            answer = self.call("GET", f"/activity/watchlist?{urlencode(query)}")
            found += [item["watchlist_id"] for item in answer["items"]]
            cursor = answer.get("next_cursor")
            if not cursor:
                return found


HTTP_OK = 200
HTTP_MULTIPLE_CHOICES = 300


@contextmanager
def serving(
    checkout: Path, folder: Path, variables: dict[str, str] | None = None, repositories: Sequence[Path] = ()
) -> Iterator[Service]:
    """Run `serve` of a checkout, with its data in a folder; it is ready when its API answers."""
    package = "local_service" if (checkout / "local_service").exists() else "infra.local"
    port = _free_port()
    process = subprocess.Popen(
        [
            str(ROOT / ".venv/bin/python"),
            *("-m", package, "serve", "--port", str(port), "--log", str(folder / "log")),
            *map(str, repositories),
        ],
        cwd=checkout,
        env={**os.environ, "WATCHLIST_DATA": str(folder / "data"), "ADDS_AN_HOUR": "100000", **(variables or {})},
        stdout=subprocess.DEVNULL,
    )
    service = Service(process, f"http://127.0.0.1:{port}")
    try:
        _wait_until_it_answers(service)
        yield service
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(_STOP_SECONDS)


def _wait_until_it_answers(service: Service) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            service.watched_by("nobody")
        except (HTTPException, OSError, RuntimeError):
            if time.monotonic() > deadline or service.process.poll() is not None:
                raise
            time.sleep(0.05)
        else:
            return


def _free_port() -> int:
    """Return a port that is free, and whose two followers most likely are."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextmanager
def _silent_host() -> Iterator[dict[str, str]]:
    """Take connections and never answer; yield the settings under which entries may lie there."""
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as host:
        yield {"ALLOWED_ORIGINS": f"http://127.0.0.1:{host.getsockname()[1]}", "MAX_SETUP_TASKS": "1"}


@dataclass(frozen=True, slots=True)
class Answers:
    """How long calls of one kind took.

    Attributes:
        seconds: of each, sorted.
        rate: calls a second.
        cpu: seconds of each call, by what took them.
    """

    seconds: Sequence[float]
    rate: float
    cpu: Mapping[str, float]

    @property
    def p50(self) -> float:
        """The median in seconds."""
        return statistics.median(self.seconds)

    @property
    def p99(self) -> float:
        """What all but one in a hundred do not exceed, in seconds."""
        return self.seconds[min(len(self.seconds) - 1, len(self.seconds) * 99 // 100)]

    def __str__(self) -> str:
        cpu = "  ".join(f"{name} {seconds * 1000:.1f}" for name, seconds in sorted(self.cpu.items()))
        return (
            f"p50 {self.p50 * 1000:7.1f} ms  p99 {self.p99 * 1000:7.1f} ms  {self.rate:6.1f}/s  "
            f"CPU {sum(self.cpu.values()) * 1000:7.1f} ms each: {cpu}"
        )


def measure_answers(checkout: Path, folder: Path) -> dict[str, Answers]:
    """Print and return how long adds, status and batches take."""
    found: dict[str, Answers] = {}

    def note(name: str, answers: Answers) -> None:
        found[name] = answers
        print(f"{name:20}  {answers}", flush=True)

    with _silent_host() as variables, serving(checkout, folder, variables) as service:
        origin = variables["ALLOWED_ORIGINS"]
        first = service.add(f"{origin}/bench/first")
        service.status(first)
        time.sleep(_SETTLE_SECONDS / 4)
        for clients, number in ((1, 100), (CLIENTS, 300)):
            name = f"{clients} client{'s' if clients > 1 else ''}"
            urls = [f"{origin}/bench/single-{clients}-{index}" for index in range(number)]
            note(f"status, {name}", _answers(service, clients, [partial(service.status, first)] * number * 2))
            note(f"add, {name}", _answers(service, clients, [partial(service.add, url) for url in urls]))
        batches = [[f"{origin}/bench/batch-{number}-{index}" for index in range(BATCH)] for number in range(3)]
        note("batch of 100 new", _answers(service, 1, [partial(service.add_batch, urls) for urls in batches]))
        known = [partial(service.add_batch, urls, "another@example.org") for urls in batches]
        note("batch of 100 known", _answers(service, 1, known))
    return found


def _answers(service: Service, clients: int, calls: Sequence[Callable[[], object]]) -> Answers:
    def timed(call: Callable[[], object]) -> float:
        began = time.monotonic()
        call()
        return time.monotonic() - began

    before, began = _cpu_by_process(service), time.monotonic()
    with ThreadPoolExecutor(clients) as pool:
        seconds = sorted(pool.map(timed, calls))
    rate, after = len(calls) / (time.monotonic() - began), _cpu_by_process(service)
    return Answers(seconds, rate, {name: (after[name] - before[name]) / len(calls) for name in after})


def _cpu_by_process(service: Service) -> Counter[str]:
    """Return the CPU seconds of the service's processes, by what they are."""
    root = service.process.pid
    found: Counter[str] = Counter()
    for pid in family(root):
        command = command_of(pid)
        kinds = (name for name, marks in _PROCESSES.items() if any(mark in command for mark in marks))
        found["gateways" if pid == root else next(kinds, "others")] += cpu_of(pid)  # type: ignore[assignment] # a Counter counts seconds, too
    return found


def _print_ratios(before: Mapping[str, Answers], after: Mapping[str, Answers]) -> None:
    print(f"{'after / before':20}  {'p50':>6}  {'p99':>6}  {'CPU':>6}")
    for name, now in after.items():
        then = before[name]
        cpu = sum(now.cpu.values()) / sum(then.cpu.values())
        print(f"{name:20}  {now.p50 / then.p50:6.2f}  {now.p99 / then.p99:6.2f}  {cpu:6.2f}", flush=True)


def measure_kept(folder: Path, entries: int, seconds: float) -> None:
    """Print what the service takes with nothing to do, and how soon all is back."""
    _fill(folder, entries)
    for part in ("nothing to do", "page open"):
        began = time.monotonic()
        with serving(ROOT, folder) as service:
            first = time.monotonic() - began
            found = len(service.watched_by(USER))
            back = time.monotonic() - began
            print(f"first answer after {first:.1f} s, {found} of {entries} entries back after {back:.1f} s", flush=True)
            with ExitStack() as watching:
                if part == "page open":
                    watching.enter_context(_open_page(service))
                time.sleep(_SETTLE_SECONDS)
                _print_idle(service, part, seconds)


@contextmanager
def _open_page(service: Service) -> Iterator[None]:
    """Do what a page does that is left open."""
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(_LOOK_SECONDS):
            service.call("GET", f"/activity/watchlist?{urlencode({'user': USER, 'limit': BATCH})}")

    looking = threading.Thread(target=look)
    with connect(f"{service.live_url}/?{urlencode({'user': USER})}"):
        looking.start()
        try:
            yield
        finally:
            ended.set()
            looking.join()


def _fill(folder: Path, entries: int) -> None:
    """Write entries that are ready and not due, as a service would have left them."""
    with ExitStack() as running:
        log = os.open(os.devnull, os.O_WRONLY)
        running.callback(os.close, log)
        aws = running.enter_context(EmbeddedAws(log, folder / "data"))
        needed = {"GIT_CLONE_DIR": "unused", "MAX_SETUP_TASKS": "1", "MAX_REFRESH_TASKS": "1"}
        environment = provision(aws.url, {**needed, "LIVE_ENDPOINT_URL": aws.url, "API_ACCESS": "open"})
        os.environ.update({**embedded_aws.credentials("task"), "AWS_ENDPOINT_URL": aws.url})
        records.bind(load(TableSettings, environment.variables))
        with Entry.batch_write() as batch:
            for number in range(entries):
                entry = ready_entry("https://github.com", f"kept-{number}", due_at=clock.now() + timedelta(days=30))
                batch.save(entry)
                batch.save(_watch(entry.watchlist_id))
    (generation,) = generations(folder / "data")
    with sqlite3.connect(generation.path) as database:  # the streams have been read
        database.execute('DELETE FROM "records of watchlist"')
    database.close()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]


def _watch(watchlist_id: str) -> UserEntry:
    now = clock.now()
    return UserEntry(
        watchlist_id,
        UserEntry.sk_of(USER),
        watchlist_id=watchlist_id,
        user_watchlist_id=user_watchlist_id_of(watchlist_id, USER),
        user=USER,
        added_order=f"{now.isoformat()}#{watchlist_id}",
        added_at=now,
        alerts={},
    )


def served_addresses(folder: Path) -> list[str]:
    """Return the addresses of all repositories that a service serves whose folder this is."""
    addresses = json.loads((folder / "data" / "addresses.json").read_text())
    return [f"http://127.0.0.1:{addresses['port']}{path}" for path in addresses["paths"].values()]


def _print_idle(service: Service, name: str, seconds: float) -> None:
    before = taken_by(service.process.pid)
    time.sleep(seconds)
    after = taken_by(service.process.pid)
    print(
        f"{name} for {seconds:.0f} s: {after.cpu - before.cpu:.1f} s of CPU, "
        f"{after.share_since(before):.1%} of a core, {after.memory / 1e6:.0f} MB, "
        f"{after.processes} processes, {after.descriptors} descriptors",
        flush=True,
    )


def measure_onboarding(checkout: Path, folder: Path, number: int) -> None:
    """Print how long repositories take until they are ready, and the embedded AWS's share of the work."""
    first = folder / "repositories" / "bench-0"
    build_synthetic(first, commits=1000, newest=int(time.time()) - 3600)
    paths = [first, *(first.with_name(f"bench-{index}") for index in range(1, number))]
    for path in paths[1:]:
        shutil.copytree(first, path)
    with serving(checkout, folder, {"SCORECARD_API_BASE_URL": "http://127.0.0.1:9"}, paths) as service:
        urls = [url for url in served_addresses(folder) if "bench-" in url]
        aws = next(pid for pid in family(service.process.pid) if any(name in command_of(pid) for name in _AWS))
        before, aws_before = taken_by(service.process.pid), cpu_of(aws)
        ids = service.add_batch(urls)
        states: list[str] = []
        while len(states) < len(ids) or "processing" in states:
            time.sleep(1)
            states = [service.status(each)["status"] for each in ids]
        after = taken_by(service.process.pid)
        seconds, cpu, aws_cpu = after.at - before.at, after.cpu - before.cpu, cpu_of(aws) - aws_before
        print(
            f"{len(ids)} repositories: {states.count('ready')} ready after {seconds:.1f} s "
            f"({len(ids) / seconds:.2f}/s); CPU {cpu:.1f} s, of them in the embedded AWS {aws_cpu:.1f} s "
            f"({aws_cpu / cpu:.0%}; {aws_cpu / seconds:.0%} of the wall time)",
            flush=True,
        )


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = ("answers", "kept", "onboarding")
    parser.add_argument("parts", nargs="*", default=list(parts), help=f"of {', '.join(parts)} (default: all)")
    parser.add_argument("--checkout", type=Path, default=ROOT, help="whose service is measured (default: this one's)")
    parser.add_argument("--against", type=Path, help="whose answers are measured before, and compared")
    parser.add_argument("--seconds", type=float, default=60, help="that nothing is done for (default: %(default)s)")
    parser.add_argument("--entries", type=int, default=1000, help="that are kept (default: %(default)s)")
    parser.add_argument("--repositories", type=int, default=20, help="that are onboarded (default: %(default)s)")
    options = parser.parse_args()
    for part in options.parts:
        with ExitStack() as scratch:
            folder = Path(scratch.enter_context(tempfile.TemporaryDirectory(prefix="watchlist-bench-")))
            match part:
                case "answers" if options.against:
                    before = measure_answers(options.against, folder / "before")
                    _print_ratios(before, measure_answers(options.checkout, folder / "after"))
                case "answers":
                    measure_answers(options.checkout, folder)
                case "kept":
                    measure_kept(folder, options.entries, options.seconds)
                case "onboarding":
                    measure_onboarding(options.checkout, folder, options.repositories)
                case _:
                    sys.exit(f"{part!r} is none of {', '.join(parts)}")


if __name__ == "__main__":
    main()
