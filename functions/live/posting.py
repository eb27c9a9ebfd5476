"""Posts to WebSocket connections, several at a time; what cannot be posted to is hung up on and forgotten."""

import contextlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, TypeVar

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from functions.live.gateway import GoneError, LiveGateway
from watchlist import clock, limits
from watchlist.live import connections as live_connections
from watchlist.storage.records import Subscription, UserSubscription

Connection = TypeVar("Connection", Subscription, UserSubscription)

_OPENING_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between tries of a connection whose `$connect` has not returned yet; as a rule none is needed."""


class Outcome(Enum):
    """What became of one post."""

    POSTED = auto()
    GONE = auto()
    DROPPED = auto()


@dataclass(frozen=True, slots=True)
class Shown:
    """What one connection is sent, if anything, and whether it is hung up on then."""

    message: bytes | None
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class Post(Generic[Connection]):
    """Something to show to one connection."""

    to: Connection
    shown: Shown


class Posting:
    """Posts, at most `limits.LIVE_POSTS_AT_ONCE` at a time."""

    def __init__(self, gateway: LiveGateway, logger: Logger) -> None:
        self._gateway = gateway
        self._logger = logger
        self._pool = ThreadPoolExecutor(limits.LIVE_POSTS_AT_ONCE)

    def post(self, posts: Sequence[Post[Connection]]) -> list[Outcome]:
        """Show each connection its part; returns the outcomes in their order. Those that are gone are forgotten."""
        outcomes = list(self._pool.map(self._serve, posts))
        now = clock.now()
        for post, outcome in zip(posts, outcomes, strict=True):
            opening = now - post.to.connected_at < limits.LIVE_OPENING
            if outcome is Outcome.DROPPED or (outcome is Outcome.GONE and not opening):
                live_connections.forget(post.to)
        return outcomes

    def post_when_open(
        self, connections: Sequence[Connection], shown: Callable[[Sequence[Connection]], Sequence[Post[Connection]]]
    ) -> list[Outcome]:
        """Show connections that may be noted and not open yet: they are tried again for about two seconds."""
        outcomes = self.post(shown(connections))
        waiting = _gone(connections, outcomes)
        for pause in _OPENING_PAUSES:
            if not waiting:
                break
            time.sleep(pause)
            waiting = live_connections.registered(waiting)
            retried = self.post(shown(waiting))
            outcomes += retried
            waiting = _gone(waiting, retried)
        return outcomes

    def _serve(self, post: Post[Connection]) -> Outcome:
        connection_id = post.to.connection_id
        try:
            if post.shown.message is not None:
                self._gateway.post(connection_id, post.shown.message)
            if post.shown.is_last:
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


def _gone(connections: Sequence[Connection], outcomes: Sequence[Outcome]) -> list[Connection]:
    return [each for each, outcome in zip(connections, outcomes, strict=True) if outcome is Outcome.GONE]
