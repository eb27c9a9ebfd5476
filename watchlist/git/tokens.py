"""Tokens that are shown to git hosts: who shows one is asked to wait later than who shows none."""

import base64
import itertools
import threading
from collections.abc import Iterator, Mapping, Sequence


class Tokens:
    """The tokens of each origin, used in turn; may be used by several threads at once."""

    def __init__(self, of_origins: Mapping[str, Sequence[str]]) -> None:
        self._lock = threading.Lock()
        self._usable = {origin: list(tokens) for origin, tokens in of_origins.items()}
        self._turns: dict[str, Iterator[int]] = {origin: itertools.count() for origin in of_origins}

    def next_for(self, origin: str) -> str | None:
        """Return the token whose turn it is at that origin, and at no other one; None if there is none."""
        with self._lock:
            usable = self._usable.get(origin)
            return usable[next(self._turns[origin]) % len(usable)] if usable else None

    def refuse(self, origin: str, token: str) -> None:
        """Note that the host does not know the token."""
        with self._lock:
            self._usable[origin] = [each for each in self._usable[origin] if each != token]

    def is_refused(self, origin: str, token: str) -> bool:
        """Whether the host does not know the token."""
        with self._lock:
            return token not in self._usable[origin]


def authorization(token: str) -> str:
    """Return the header that shows a token to git's HTTP server, as the password of a user whose name says nothing.

    Source: GitHub documentation, "About authentication to GitHub" (HTTPS with a token in place of the password).
    """
    return "Basic " + base64.b64encode(f"x-access-token:{token}".encode()).decode()
