"""Keep-alive HTTP connections to one repository's `git-upload-pack`, bounded in time and bytes.

A watchdog thread ends a connection when the time is up, when the host stalls or when the job is cancelled, so that
no read outlives its limit however slowly bytes trickle in. Redirects are followed to another name of the repository on
the same host, never to another host.
"""

import contextlib
import gzip
import socket
import ssl
import threading
import time
from collections.abc import Collection, Iterator
from http import HTTPStatus
from http.client import HTTPException
from types import TracebackType
from typing import Self
from urllib.parse import SplitResult, urlsplit

from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from tasks.child_process import ChildProcesses
from tasks.history.byte_reader import ByteReader
from tasks.history.git_process import Deadline
from tasks.history.limits import FetchLimits, UsedUpError
from watchlist import clock
from watchlist.errors import ErrorCode, JobError
from watchlist.git.answers import (
    MOST_REDIRECTS,
    PAGE_BYTES,
    REDIRECTS,
    circle,
    error_of_content,
    error_of_status,
    followed,
)
from watchlist.git.requests import (
    ADVERTISEMENT_TYPE,
    REQUEST_TYPE,
    RESULT_TYPE,
    SERVICE,
    USER_AGENT,
    VERSION_HEADER,
    explained,
)
from watchlist.git.tokens import authorization
from watchlist.peers import GuardedHTTPConnection, GuardedHTTPSConnection

_COMPRESS_ABOVE = 1024
_READ_SIZE = 16 * 1024
_WATCH_INTERVAL = 0.1


class Traffic:
    """What came over all connections of one run.

    Attributes:
        bytes_received: bytes of all answers so far.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self.bytes_received = 0

    def count(self, received: int) -> None:
        """Add to `bytes_received`.

        Raises:
            JobError: it was too much.
        """
        with self._lock:
            self.bytes_received += received
        if self.bytes_received > self._limit:
            raise UsedUpError(ErrorCode.REPOSITORY_TOO_LARGE, f"The host sent more than {self._limit // 2**20} MiB.")


class _Place:
    """Where the repository is; all connections learn of it when the host redirects one of them.

    Attributes:
        base: the address that was given.
        path: of the repository, without what git appends to it.
        token: what the host is shown; None once it has turned out that the host does not know it.
    """

    def __init__(self, base: SplitResult, token: str | None) -> None:
        self.base = base
        self.path = base.path.rstrip("/")
        self.token = token

    @property
    def origin(self) -> str:
        return f"{self.base.scheme}://{self.base.netloc}"

    @property
    def url(self) -> str:
        return self.origin + self.path


class GitHttpConnections:
    """As many connections to one repository as are used at once; a context manager that closes them all."""

    def __init__(  # noqa: PLR0913 - all by name
        self,
        url: str,
        *,
        limits: FetchLimits,
        deadline: Deadline,
        children: ChildProcesses,
        allowed_schemes: Collection[str],
        token: str | None = None,
    ) -> None:
        """Prepare; nothing is sent yet. The token is sent to the URL's origin and, as requests are, to no other host.

        Raises:
            JobError: the URL's scheme is not allowed, or it names no host.
        """
        self._place = _Place(_checked(url, allowed_schemes), token)
        self._limits = limits
        self._deadline = deadline
        self._children = children
        self._traffic = Traffic(limits.bytes_received)
        self._lock = threading.Lock()
        self._idle: list[GitHttpConnection] = []
        self._opened = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    @property
    def bytes_received(self) -> int:
        """Bytes of all answers so far."""
        return self._traffic.bytes_received

    @property
    def url(self) -> str:
        """Where the repository is, as far as the host has said by now."""
        return self._place.url

    @property
    def path(self) -> str:
        """The path of that address."""
        return self._place.path

    @contextlib.contextmanager
    def borrow(self) -> Iterator["GitHttpConnection"]:
        """Lend a connection that nobody else uses; threads may borrow at the same time."""
        with self._lock:
            connection = self._idle.pop() if self._idle else self._another()
        try:
            yield connection
        finally:
            with self._lock:
                self._idle.append(connection)

    def _another(self) -> "GitHttpConnection":
        return self._opened.enter_context(
            GitHttpConnection(
                self._place,
                limits=self._limits,
                deadline=self._deadline,
                children=self._children,
                traffic=self._traffic,
            )
        )


class GitHttpConnection:
    """Talks protocol v2 with one repository; a context manager."""

    def __init__(
        self, place: "_Place", *, limits: FetchLimits, deadline: Deadline, children: ChildProcesses, traffic: Traffic
    ) -> None:
        """Prepare a connection to the repository at `place`; nothing is sent yet."""
        self._place = place
        self._limits = limits
        self._children = children
        self._traffic = traffic
        self._http: GuardedHTTPConnection | None = None
        self._deadline = deadline
        self._failure: JobError | None = None
        self._awaiting_since: float | None = None
        self._progress = 0
        self._closing = threading.Event()
        self._watchdog = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._watchdog.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self.disconnect()
        self._watchdog.join()

    @contextlib.contextmanager
    def advertisement(self) -> Iterator[ByteReader]:
        """Ask what the server can do: `GET info/refs`.

        Raises:
            JobError: the host cannot be reached, refuses, redirects, or does not speak smart HTTP.
        """
        with self._exchange("GET", f"/info/refs?service={SERVICE}", accept=ADVERTISEMENT_TYPE) as answer:
            yield answer

    @contextlib.contextmanager
    def command(self, body: bytes) -> Iterator[ByteReader]:
        """Send one protocol v2 command: `POST git-upload-pack`.

        An answer that is not read to its end costs the connection; the next command opens another one.

        Raises:
            JobError: as for `advertisement`.
        """
        with self._exchange("POST", f"/{SERVICE}", accept=RESULT_TYPE, body=body) as answer:
            yield answer

    def disconnect(self) -> None:
        """Close the connection; the next request opens another one."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def _receive(self, response: BaseHTTPResponse) -> bytes:
        self._raise_if_over()
        with self._errors_explained():
            chunk = response.read1(_READ_SIZE)
        self._progress += len(chunk)
        self._traffic.count(len(chunk))
        return chunk

    @contextlib.contextmanager
    def _exchange(self, method: str, suffix: str, *, accept: str, body: bytes | None = None) -> Iterator[ByteReader]:
        response = self._at_its_place(method, suffix, accept, body)
        try:
            self._raise_for(response, accept)
            yield ByteReader(lambda: self._receive(response))
            if not self._drained(response):
                self.disconnect()
        except BaseException:
            self._drop()
            raise
        finally:
            self._awaiting_since = None
            response.close()

    def _at_its_place(self, method: str, suffix: str, accept: str, body: bytes | None) -> BaseHTTPResponse:
        """Send a request to where the repository is, following the host to another name of it, not to another host."""
        for _ in range(MOST_REDIRECTS + 1):
            response = self._request(method, suffix, accept, body)
            if response.status == HTTPStatus.UNAUTHORIZED and self._place.token is not None:
                self._place.token = None  # public repositories need none
                response.close()
                self.disconnect()
                response = self._request(method, suffix, accept, body)
            moved_to = None
            if response.status in REDIRECTS:
                path = self._place.path + suffix.partition("?")[0]
                moved_to = followed(self._place.origin, path, response.headers.get("Location", ""))
            if moved_to is None:
                return response
            self._place.path = moved_to
            response.close()
            self.disconnect()
        raise circle()

    def _request(self, method: str, suffix: str, content_type: str, body: bytes | None) -> BaseHTTPResponse:
        headers = {"User-Agent": USER_AGENT, "Accept": content_type, **VERSION_HEADER}
        if self._place.token is not None:
            headers["Authorization"] = authorization(self._place.token)
        if body is not None:
            headers["Content-Type"] = REQUEST_TYPE
            if len(body) > _COMPRESS_ABOVE:
                body = gzip.compress(body, compresslevel=6)
                headers["Content-Encoding"] = "gzip"
        reused = self._http is not None
        try:
            return self._send(method, suffix, headers, body)
        except JobError as error:
            if not reused or error.code is not ErrorCode.HOST_UNREACHABLE:
                raise
        self.disconnect()  # a host may close an idle connection at any time: that is no failure
        return self._send(method, suffix, headers, body)

    def _send(self, method: str, suffix: str, headers: dict[str, str], body: bytes | None) -> BaseHTTPResponse:
        self._raise_if_over()
        self._progress = 0
        self._awaiting_since = time.monotonic()
        with self._errors_explained():
            if self._http is None:
                self._http = self._connected()
            self._http.request(
                method,
                self._place.path + suffix,
                body=body,
                headers=headers,
                preload_content=False,
                decode_content=True,
            )
            response = self._http.getresponse()
        self._traffic.count(sum(len(name) + len(value) + 4 for name, value in response.headers.items()))
        return response

    def _connected(self) -> GuardedHTTPConnection:
        base, timeout = self._place.base, self._limits.connect_seconds
        host = base.hostname or ""
        http = (
            GuardedHTTPSConnection(host, base.port, timeout=timeout, ssl_context=ssl.create_default_context())
            if base.scheme == "https"
            else GuardedHTTPConnection(host, base.port, timeout=timeout)
        )
        http.connect()
        http.timeout = self._limits.stall_seconds
        return http

    def _drained(self, response: BaseHTTPResponse) -> bool:
        """Return whether the whole answer was read; only then can the connection serve another request."""
        with contextlib.suppress(HTTPError, HTTPException, OSError, ValueError, AttributeError):
            return response.read1(1) == b""
        return False

    def _raise_for(self, response: BaseHTTPResponse, content_type: str) -> None:
        if response.status == HTTPStatus.OK:
            kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            if kind != content_type:
                raise error_of_content(response.headers, self._page(response))
        else:
            raise error_of_status(response.status, response.headers, self._page(response), clock.now())

    def _page(self, response: BaseHTTPResponse) -> bytes:
        """Return the beginning of what came instead of what was asked for, or of what arrives of it."""
        page = bytearray()
        with contextlib.suppress(JobError):
            while len(page) < PAGE_BYTES and (chunk := self._receive(response)):
                page += chunk
        self._children.raise_if_cancelled()
        return bytes(page[:PAGE_BYTES])

    @contextlib.contextmanager
    def _errors_explained(self) -> Iterator[None]:
        try:
            yield
        except (HTTPError, HTTPException, OSError, ValueError, AttributeError) as error:
            # AttributeError, ValueError: http.client's answer to a socket that the watchdog closed under it.
            self._drop()
            self._raise_if_over()
            raise explained(error, in_answer=self._progress > 0) from error

    def _drop(self) -> None:
        """Close a connection whose state is unknown."""
        with contextlib.suppress(OSError, ValueError, AttributeError):
            self.disconnect()
        self._http = None

    def _raise_if_over(self) -> None:
        self._children.raise_if_cancelled()
        if self._failure is not None:
            raise self._failure
        if self._deadline.seconds_left <= 0:
            raise self._deadline.exceeded()

    def _watch(self) -> None:
        seen, since = 0, time.monotonic()
        while not self._closing.wait(_WATCH_INTERVAL):
            now = time.monotonic()
            awaiting = self._awaiting_since
            if awaiting is None or self._progress < seen or self._progress >= seen + self._limits.stall_bytes:
                seen, since = self._progress, now
            if self._children.cancelled:
                self._cut()
            elif awaiting is not None and self._deadline.seconds_left <= 0:
                self._fail(self._deadline.exceeded())
            elif awaiting is not None and now - max(since, awaiting) >= self._limits.stall_seconds:
                stalled = f"The host sent nothing for {self._limits.stall_seconds:.0f} s."
                self._fail(JobError(ErrorCode.TRANSFER_TIMED_OUT, stalled))

    def _fail(self, failure: JobError) -> None:
        self._failure = self._failure or failure
        self._cut()

    def _cut(self) -> None:
        http = self._http
        sock = None if http is None else http.sock
        if sock is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _checked(url: str, allowed_schemes: Collection[str]) -> SplitResult:
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        named = False
    if not named or parts.scheme not in allowed_schemes or parts.username or parts.password:
        raise JobError(ErrorCode.HOST_NOT_ALLOWED, "The URL's scheme or host is not allowed.")
    return parts
