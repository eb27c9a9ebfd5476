"""A connection whose other side may keep this one waiting for some time, and not for ever."""

import math
import socket
import time
from collections.abc import Callable
from io import RawIOBase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_BYTES_PER_SECOND = 10_000
"""Who sends or takes as much is not too slow, however long it takes."""


class PatientStream(RawIOBase):
    """Reads from a connection, or writes to it, as long as there is patience with its other side.

    Waiting takes patience, and what was sent or taken gives some back: a client that sends a byte now and then is at an
    end as soon as one that sends nothing. What does not wait for the other side costs nothing.
    """

    def __init__(self, connection: socket.socket, note: Callable[[float | None], None], seconds: float) -> None:
        """Prepare a stream.

        Args:
            connection: it is not closed with the stream.
            note: told since when the other side is waited for (`time.monotonic`), and None when that is over.
            seconds: how long may be waited.
        """
        self._connection = connection
        self._note = note
        self.allow(seconds)

    def allow(self, seconds: float) -> None:
        """Have that much patience again; with math.inf the other side may be silent, and is not waited for."""
        self._most = self._left = seconds

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def writable(self) -> bool:
        """Return that it can be written to."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Read what there is.

        Raises:
            TimeoutError: patience is at an end.
        """
        return self._move(lambda: self._connection.recv_into(buffer))

    def write(self, content: "ReadableBuffer") -> int:
        """Write as much as the other side has room for.

        Raises:
            TimeoutError: patience is at an end.
        """
        return self._move(lambda: self._connection.send(content))

    def _move(self, move: Callable[[], int]) -> int:
        if self._left <= 0:
            raise TimeoutError("patience is at an end")
        if math.isinf(self._left):
            self._connection.settimeout(None)
            return move()
        self._connection.settimeout(self._left)
        began, moved = time.monotonic(), 0
        self._note(began)
        try:
            moved = move()
        finally:
            self._note(None)
            left = self._left - (time.monotonic() - began) + moved / _BYTES_PER_SECOND
            self._left = min(self._most, left)
        return moved
