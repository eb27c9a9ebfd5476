"""What is kept when who is killed: `python -m tests.e2e.chaos.kills [VICTIM ...]` prints it as a table, row by row.

A service with a data folder is killed, or a part of it, by SIGKILL: while people add repositories, or while their jobs
run. Where the whole has ended, it is started again. Everything that was acknowledged has to be there, and to become
ready; no process may be left. The exit code is 0 only if that is so.
"""

import argparse
import contextlib
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import urllib3
from rich.console import Console

from bench.one_machine import ROOT, Service, served_addresses, serving
from bench.processes import command_of, family
from bench.synthetic import build_synthetic

REPOSITORIES = 8
COMMITS = 40
USERS = 3
_READY_SECONDS = 240
_SETTLE_SECONDS = 2
_END_SECONDS = 20
"""Until everything that a killed service started has noticed."""

_COMMANDS: Mapping[str, str] = {
    "the embedded AWS": "local_service.aws.server",
    "the functions": "local_service.functions.host",
    "the tasks": "tasks.job",
    "the tasks' containers": "container.py",
}
"""What a victim's processes are called by."""

WHOLE = "the service"
EVERYTHING = "everything at once"
VICTIMS = (WHOLE, EVERYTHING, *_COMMANDS)
MOMENTS = ("adds", "jobs")


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one kill.

    Attributes:
        killed: processes.
        acknowledged: adds that were answered with success before or after.
        kept: of those, how many are there at the end.
        ready: entries that became ready, of how many.
        seconds: from the kill until all was ready.
        left: processes that should have ended.
    """

    victim: str
    moment: str
    killed: int
    acknowledged: int
    kept: int
    ready: str
    seconds: float
    left: int
    is_right: bool


def kill_and_see(victim: str, moment: str) -> Row:
    """Start a service, let it be used, kill the victim at the moment, and look."""
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="watchlist-kills-")))
        repositories = [folder / "repositories" / f"kept-{number}" for number in range(REPOSITORIES)]
        for path in repositories:
            build_synthetic(path, commits=COMMITS, newest=int(time.time()) - 3600)
        variables = {"SCORECARD_PATH": "no-scorecard", "LEASE_SECONDS": "10", "HEARTBEAT_SECONDS": "2"}

        def start() -> Service:
            return running.enter_context(serving(ROOT, folder, variables, repositories))

        service = start()
        urls = [url for url in served_addresses(folder) if "kept-" in url]
        wishes = [(f"user{number}@example.org", url) for number in range(USERS) for url in urls]
        acknowledged: dict[tuple[str, str], str] = {}
        began = threading.Event()

        def add(wish: tuple[str, str]) -> None:
            began.set()
            with contextlib.suppress(urllib3.exceptions.HTTPError, RuntimeError):
                acknowledged[wish] = service.add(wish[1], wish[0])

        with ThreadPoolExecutor(4) as pool:
            adding = [pool.submit(add, wish) for wish in wishes]
            if moment == "adds":
                began.wait()
                time.sleep(_SETTLE_SECONDS / 4)
            else:
                for each in adding:
                    each.result()
                _wait_until(lambda: bool(_processes(service, "the tasks")), 60)
            family_before = family(service.process.pid)
            killed = _kill(service, victim)
            killed_at = time.monotonic()
        time.sleep(_SETTLE_SECONDS)
        _wait_until(lambda: service.process.poll() is not None or _answers(service), _READY_SECONDS)
        left = 0
        if service.process.poll() is not None:
            _wait_until(lambda: not _living(family_before), _END_SECONDS)
            left = len(_living(family_before))
            service = start()
        for user, url in wishes:  # who was not answered asks again
            if (user, url) not in acknowledged:
                with contextlib.suppress(RuntimeError):  # it is there: the answer was lost
                    acknowledged[user, url] = service.add(url, user)
        ids = sorted(set(acknowledged.values()))
        _wait_until(lambda: all(service.status(each)["status"] != "processing" for each in ids), _READY_SECONDS)
        seconds = time.monotonic() - killed_at
        statuses = {each: service.status(each) for each in ids}
        watched = {user: service.watched_by(user) for user, _ in wishes}
        kept = sum(watchlist_id in watched[user] for (user, _), watchlist_id in acknowledged.items())
        ready = sum(status["status"] == "ready" for status in statuses.values())
    is_right = (
        kept == len(acknowledged) and ready == len(ids) == len(urls) and not left and (killed > 0 or moment == "adds")
    )
    return Row(victim, moment, killed, len(acknowledged), kept, f"{ready} of {len(urls)}", seconds, left, is_right)


def _answers(service: Service) -> bool:
    try:
        service.watched_by("nobody")
    except (urllib3.exceptions.HTTPError, RuntimeError):
        return False
    return True


def _living(pids: list[int]) -> list[int]:
    return [pid for pid in pids if command_of(pid)]


def _processes(service: Service, victim: str) -> list[int]:
    return [pid for pid in family(service.process.pid) if _COMMANDS[victim] in command_of(pid)]


def _kill(service: Service, victim: str) -> int:
    """Kill the victim's processes; return how many."""
    if victim == WHOLE:
        pids = [service.process.pid]
    elif victim == EVERYTHING:
        pids = family(service.process.pid)
    else:
        pids = _processes(service, victim)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(pids)


def _wait_until(is_so: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.2)


def main() -> None:
    """Kill; exit with 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("victims", nargs="*", default=list(VICTIMS), help=f"of: {', '.join(VICTIMS)} (default: all)")
    options = parser.parse_args()
    console = Console(width=140, highlight=False)
    console.print("who is killed | while | killed | acknowledged | kept | ready | seconds | left over")
    rows = []
    for victim in options.victims:
        for moment in MOMENTS:
            row = kill_and_see(victim, moment)
            rows.append(row)
            cells = (victim, moment, row.killed, row.acknowledged, row.kept, row.ready, f"{row.seconds:.0f}", row.left)
            console.print(" | ".join(map(str, cells)))
    wrong = [row for row in rows if not row.is_right]
    console.print(f"kills={len(rows)} wrong={len(wrong)}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
