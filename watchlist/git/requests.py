"""Small requests to git hosts, from many threads: over connections that are kept, bounded in time and bytes.

Redirects are followed to another name on the same host, never to another host.
"""

import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from http.client import HTTPException
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError, NameResolutionError
from urllib3.response import BaseHTTPResponse

from watchlist import clock
from watchlist.errors import ErrorCode, JobError
from watchlist.git.answers import (
    MOST_REDIRECTS,
    BrokenOffError,
    RedirectedError,
    circle,
    error_of_content,
    error_of_status,
    followed,
    renamed,
)
from watchlist.git.pace import Pace
from watchlist.git.tokens import Tokens, authorization
from watchlist.peers import ForbiddenPeerError
from watchlist.repository_url import Repository
from watchlist.timed_connection import Deadline, TimedConnection, TimedHTTPConnection, TimedHTTPSConnection

USER_AGENT = "git/2.45.0 (repository-watchlist)"
"""Hosts serve git's protocol to clients that look like git, and HTML to others."""

SERVICE = "git-upload-pack"
VERSION_HEADER = {"Git-Protocol": "version=2"}
ADVERTISEMENT_TYPE = f"application/x-{SERVICE}-advertisement"
REQUEST_TYPE = f"application/x-{SERVICE}-request"
RESULT_TYPE = f"application/x-{SERVICE}-result"


@dataclass(frozen=True, slots=True)
class RemoteLimits:
    """What asking for HEADs may cost.

    Attributes:
        seconds: of one request from its start to the last byte of its answer, however slowly bytes trickle in.
        connect_seconds: of connecting.
        bytes: of one answer that are read unless the request says otherwise; HEAD stands at the beginning of each.
        in_all: seconds of all requests together, after which none is sent any more; None for as many as it takes.
    """

    seconds: float = 10
    connect_seconds: float = 5
    bytes: int = 64 * 1024
    in_all: float | None = None


@dataclass
class Traffic:
    """What was sent and received so far: requests, and bytes of the answers with their headers."""

    requests: int = 0
    bytes_received: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, received: int) -> None:
        """Count one request and its answer."""
        with self._lock:
            self.requests += 1
            self.bytes_received += received


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a repository.

    Attributes:
        method: GET or POST.
        path: of the repository at its host.
        suffix: what stands behind it.
        content_type: what the answer must have.
        body: in git's protocol; None for none.
        most_bytes: of the answer; None for the limits' own.
        token: that is shown.
    """

    method: str
    path: str
    suffix: str
    content_type: str
    body: bytes | None = None
    most_bytes: int | None = None
    token: str | None = field(default=None, repr=False)

    def send(self, http: TimedConnection) -> BaseHTTPResponse:
        """Send it and return the answer, of which nothing was read but the headers."""
        headers = {"User-Agent": USER_AGENT, "Accept": self.content_type, **VERSION_HEADER}
        if self.body is not None:
            headers["Content-Type"] = REQUEST_TYPE
        if self.token is not None:
            headers["Authorization"] = authorization(self.token)
        target = self.path + self.suffix
        http.request(self.method, target, body=self.body, headers=headers, preload_content=False, decode_content=True)
        return http.getresponse()


class GitHosts:
    """Keeps connections to hosts; may be used by several threads at once; a context manager.

    A host is asked at its pace, and with a token where there is one for it.

    Attributes:
        traffic: so far.
    """

    def __init__(
        self,
        allowed_origins: Collection[str],
        limits: RemoteLimits | None = None,
        pace: Pace | None = None,
        tokens: Tokens | None = None,
    ) -> None:
        self._allowed_origins = frozenset(allowed_origins)
        self._pace = pace
        self._tokens = tokens or Tokens({})
        self._limits = limits or RemoteLimits()
        self._idle: defaultdict[str, list[TimedConnection]] = defaultdict(list)
        self._lock = threading.Lock()
        self._tls: ssl.SSLContext | None = None
        self._spent = 0.0
        self.traffic = Traffic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all idle connections."""
        with self._lock:
            idle = [http for connections in self._idle.values() for http in connections]
            self._idle.clear()
        for http in idle:
            http.close()

    def present_name(self, repository: Repository) -> Repository:
        """Return what its host calls the repository now: what it redirects to, or the same.

        Raises:
            JobError: why it cannot be told.
        """
        self._check(repository)
        path, _ = self.advertisement(repository.origin, f"/{repository.owner}/{repository.name}")
        return renamed(repository, path) or repository

    def advertisement(self, origin: str, path: str) -> tuple[str, bytes]:
        """Ask what the host offers, as git does; return where the repository is now, and the answer's beginning.

        Raises:
            JobError: why it cannot be told.
        """
        return self.at_its_place(origin, Request("GET", path, f"/info/refs?service={SERVICE}", ADVERTISEMENT_TYPE))

    def at_its_place(self, origin: str, request: Request) -> tuple[str, bytes]:
        """Send a request to where the repository is, following the host to other names of it.

        Returns:
            where that is now, and the answer's content: as many bytes of it as the limits say, or so.

        Raises:
            JobError: there is no content of that type, or the host redirects elsewhere.
        """
        for _ in range(MOST_REDIRECTS + 1):
            try:
                return request.path, self._content(origin, request)
            except RedirectedError as redirected:
                moved_to = followed(origin, request.path + request.suffix.partition("?")[0], redirected.location)
                if moved_to is None:
                    raise
                request = replace(request, path=moved_to)
        raise circle()

    def _content(self, origin: str, request: Request) -> bytes:
        """Send the request with a token if there is one.

        A token that the host does not know (any more) is sent no more: public repositories need none.
        """
        token = self._tokens.next_for(origin)
        try:
            return self._answer(origin, replace(request, token=token))
        except JobError:
            if token is None or not self._tokens.is_refused(origin, token):
                raise
        return self._answer(origin, request)

    def _answer(self, origin: str, request: Request) -> bytes:
        if self._pace is not None:
            self._pace.wait(origin)
        idle = self._take(origin)
        if idle is not None:
            try:
                return self._exchange(idle, origin, request)
            except JobError as error:  # a host may close an idle connection at any time: that is no failure
                if error.code is not ErrorCode.HOST_UNREACHABLE:
                    raise
        return self._exchange(self._connection(origin), origin, request)

    def _exchange(self, http: TimedConnection, origin: str, request: Request) -> bytes:
        answered = False
        if self._limits.in_all is not None and self._spent >= self._limits.in_all:
            raise JobError(ErrorCode.TRANSFER_TIMED_OUT, "Others have taken all the time that there was to ask.")
        began = time.monotonic()
        with Deadline(http, self._limits.seconds) as deadline:
            try:
                response = request.send(http)
                answered = True
                content = response.read(request.most_bytes or self._limits.bytes)
                is_whole = not response.read(1)
            except (HTTPError, HTTPException, OSError, ValueError, AttributeError) as error:
                # AttributeError, ValueError: http.client's answer to a socket that was cut under it.
                http.close()
                self._spent += time.monotonic() - began
                raise (self._too_slow() if deadline.is_over else explained(error, in_answer=answered)) from error
        self._spent += time.monotonic() - began
        self.traffic.add(len(content) + sum(len(name) + len(value) + 4 for name, value in response.headers.items()))
        if deadline.is_over:  # what a cut leaves can look like an answer
            http.close()
            raise self._too_slow()
        if is_whole:
            self._give_back(origin, http)
        else:
            http.close()
        if response.status == HTTPStatus.UNAUTHORIZED and request.token is not None:
            self._tokens.refuse(origin, request.token)
        _raise_for(response, request.content_type, content)
        return content

    def _too_slow(self) -> JobError:
        return JobError(ErrorCode.TRANSFER_TIMED_OUT, f"The host did not answer within {self._limits.seconds:g} s.")

    def _take(self, origin: str) -> TimedConnection | None:
        with self._lock:
            return self._idle[origin].pop() if self._idle[origin] else None

    def _give_back(self, origin: str, http: TimedConnection) -> None:
        with self._lock:
            self._idle[origin].append(http)

    def _connection(self, origin: str) -> TimedConnection:
        parts = urlsplit(origin)
        host, timeout = parts.hostname or "", self._limits.connect_seconds
        if parts.scheme != "https":
            return TimedHTTPConnection(host, parts.port, timeout=timeout)
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return TimedHTTPSConnection(host, parts.port, timeout=timeout, ssl_context=self._tls)

    def _check(self, repository: Repository) -> None:
        if repository.origin not in self._allowed_origins:
            raise JobError(ErrorCode.HOST_NOT_ALLOWED, f"{repository.origin} is not an allowed host (any more).")


def explained(error: Exception, *, in_answer: bool) -> JobError:
    """Return what a failed exchange means; `in_answer`: an answer had begun to come."""
    if isinstance(error, TimeoutError | urllib3.exceptions.ReadTimeoutError):
        return JobError(ErrorCode.TRANSFER_TIMED_OUT, "The host stopped answering.")
    if isinstance(error, ForbiddenPeerError):
        return JobError(ErrorCode.HOST_UNREACHABLE, "The host's name leads to an address where no host is.")
    if isinstance(error, NameResolutionError):
        return JobError(ErrorCode.HOST_UNREACHABLE, "The host's name cannot be resolved.")
    if in_answer or (isinstance(error, HTTPException) and not isinstance(error, ConnectionError)):
        return BrokenOffError(ErrorCode.TRANSFER_INVALID, "The host's answer broke off.")
    return JobError(ErrorCode.HOST_UNREACHABLE, "The host cannot be reached.")


def _raise_for(response: BaseHTTPResponse, wanted: str, content: bytes) -> None:
    if response.status != HTTPStatus.OK:
        raise error_of_status(response.status, response.headers, content, clock.now())
    if response.headers.get("Content-Type", "").partition(";")[0].strip().lower() != wanted:
        raise error_of_content(response.headers, content)
