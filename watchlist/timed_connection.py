"""HTTP connections that are cut when their time is over, however slowly the other side sends.

A socket's timeout bounds each read, not all of them together: a host that sends a byte every few seconds, in its
headers or its answer, would hold a caller for as long as it likes.
"""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

from urllib3.exceptions import ConnectTimeoutError

from watchlist.peers import GuardedHTTPConnection, GuardedHTTPSConnection

_RECEIVED_AHEAD = 64 * 1024
"""Bytes that the system keeps of what was not read yet: little is left to be read of a connection that was cut."""


class _Timed(GuardedHTTPConnection):
    """Shows each socket that it opens to the deadline in force."""

    deadline: "Deadline | None" = None

    def _new_conn(self) -> socket.socket:
        opened = super()._new_conn()
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVED_AHEAD)
        if self.deadline is not None:
            self.deadline.watch(opened)
            if self.deadline.is_over:  # while the name was resolved or the connection opened
                opened.close()
                raise ConnectTimeoutError(self, "Connecting took too long.")
        return opened


class TimedHTTPConnection(_Timed):
    """Over plain HTTP."""


class TimedHTTPSConnection(_Timed, GuardedHTTPSConnection):
    """Over TLS."""


TimedConnection = TimedHTTPConnection | TimedHTTPSConnection


class Deadline:
    """Cuts a connection when its time is over; a context manager around connecting and one exchange.

    It holds a duplicate of the socket: an answer that ends with its connection takes the socket itself away from it,
    and so does TLS while it shakes hands.

    Attributes:
        is_over: whether it was cut. What is left of an answer can then look whole, and must not pass for it.
    """

    def __init__(self, http: TimedConnection, seconds: float) -> None:
        self._http = http
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self.is_over = False

    def __enter__(self) -> Self:
        self._http.deadline = self
        if self._http.sock is not None:  # from the exchange before
            self.watch(self._http.sock)
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        self._http.deadline = None
        self._forget()

    def watch(self, opened: socket.socket) -> None:
        """Cut this socket, too, when the time is over."""
        self._forget()
        self._socket = socket.fromfd(opened.fileno(), opened.family, opened.type)

    def _forget(self) -> None:
        if self._socket is not None:
            self._socket.close()

    def _cut(self) -> None:
        self.is_over = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
