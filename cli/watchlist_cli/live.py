"""An entry's states as the service tells them, over a WebSocket."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from websockets.exceptions import ConnectionClosedOK, WebSocketException
from websockets.sync.client import connect

_SILENCE_SECONDS = 60


class LiveError(Exception):
    """There is no connection (any more), or it has fallen silent."""


def states(live_url: str, watchlist_id: str, token: str | None) -> Iterator[dict[str, Any]]:
    """Yield the entry's state and each change, until the service hangs up after a final one.

    Raises:
        LiveError: it cannot connect, the connection broke, or nothing came for a minute.
    """
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    url = f"{live_url}/?{urlencode({'watchlist_id': watchlist_id})}"
    try:
        with connect(url, additional_headers=headers) as connection:
            while True:
                state: dict[str, Any] = json.loads(connection.recv(_SILENCE_SECONDS))
                yield state
    except ConnectionClosedOK:
        return
    except (OSError, WebSocketException) as error:
        raise LiveError(str(error)) from error
