"""Shows entries' states to WebSocket connections: the status answer's JSON, and a normal close after a final one."""

import contextlib
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeVar

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from functions.http.shapes.status import StatusAnswer
from functions.live.gateway import GoneError, LiveGateway
from watchlist import clock, limits
from watchlist.live import connections as live_connections
from watchlist.states import EntryStatus
from watchlist.storage.records import Entry, Subscription
from watchlist.watching.entries import EntryWithWatchers

Each = TypeVar("Each")

_OPENING_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between tries of a connection whose `$connect` has not returned yet; as a rule none is needed."""

_CATCH_UPS = 3
"""How often a first state that was overtaken while it was posted is followed by a newer one."""


class Outcome(Enum):
    """What became of one post."""

    POSTED = auto()
    GONE = auto()
    DROPPED = auto()


def shows_change(before: Entry | None, after: Entry | None) -> bool:
    """Whether a person who polls could tell the two apart; leases, queues and the like are not shown."""
    return _visible(before) != _visible(after)


def is_final(entry: Entry | None) -> bool:
    """Whether nothing follows that a client would wait for."""
    return entry is None or entry.entry_status is not EntryStatus.PROCESSING


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a viewer is sent, if anything; whether it is the last they see; whether they watch the entry themselves."""

    message: bytes | None
    is_last: bool
    is_watched: bool


_NOTHING_MORE = _Shown(None, is_last=True, is_watched=False)
"""Of an entry that is gone, or that its watcher has stopped watching."""

_Viewer = tuple[str, str | None]
"""An entry's id and a user; None stands for one who may see all."""


class Delivery:
    """Posts states to connections, at most `limits.LIVE_POSTS_AT_ONCE` at a time."""

    def __init__(self, gateway: LiveGateway, logger: Logger) -> None:
        self._gateway = gateway
        self._logger = logger
        self._pool = ThreadPoolExecutor(limits.LIVE_POSTS_AT_ONCE)

    def publish(self, entry: Entry) -> list[Outcome]:
        """Show an entry to everybody who watches it live."""
        return [
            outcome
            for page in live_connections.pages(entry.watchlist_id, clock.now())
            for outcome in self.deliver(entry, page)
        ]

    def greet(self, subscriptions: Sequence[Subscription]) -> list[Outcome]:
        """Show new connections their entries as they are now.

        A connection can be noted and not open yet; it is tried again for about two seconds. A change that the
        publisher posted to it meanwhile, read later but posted earlier than the state here, is posted once more.
        """
        outcomes: list[Outcome] = []
        states = _read({each.watchlist_id for each in subscriptions})
        behind = list(subscriptions)
        for _ in range(_CATCH_UPS):
            outcomes += self._deliver_when_open(states, behind)
            latest = _read({each.watchlist_id for each in behind})
            behind = [
                each for each in behind if shows_change(states.get(each.watchlist_id), latest.get(each.watchlist_id))
            ]
            if not behind:
                break
            states = latest
        return outcomes

    def deliver(self, entry: Entry | None, subscriptions: Sequence[Subscription]) -> list[Outcome]:
        """Show one state to these connections of its entry; returns the outcomes in their order."""
        states = {each.watchlist_id: entry for each in subscriptions}
        return self._deliver(states, subscriptions)

    def _deliver_when_open(
        self, states: Mapping[str, Entry | None], subscriptions: Sequence[Subscription]
    ) -> list[Outcome]:
        outcomes = self._deliver(states, subscriptions)
        waiting = _gone(subscriptions, outcomes)
        for pause in _OPENING_PAUSES:
            if not waiting:
                break
            time.sleep(pause)
            waiting = live_connections.registered(waiting)
            retried = self._deliver(states, waiting)
            outcomes += retried
            waiting = _gone(waiting, retried)
        return outcomes

    def _deliver(self, states: Mapping[str, Entry | None], subscriptions: Sequence[Subscription]) -> list[Outcome]:
        shown = _shown(states, subscriptions)
        outcomes = list(self._pool.map(self._serve, subscriptions, [_shown_to(each, shown) for each in subscriptions]))
        now = clock.now()
        for subscription, outcome in zip(subscriptions, outcomes, strict=True):
            opening = now - subscription.connected_at < limits.LIVE_OPENING
            if outcome is Outcome.DROPPED or (outcome is Outcome.GONE and not opening):
                live_connections.forget(subscription.connection_id, subscription)
        return outcomes

    def _serve(self, subscription: Subscription, shown: _Shown) -> Outcome:
        connection_id = subscription.connection_id
        try:
            if shown.message is not None:
                self._gateway.post(connection_id, shown.message)
            if shown.is_last:
                self._gateway.hang_up(connection_id)
        except GoneError:
            return Outcome.GONE
        except (ClientError, BotoCoreError) as error:
            # The client would wait for a change that it missed: a closed connection tells it to poll.
            self._logger.warning("connection dropped", connection_id=connection_id, reason=str(error))
            with contextlib.suppress(ClientError, BotoCoreError):
                self._gateway.hang_up(connection_id)
            return Outcome.DROPPED
        return Outcome.POSTED


def _visible(entry: Entry | None) -> StatusAnswer | None:
    if entry is None or entry.is_removed:
        return None
    return StatusAnswer.of(EntryWithWatchers(entry, ()), limits.MAX_ATTEMPTS)


def _read(watchlist_ids: Collection[str]) -> dict[str, Entry | None]:
    return {**dict.fromkeys(watchlist_ids), **live_connections.read_entries(watchlist_ids)}


def _gone(subscriptions: Sequence[Each], outcomes: Sequence[Outcome]) -> list[Each]:
    return [each for each, outcome in zip(subscriptions, outcomes, strict=True) if outcome is Outcome.GONE]


def _shown(states: Mapping[str, Entry | None], subscriptions: Sequence[Subscription]) -> Mapping[_Viewer, _Shown]:
    """Return what each viewer of each entry sees; each state is written once for all who see the same."""
    users: defaultdict[str, set[str | None]] = defaultdict(set)
    for subscription in subscriptions:
        users[subscription.watchlist_id].add(subscription.user)
    return {
        (watchlist_id, user): _Shown(
            StatusAnswer.of(shown, limits.MAX_ATTEMPTS).model_dump_json().encode(),
            is_last=is_final(shown.entry),
            is_watched=bool(shown.user_entries),
        )
        for watchlist_id, of_entry in users.items()
        if (entry := states[watchlist_id]) is not None and not entry.is_removed
        for user, shown in live_connections.shown_to(entry, of_entry).items()
    }


def _shown_to(subscription: Subscription, shown: Mapping[_Viewer, _Shown]) -> _Shown:
    of_user = shown.get((subscription.watchlist_id, subscription.user), _NOTHING_MORE)
    return of_user if of_user.is_watched or not subscription.while_watching else _NOTHING_MORE
