"""One blow at a service that is used, and what is there afterwards."""

import contextlib
import itertools
import operator
import os
import shutil
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3

from bench.processes import command_of, family
from local_service.commands.api_client import ProblemError
from tests import waiting
from tests.e2e.conftest import Forge, RunningService, Serve
from tests.e2e.kills.holding import Holds
from tests.e2e.kills.matrix import COMMANDS, DELIVERED, DIGESTS, POINTS, REFRESH, SETUP, SIGNALS, Victim
from tests.e2e.kills.places import HANDED_ON, RAISED
from tests.waiting import SECONDS
from tests.webhook_receiver import HOST, Receiver
from watchlist import limits

USER = "ada@example.org"
WRITTEN = "written"
"""The repository that people write about."""

COMMITS = 3
"""Of each repository; one that is refreshed has one more then."""

_SETTLE_SECONDS = 2
"""Some rounds of everything that runs by the clock: what would come once more has come by then."""

_REFUSED = 300
_WHOLE = {Victim.CTRL_C, Victim.SERVICE, Victim.EVERYTHING}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A data folder of repositories that are ready, some of which have changed since.

    Attributes:
        folder: which to copy.
        urls: of all repositories, by their names.
        ids: of those that are ready.
    """

    folder: Path
    urls: Mapping[str, str]
    ids: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class After:
    """What is there after a blow.

    Attributes:
        left: commands of processes that outlived a service that ended.
        status: of each repository's entry.
        commits: how many each entry shows.
        meanwhile: how many each of those showed that were being refreshed.
        finished: of each entry, how many alerts tell its first watcher of the end of its setup.
        told: how often each user of a digest was called, by the message's id.
        lost: what was acknowledged to people who wrote, and is not there.
        acknowledged: how much they wrote.
        scratch: what tasks left of their clones.
        open_messages: of all queues.
    """

    left: Sequence[str]
    status: Mapping[str, Mapping[str, Any]]
    commits: Mapping[str, int]
    meanwhile: Mapping[str, int]
    finished: Mapping[str, int]
    told: Mapping[str, Counter[str]]
    lost: Sequence[str]
    acknowledged: int
    scratch: Sequence[Path]
    open_messages: int


def prepare(serve: Serve, forge: Forge, receiver: Receiver, folder: Path) -> Prepared:
    """Make repositories for all points, and a data folder to be copied for each blow."""
    urls = {name: forge.make(name, COMMITS) for name in (WRITTEN, *POINTS)}
    with serve(WATCHLIST_DATA=str(folder), **receiver.variables) as service:
        ids = {name: service.api.add(urls[name], USER) for name in (WRITTEN, *REFRESH)}
        for watchlist_id in ids.values():
            assert service.wait_until_processed(watchlist_id)["status"] == "ready"
        for point in DIGESTS:
            channel = {"name": point, "webhook_url": f"https://{HOST}/{point}"}
            _call(service.url, "POST", f"/activity/channels?{urlencode({'user': _user_of(point)})}", channel)
    for point in REFRESH:
        forge.commit(point, COMMITS)
    return Prepared(folder, urls, ids)


def strike(victim: Victim, serve: Serve, prepared: Prepared, receiver: Receiver, folder: Path) -> After:
    """Bring a service to all points at once, strike the victim, start again what ended, and look."""
    shutil.copytree(prepared.folder, folder / "data")
    holds = Holds(folder)
    holds.hold(POINTS)
    receiver.calls.clear()
    receiver.before_answer = lambda call: holds.reach(DELIVERED) if call.path == f"/{DELIVERED}" else None
    start = _starter(serve, receiver, folder)
    with ExitStack() as running:
        service = running.enter_context(start())
        ids = {**prepared.ids, **{point: service.api.add(prepared.urls[point], USER) for point in SETUP}}
        waiting.until("a job at each point", holds.reached, {*SETUP, *REFRESH}.issubset)
        for point in (DELIVERED, HANDED_ON, RAISED):  # the other way round one would keep the next from its place
            ids[point] = service.api.add(prepared.urls[point], _user_of(point))
            waiting.until("a digest at its point", holds.reached, {point}.issubset)
        meanwhile = {point: len(service.api.commits(ids[point])) for point in REFRESH}
        family_before = family(service.process.pid)
        written = _Written.about(service.url, prepared.urls)
        with written.going_on():
            waiting.until("something written", written.has_begun)
            _send(victim, service.process.pid)
            time.sleep(0.5)
            holds.release()
        left: list[str] = []
        if victim in _WHOLE:
            service.process.wait(SECONDS)
        elif victim is Victim.AWS:  # the service starts again by itself, or gives up if it was young
            waiting.until(
                "the service is back or gone", lambda: service.process.poll() is not None or _answers(service)
            )
        if service.process.poll() is not None:
            with contextlib.suppress(AssertionError):
                waiting.until("its processes are gone", lambda: not any(map(command_of, family_before)))
            left = [command for pid in family_before if (command := command_of(pid))]
            service = running.enter_context(start())
        for name, watchlist_id in ids.items():
            commits = COMMITS + (name in REFRESH)
            waiting.until(f"{name} is ready", partial(_is_ready, service, watchlist_id, commits))
        waiting.until(
            "a delivery of each digest", partial(_paths, receiver), {f"/{point}" for point in DIGESTS}.issubset
        )
        # The message of a job that was done when its task was killed is hidden for as long as a lease lasts.
        waiting.until(
            "no open message",
            partial(_open_messages, service),
            operator.not_,
            seconds=SECONDS + limits.LEASE.total_seconds(),
        )
        time.sleep(_SETTLE_SECONDS)
        return After(
            left=left,
            status={name: service.api.status(watchlist_id) for name, watchlist_id in ids.items()},
            commits={name: len(service.api.commits(watchlist_id)) for name, watchlist_id in ids.items()},
            meanwhile=meanwhile,
            finished={name: _finished(service.url, watchlist_id, name) for name, watchlist_id in ids.items()},
            told={
                point: Counter(call.headers["webhook-id"] for call in receiver.calls if call.path == f"/{point}")
                for point in DIGESTS
            },
            lost=list(written.lost(service.url)),
            acknowledged=written.acknowledged,
            scratch=list((folder / "clones").iterdir()),
            open_messages=_open_messages(service),
        )


def _starter(serve: Serve, receiver: Receiver, folder: Path) -> Callable[[], AbstractContextManager[RunningService]]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
    variables = {
        **receiver.variables,
        "WATCHLIST_DATA": str(folder / "data"),
        "GIT_CLONE_DIR": str(folder / "clones"),
        "MAX_SETUP_TASKS": str(len(SETUP) + 1),
        "MAX_REFRESH_TASKS": str(len(REFRESH)),
        "WEBHOOK_RETRY_SECONDS": "1",
        "COMMITS_INTERVAL_HOURS": "0.0001",
    }
    return partial(serve, program=("tests.e2e.kills.program", str(folder), port), **variables)


def _send(victim: Victim, root: int) -> None:
    """Send the victim's processes their signal.

    Raises:
        AssertionError: there are none.
    """
    number = SIGNALS.get(victim, signal.SIGKILL)
    pids = [root]
    if victim is Victim.EVERYTHING:
        pids = family(root)
    elif victim in COMMANDS:
        pids = [pid for pid in family(root) if _is_part(victim, command_of(pid))]
    assert pids, f"there is nobody to be killed: {victim}"
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _is_part(victim: Victim, command: str) -> bool:
    is_container = COMMANDS[Victim.CONTAINERS] in command
    return COMMANDS[victim] in command and is_container is (victim is Victim.CONTAINERS)


@dataclass(slots=True)
class _Written:
    """What people write of one repository, again and again, and what of it was acknowledged.

    Attributes:
        url: of the API.
        repository_urls: to watch; the first is written about.
        user_watchlist_id: whose notes and alerts are set.
        watched: the ids that each new user was told.
        noted, bounded: the last number that was written as the notes and as a bound for alerts.
    """

    url: str
    repository_urls: Sequence[str]
    user_watchlist_id: str
    watched: dict[str, list[str]] = field(default_factory=dict)
    noted: int = 0
    bounded: int = 0
    _is_over: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def about(cls, url: str, urls: Mapping[str, str]) -> "_Written":
        """Begin with what a service shows."""
        return cls(url, [urls[name] for name in (WRITTEN, *REFRESH)], _row(url)["user_watchlist_id"])

    @contextlib.contextmanager
    def going_on(self) -> Iterator[None]:
        """Let people write meanwhile."""
        acts = (self._add, self._add_many, self._note, self._set)
        writers = [threading.Thread(target=self._repeat, args=[act]) for act in acts]
        for writer in writers:
            writer.start()
        try:
            yield
        finally:
            self._is_over.set()
            for writer in writers:
                writer.join()

    def has_begun(self) -> bool:
        """Whether each kind of writing was acknowledged before."""
        kinds = {user.rstrip("0123456789") for user in list(self.watched)}
        return len(kinds) > 1 and self.noted > 0 and self.bounded > 0

    @property
    def acknowledged(self) -> int:
        """How much was."""
        return sum(map(len, self.watched.values())) + self.noted + self.bounded

    def lost(self, url: str) -> Iterator[str]:
        """Yield what was acknowledged and is not there; a number that was not acknowledged may be there as well."""
        for user, ids in self.watched.items():
            answer = _call(url, "GET", f"/activity/watchlist?{urlencode({'user': user, 'limit': 100})}")
            missing = set(ids) - {item["watchlist_id"] for item in answer["items"]}
            yield from (f"{user} watches {watchlist_id}" for watchlist_id in missing)
        if int(_row(url)["notes"]) < self.noted:
            yield f"note {self.noted}"
        chosen = _call(url, "GET", f"/activity/user-watchlist-alerts/{self.user_watchlist_id}")["chosen"]
        if chosen["lines_added_deleted"]["hardcoded_threshold"] < self.bounded:
            yield f"bound {self.bounded}"

    def _repeat(self, act: Callable[[int], None]) -> None:
        for number in itertools.count(1):
            if self._is_over.is_set():
                return
            # What is not answered with success, or not at all, was not acknowledged.
            with contextlib.suppress(urllib3.exceptions.HTTPError, RuntimeError):
                act(number)

    def _add(self, number: int) -> None:
        body = {"repo_url": self.repository_urls[0], "added_by": f"one{number}"}
        self.watched[f"one{number}"] = [_call(self.url, "POST", _ADDED, body)["watchlist_id"]]

    def _add_many(self, number: int) -> None:
        items = [{"repo_url": url, "added_by": f"many{number}"} for url in self.repository_urls]
        results = _call(self.url, "POST", f"{_ADDED}/batch", {"items": items})["results"]
        self.watched[f"many{number}"] = [result["watchlist_id"] for result in results if "watchlist_id" in result]

    def _note(self, number: int) -> None:
        _call(self.url, "PATCH", f"/activity/user-watchlist/{self.user_watchlist_id}", {"notes": str(number)})
        self.noted = number

    def _set(self, number: int) -> None:
        body = {"lines_added_deleted": {"hardcoded_threshold": number}}
        _call(self.url, "PATCH", f"/activity/user-watchlist-alerts/{self.user_watchlist_id}", body)
        self.bounded = number


_ADDED = "/activity/user-watchlist-added"


def _call(url: str, method: str, path: str, body: object = None) -> Any:
    """Call the API.

    Raises:
        RuntimeError: the answer is an error.
    """
    answer = urllib3.request(method, f"{url}{path}", json=body, retries=False, timeout=SECONDS)
    if answer.status >= _REFUSED:
        raise RuntimeError(f"{method} {path}: {answer.status} {answer.data!r}")
    return answer.json()


def _row(url: str) -> dict[str, Any]:
    """Return what the first user sees of the repository that people write about."""
    query = urlencode({"user": USER, "text": WRITTEN})
    row: dict[str, Any] = _call(url, "GET", f"/activity/watchlist?{query}")["items"][0]
    return row


def _finished(url: str, watchlist_id: str, name: str) -> int:
    query = urlencode({"user": _user_of(name), "kind": "processing_finished", "watchlist_id": watchlist_id})
    return len(_call(url, "GET", f"/activity/alerts?{query}")["items"])


def _user_of(name: str) -> str:
    return f"{name}@example.org" if name in DIGESTS else USER


def _paths(receiver: Receiver) -> set[str]:
    return {call.path for call in receiver.calls}


def _answers(service: RunningService) -> bool:
    try:
        service.api.queues()
    except (urllib3.exceptions.HTTPError, ProblemError):
        return False
    return True


def _is_ready(service: RunningService, watchlist_id: str, commits: int) -> bool:
    """Whether an entry is ready with so many commits; not while parts are started again."""
    try:
        status = service.api.status(watchlist_id)
    except (urllib3.exceptions.HTTPError, ProblemError):
        return False
    return bool(status["status"] == "ready" and status["commits"] == commits)


def _open_messages(service: RunningService) -> int:
    return sum(int(queue[state]) for queue in service.api.queues() for state in ("waiting", "in_flight", "delayed"))
