"""The people who use the service during the run: they add repositories, insist or give up, and retry what failed."""

import random
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

import urllib3

from local_service.commands.api_client import ApiClient, ProblemError
from tests.e2e.chaos.sources import Source

_MOST_TRIES = 12
_SHARE_INSISTING = 0.8
_SHARE_AT_ONE_INSTANT = 0.5
_RETRY_SECONDS = 4


@dataclass(frozen=True, slots=True)
class Wish:
    """That one user adds one repository `moment` seconds after the start, and whether they insist on it."""

    user: str
    source: Source
    moment: float
    insists: bool


@dataclass(slots=True)
class Outcome:
    """What came of a wish.

    Attributes:
        watchlist_id: the entry by the accepting answer, or None.
        refusals: the HTTP status of each answer before.
    """

    wish: Wish
    watchlist_id: str | None = None
    refusals: list[int] = field(default_factory=list)


def wishes(sources: Iterable[Source], users: int, seconds: float, dice: random.Random) -> list[Wish]:
    """Let each source be added by one to three users, all at one instant or each at their own."""
    names = [f"user{number}@example.org" for number in range(users)]
    planned = []
    for source in sources:
        instant = dice.uniform(0, seconds) if dice.random() < _SHARE_AT_ONE_INSTANT else None
        for user in dice.sample(names, min(dice.choice((1, 1, 2, 3)), users)):
            moment = dice.uniform(0, seconds) if instant is None else instant
            planned.append(Wish(user, source, moment, insists=dice.random() < _SHARE_INSISTING))
    return planned


class Crowd:
    """Fulfils wishes, each on a thread of its own, and retries failed entries until the end."""

    def __init__(self, urls: dict[str, str], planned: Sequence[Wish], dice: random.Random) -> None:
        """Prepare the crowd.

        Args:
            urls: the address of each source, by its name.
            planned: what is to be added, and when.
            dice: decide what is retried.
        """
        self.outcomes = [Outcome(wish) for wish in planned]
        self.retries = 0
        self._urls = urls
        self._dice = dice
        self._ended = threading.Event()
        self._adding = [threading.Thread(target=self._fulfil, args=(outcome,)) for outcome in self.outcomes]
        self._retrying = threading.Thread(target=self._retry_now_and_then)

    def begin(self, api_url: str) -> None:
        """Start the clock at the service's address; a service that takes over has the same one."""
        if self._retrying.is_alive():
            return
        self._api_url = api_url
        self._started = time.monotonic()
        for thread in (*self._adding, self._retrying):
            thread.start()

    def wait_until(self, seconds: float) -> None:
        """Return so long after the start of the clock."""
        time.sleep(max(0.0, self._started + seconds - time.monotonic()))

    def finish_adding(self) -> None:
        """Return when every wish has its outcome."""
        for thread in self._adding:
            thread.join()

    def end(self) -> None:
        """Return when nobody retries any more."""
        self._ended.set()
        self._retrying.join()

    def _fulfil(self, outcome: Outcome) -> None:
        wish = outcome.wish
        time.sleep(max(0.0, self._started + wish.moment - time.monotonic()))
        client = ApiClient(self._api_url)
        for _ in range(_MOST_TRIES if wish.insists else 1):
            try:
                outcome.watchlist_id = client.add(self._urls[wish.source.name], wish.user)
            except ProblemError as problem:
                if problem.status == HTTPStatus.CONFLICT:
                    # An earlier try was answered with an error and had been kept all the same.
                    outcome.watchlist_id = str(problem.watchlist_id)
                else:
                    outcome.refusals.append(problem.status)
            except urllib3.exceptions.HTTPError:
                outcome.refusals.append(HTTPStatus.GATEWAY_TIMEOUT)
            if outcome.watchlist_id is not None:
                return
            time.sleep(1)

    def _retry_now_and_then(self) -> None:
        client = ApiClient(self._api_url)
        while not self._ended.wait(self._dice.expovariate(1 / _RETRY_SECONDS)):
            known = sorted({outcome.watchlist_id for outcome in self.outcomes if outcome.watchlist_id})
            self._dice.shuffle(known)
            for watchlist_id in known[:3]:
                try:
                    client.retry(watchlist_id)
                except (ProblemError, urllib3.exceptions.HTTPError):
                    continue
                self.retries += 1
                break
