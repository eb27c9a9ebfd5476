"""Whether `make serve` can run for long: `python -m bench.soak [SECONDS]`, one hour unless told otherwise.

People add repositories, stop watching some, look, watch live, and have repositories checked that get new commits. All
the while memory, processes, descriptors and files are counted. At the end all that was added and kept is there and
ready, and nothing has grown: what counts is the median of the last quarter against that of the second one.
"""

import argparse
import itertools
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlencode

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from bench.one_machine import ROOT, Service, served_addresses, serving
from bench.processes import taken_by
from bench.synthetic import build_synthetic
from watchlist.watching.entries import user_watchlist_id_of

REPOSITORIES = 40
COMMITS = 60
USERS = 5
_SAMPLES = 60
_QUARTERS = 4
_REST_SECONDS = 300
_MAY_GROW = 1.1


class Sample(NamedTuple):
    """What was there at one moment; a grown field is a leak."""

    memory: int
    processes: int
    descriptors: int
    files: int


_SLACK = Sample(memory=30_000_000, processes=12, descriptors=60, files=200)
"""What may come on top without being one: whatever is at work just then."""


@dataclass
class People:
    """Use the service until `ended` is set.

    Attributes:
        watched: who watches what, by user and entry; what the service must know at the end.
        done: how often something was done.
    """

    service: Service
    urls: list[str]
    repositories: list[Path]
    ended: threading.Event = field(default_factory=threading.Event)
    watched: dict[tuple[str, str], str] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._dice = random.Random(14)  # noqa: S311 - dice, not secrets
        self._commits = itertools.count(1)

    def act(self) -> None:
        """Do one thing after another, with pauses."""
        acts: tuple[Callable[[], None], ...] = (self._add, self._look, self._look, self._leave, self._live, self._push)
        while not self.ended.is_set():
            act = self._dice.choice(acts)
            try:
                act()
                self.done[act.__name__.strip("_")] += 1
            except (RuntimeError, HTTPException, OSError, WebSocketException) as error:
                self.done[f"{act.__name__.strip('_')} refused: {str(error).partition(': ')[2][:40]}"] += 1
            self.ended.wait(self._dice.expovariate(2))

    def _add(self) -> None:
        user, url = f"user{self._dice.randrange(USERS)}@example.org", self._dice.choice(self.urls)
        if (user, url) not in self.watched:
            self.watched[user, url] = self.service.add(url, user)

    def _leave(self) -> None:
        if len(self.watched) > REPOSITORIES:
            user, url = self._dice.choice(sorted(self.watched))
            identifier = user_watchlist_id_of(self.watched[user, url], user)
            self.service.call("DELETE", f"/activity/user-watchlist/{quote(identifier)}")
            del self.watched[user, url]

    def _look(self) -> None:
        self.service.watched_by(f"user{self._dice.randrange(USERS)}@example.org")

    def _live(self) -> None:
        if self.watched:
            watchlist_id = self._dice.choice(sorted(self.watched.values()))
            address = f"{self.service.live_url}/?{urlencode({'watchlist_id': watchlist_id})}"
            with connect(address) as connection, suppress(TimeoutError):
                connection.recv(timeout=5)

    def _push(self) -> None:
        """Add a commit to a repository that is watched, and have it looked at."""
        url = self._dice.choice(self.urls)
        path = self.repositories[self.urls.index(url)]
        found = [watchlist_id for (_, watched), watchlist_id in sorted(self.watched.items()) if watched == url]
        if found:
            who = ["-c", "user.name=Soak", "-c", "user.email=soak@example.org"]
            message = f"Change {next(self._commits)}"
            commit = _git(path, *who, "commit-tree", "-p", "main", "-m", message, "main^{tree}")
            _git(path, "update-ref", "refs/heads/main", commit)
            self.service.call("POST", f"/activity/watchlist/{quote(found[0])}/check")


def _git(path: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=path, check=True, capture_output=True, text=True).stdout.strip()


def soak(folder: Path, seconds: float) -> list[str]:
    """Run for some seconds; return what is wrong."""
    repositories = [folder / "repositories" / f"soak-{number}" for number in range(REPOSITORIES)]
    build_synthetic(repositories[0], commits=COMMITS, newest=int(time.time()) - 3600)
    for path in repositories[1:]:
        shutil.copytree(repositories[0], path)
    temporary = folder / "temporary"
    temporary.mkdir()
    clones = temporary / "clones"
    variables = {"SCORECARD_PATH": "no-scorecard", "TMPDIR": str(temporary), "GIT_CLONE_DIR": str(clones)}
    with serving(ROOT, folder, variables, repositories) as service:
        by_name = {url.rpartition("/")[2]: url for url in served_addresses(folder)}
        people = People(service, [by_name[path.name] for path in repositories], repositories)
        samples = []
        with _acting(people):
            for _ in range(_SAMPLES):
                time.sleep(seconds / _SAMPLES)
                samples.append(_sample(service, temporary))
                print(f"{time.strftime('%H:%M:%S')} {samples[-1]}", file=sys.stderr, flush=True)
        problems = list(_lost(people))
        for name, number in sorted(people.done.items()):
            print(f"{number:6}  {name}")
    left = [path for path in temporary.rglob("*") if path != clones]
    return [*problems, *_grown(samples), *(f"left behind: {path}" for path in left)]


@contextmanager
def _acting(people: People) -> Iterator[None]:
    thread = threading.Thread(target=people.act)
    thread.start()
    yield
    people.ended.set()
    thread.join()


def _sample(service: Service, temporary: Path) -> Sample:
    taken = taken_by(service.process.pid)
    files = sum(len(names) for _, _, names in os.walk(temporary))  # folders come and go meanwhile
    return Sample(taken.memory, taken.processes, taken.descriptors, files)


def _lost(people: People) -> Iterator[str]:
    """Wait until nothing is processed any more; yield what is not as it should be."""
    deadline = time.monotonic() + _REST_SECONDS
    watched = {user: set(people.service.watched_by(user)) for user, _ in people.watched}
    for (user, url), watchlist_id in people.watched.items():
        status = people.service.status(watchlist_id)
        while status["status"] == "processing" and time.monotonic() < deadline:
            time.sleep(1)
            status = people.service.status(watchlist_id)
        if status["status"] != "ready":
            yield f"{url} is {status['status']}: {status['last_error']}"
        if watchlist_id not in watched[user]:
            yield f"{user} does not watch {url} any more"


def _grown(samples: list[Sample]) -> Iterator[str]:
    quarter = len(samples) // _QUARTERS
    early, late = samples[quarter : 2 * quarter], samples[-quarter:]
    for name in Sample._fields:
        before, after = (statistics.median(getattr(sample, name) for sample in part) for part in (early, late))
        print(f"{name:12}  {before:14,.0f} -> {after:14,.0f}  (most {max(getattr(s, name) for s in samples):,})")
        if after > before * _MAY_GROW + getattr(_SLACK, name):
            yield f"{name} grew from {before:,.0f} to {after:,.0f}"


def main() -> None:
    """Soak; exit with 1 if something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seconds", nargs="?", type=float, default=3600, help="(default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="watchlist-soak-") as folder:
        problems = soak(Path(folder), options.seconds)
    for problem in problems:
        print(problem)
    sys.exit(f"{len(problems)} problems" if problems else 0)


if __name__ == "__main__":
    main()
