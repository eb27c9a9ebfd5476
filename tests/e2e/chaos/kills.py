"""What is kept when who is killed: `python -m tests.e2e.chaos.kills [--victim WHO] [--while WHAT]` prints the matrix.

A service with a data folder is killed or stopped, or a part of it is killed, while something is done with it. Where the
whole has ended, it is started again. Everything that was acknowledged has to be there, entries have to become ready,
and no process may be left. The exit code is 0 only if that is so.
"""

import argparse
import contextlib
import itertools
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3
from rich.console import Console

from bench.one_machine import ROOT, Service, served_addresses, serving
from bench.processes import command_of, family
from bench.synthetic import build_synthetic

REPOSITORIES = 5
COMMITS = 40
USERS = tuple(f"user{number}@example.org" for number in range(3))
_READY_SECONDS = 240
_BUSY_SECONDS = 0.5
"""How long something has been going on when the blow falls."""
_SETTLE_SECONDS = 2
_ANSWER_SECONDS = 60
_END_SECONDS = 20
"""Until everything that a killed service started has noticed."""

WHOLE = "the service"
EVERYTHING = "everything at once"
_SIGNALS: Mapping[str, signal.Signals] = {
    f"{WHOLE}, by Ctrl-C": signal.SIGINT,
    f"{WHOLE}, by SIGTERM": signal.SIGTERM,
    WHOLE: signal.SIGKILL,
}
_COMMANDS: Mapping[str, str] = {
    "the embedded AWS": "local_service.aws.server",
    "the functions": "local_service.functions.host",
    "the tasks": "tasks.job",
    "the tasks' containers": "container.py",
}
"""What a part's processes are called by."""
VICTIMS = (*_SIGNALS, EVERYTHING, *_COMMANDS)


@dataclass(slots=True)
class Use:
    """What is done with the service, and what of it was acknowledged.

    Attributes:
        service: the one that runs now.
        urls: of the repositories.
        added: the ids of entries, by user and URL.
        noted: of each user's entry of the first repository, the last text that was acknowledged.
        bounded: of the same entries, the last bound for alerts.
    """

    service: Service
    urls: Sequence[str]
    added: dict[tuple[str, str], str] = field(default_factory=dict)
    noted: dict[str, int] = field(default_factory=dict)
    bounded: dict[str, int] = field(default_factory=dict)
    is_over: threading.Event = field(default_factory=threading.Event)

    def add(self, user: str, url: str) -> None:
        """Add one repository."""
        with _unless_it_dies():
            self.added[user, url] = self.service.add(url, user)

    def add_all(self) -> None:
        """Add every repository for every user, a few at a time."""
        with ThreadPoolExecutor(4) as pool:
            for user, url in itertools.product(USERS, self.urls):
                if (user, url) not in self.added:
                    pool.submit(self.add, user, url)

    def add_batches(self) -> None:
        """Add all repositories for each user by one call."""
        for user in USERS:
            with _unless_it_dies():
                ids = self.service.add_batch(self.urls, user)
                self.added |= {(user, url): watchlist_id for url, watchlist_id in zip(self.urls, ids, strict=True)}

    def note(self) -> None:
        """Write a user's notes again and again, each time another number."""
        self._count_up(self.noted, lambda number: {"notes": str(number)}, "/activity/user-watchlist")

    def set_bounds(self) -> None:
        """Write a user's settings of alerts again and again."""
        self._count_up(
            self.bounded,
            lambda number: {"lines_added_deleted": {"hardcoded_threshold": number}},
            "/activity/user-watchlist-alerts",
        )

    def _count_up(self, acknowledged: dict[str, int], body_of: Callable[[int], object], path: str) -> None:
        ids = {user: self.row(user)["user_watchlist_id"] for user in USERS}
        for number in itertools.count(1):
            for user, user_watchlist_id in ids.items():
                if self.is_over.is_set():
                    return
                with _unless_it_dies():
                    self.service.call("PATCH", f"{path}/{user_watchlist_id}", body_of(number))
                    acknowledged[user] = number

    def row(self, user: str) -> Mapping[str, str]:
        """Return what a user sees of the first repository."""
        query = urlencode({"user": user, "text": self.urls[0].rpartition("/")[2]})
        found: Mapping[str, str] = _insist(lambda: self.service.call("GET", f"/activity/watchlist?{query}"))["items"][0]
        return found

    def wait_until_ready(self) -> None:
        """Return when nothing is processing, or after a long while."""
        ids = set(self.added.values())
        _wait_until(lambda: all(self.status(each) != "processing" for each in ids), _READY_SECONDS)

    def status(self, watchlist_id: str) -> str:
        """Return an entry's status."""
        return str(_insist(lambda: self.service.status(watchlist_id))["status"])

    def bound(self, user: str) -> int:
        """Return a user's bound for alerts of the first repository."""
        path = f"/activity/user-watchlist-alerts/{self.row(user)['user_watchlist_id']}"
        shown = _insist(lambda: self.service.call("GET", path))
        return int(shown["chosen"].get("lines_added_deleted", {}).get("hardcoded_threshold", 0))

    def acknowledged(self) -> Iterator[bool]:
        """Yield of each thing that was acknowledged whether it was kept."""
        watched = {user: _insist(partial(self.service.watched_by, user)) for user in USERS}
        yield from (watchlist_id in watched[user] for (user, _), watchlist_id in self.added.items())
        # A number that was not acknowledged may have been kept as well.
        yield from (int(self.row(user)["notes"] or 0) >= number for user, number in self.noted.items())
        yield from (self.bound(user) >= number for user, number in self.bounded.items())


@dataclass(frozen=True, slots=True)
class Moment:
    """What goes on when the blow falls.

    Attributes:
        prepare: brings the service there.
        act: goes on meanwhile.
    """

    prepare: Callable[[Use], object]
    act: Callable[[Use], object]


def _ready(use: Use) -> None:
    use.add_all()
    use.wait_until_ready()


def _nothing(use: Use) -> None:
    del use


def _at_work(use: Use) -> None:
    use.add_all()
    _wait_until(lambda: bool(_processes(use.service, "the tasks")), 60)


MOMENTS: Mapping[str, Moment] = {
    "nothing": Moment(_ready, _nothing),
    "adds": Moment(_nothing, Use.add_all),
    "batches": Moment(_nothing, Use.add_batches),
    "jobs": Moment(_at_work, _nothing),
    "notes are written": Moment(_ready, Use.note),
    "alerts are set": Moment(_ready, Use.set_bounds),
}
_OF_PARTS = ("adds", "jobs")
"""Moments at which parts are killed; at the others they do what the whole does, or nothing."""


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one blow.

    Attributes:
        killed: processes.
        acknowledged: what was answered with success.
        kept: of that, how much is there at the end.
        ready: entries that became ready, of how many.
        seconds: from the blow until all was ready.
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
    """Start a service, let it be used, strike the victim at the moment, and look."""
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="watchlist-kills-")))
        repositories = [folder / "repositories" / f"kept-{number}" for number in range(REPOSITORIES)]
        for path in repositories:
            build_synthetic(path, commits=COMMITS, newest=int(time.time()) - 3600)
        variables = {"SCORECARD_PATH": "no-scorecard", "LEASE_SECONDS": "10", "HEARTBEAT_SECONDS": "2"}

        def start() -> Service:
            return running.enter_context(serving(ROOT, folder, variables, repositories))

        service = start()
        use = Use(service, [url for url in served_addresses(folder) if "kept-" in url])
        MOMENTS[moment].prepare(use)
        acting = threading.Thread(target=MOMENTS[moment].act, args=[use])
        acting.start()
        time.sleep(_BUSY_SECONDS)
        family_before = family(service.process.pid)
        killed = _strike(service, victim)
        killed_at = time.monotonic()
        time.sleep(_SETTLE_SECONDS)
        _wait_until(lambda: service.process.poll() is not None or _answers(service), _READY_SECONDS)
        use.is_over.set()
        acting.join()
        left = 0
        if victim in (*_SIGNALS, EVERYTHING):
            _wait_until(lambda: service.process.poll() is not None, _READY_SECONDS)
        if service.process.poll() is not None:  # also if its storage was killed soon after the start: it gives up then
            _wait_until(lambda: not _living(family_before), _END_SECONDS)
            left = len(_living(family_before))
            use.service = start()
        use.add_all()  # who was not answered asks again; what is there already was kept without its answer
        use.wait_until_ready()
        seconds = time.monotonic() - killed_at
        kept = list(use.acknowledged())
        ids = set(use.added.values())
        ready = sum(use.status(each) == "ready" for each in ids)
    busy = moment == "jobs" or victim not in _COMMANDS or victim == "the embedded AWS"
    is_right = all(kept) and ready == len(ids) == len(use.urls) and not left and (killed > 0 or not busy)
    return Row(victim, moment, killed, len(kept), sum(kept), f"{ready} of {len(use.urls)}", seconds, left, is_right)


@contextlib.contextmanager
def _unless_it_dies() -> Iterator[None]:
    """What is not answered with success, or not at all, was not acknowledged."""
    with contextlib.suppress(urllib3.exceptions.HTTPError, RuntimeError):
        yield


def _insist(ask: Callable[[], Any]) -> Any:
    """Ask until there is an answer: a part that was killed is started again."""
    deadline = time.monotonic() + _ANSWER_SECONDS
    while True:
        try:
            return ask()
        except (urllib3.exceptions.HTTPError, RuntimeError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _answers(service: Service) -> bool:
    try:
        service.watched_by("nobody")
    except (urllib3.exceptions.HTTPError, RuntimeError):
        return False
    return True


def _living(pids: list[int]) -> list[int]:
    return [pid for pid in pids if command_of(pid)]


def _processes(service: Service, part: str) -> list[int]:
    return [pid for pid in family(service.process.pid) if _COMMANDS[part] in command_of(pid)]


def _strike(service: Service, victim: str) -> int:
    """Send the victim's processes their signal; return how many there are."""
    if victim in _SIGNALS:
        pids = [service.process.pid]
    elif victim == EVERYTHING:
        pids = family(service.process.pid)
    else:
        pids = _processes(service, victim)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, _SIGNALS.get(victim, signal.SIGKILL))
    return len(pids)


def _wait_until(is_so: Callable[[], bool], seconds: float) -> bool:
    """Return whether it became so in time."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def main() -> None:
    """Kill; exit with 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--victim", choices=VICTIMS, action="append", help="(default: all)")
    parser.add_argument("--while", dest="moment", choices=[*MOMENTS], action="append", help="(default: all)")
    options = parser.parse_args()
    console = Console(width=140, highlight=False)
    console.print("| who is killed | during | killed | acknowledged | kept | ready | seconds | left over |")
    console.print("|---|---|---|---|---|---|---|---|")
    rows = []
    for victim, moment in itertools.product(options.victim or VICTIMS, options.moment or MOMENTS):
        if victim in _COMMANDS and moment not in (options.moment or _OF_PARTS):
            continue
        row = kill_and_see(victim, moment)
        rows.append(row)
        cells = (victim, moment, row.killed, row.acknowledged, row.kept, row.ready, f"{row.seconds:.0f}", row.left)
        console.print(f"| {' | '.join(map(str, cells))} |")
    wrong = [row for row in rows if not row.is_right]
    console.print(f"kills={len(rows)} wrong={len(wrong)}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
