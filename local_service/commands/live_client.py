"""The WebSocket API as its caller sees it."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from websockets.exceptions import ConnectionClosedOK, WebSocketException
from websockets.sync.client import connect

from local_service.commands.api_client import authorization

_SILENCE_SECONDS = 15
"""Longer than a job shows nothing new, as a rule."""


class LiveStatusError(Exception):
    """There is no connection (any more), or it has fallen silent; polling tells whether anything is wrong."""


def states(
    live_url: str, watchlist_id: str, silence_seconds: float = _SILENCE_SECONDS, token: str | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the entry's current status and then each change, until the service hangs up after a final one.

    Raises:
        LiveStatusError: it cannot connect, the connection broke, or nothing came for `silence_seconds`.
    """
    try:
        # No proxy: the service is on this machine, whatever the environment says of others.
        url = f"{live_url}/?{urlencode({'watchlist_id': watchlist_id})}"
        with connect(url, proxy=None, additional_headers=authorization(token)) as connection:
            while True:
                state: dict[str, Any] = json.loads(connection.recv(silence_seconds))
                yield state
    except ConnectionClosedOK:
        return
    except (OSError, WebSocketException) as error:
        raise LiveStatusError(str(error)) from error
