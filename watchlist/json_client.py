"""JSON over HTTP from servers that are trusted little: bounded in time and size, no redirect followed by itself."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

import urllib3

from watchlist.peers import GuardedHTTPConnection, GuardedHTTPSConnection

USER_AGENT = "repository-watchlist"
"""GitHub refuses requests without one."""

_HEADERS = {"User-Agent": USER_AGENT, "Accept": "application/json", "Connection": "close"}
"""A job asks each server once or twice, so no connection is kept."""


class NoAnswerError(Exception):
    """The server gave no usable answer; the message says why, without the request's headers."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Attributes:
        status: HTTP status; redirects and errors are answers too.
        headers: names in lower case.
        body: the parsed JSON, or None where it is none.
    """

    status: int
    headers: Mapping[str, str]
    body: object


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = GuardedHTTPConnection


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = GuardedHTTPSConnection


class JsonClient:
    """Gets JSON.

    Attributes:
        seconds: longest time for the whole answer.
        most_bytes: longest body.
    """

    def __init__(self, *, seconds: float = 20, most_bytes: int = 4 * 1024 * 1024) -> None:
        self.seconds = seconds
        self.most_bytes = most_bytes
        self._pool = urllib3.PoolManager(retries=False, maxsize=1)
        self._pool.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Get `url`.

        Raises:
            NoAnswerError: no connection, too slow or too long.
        """
        deadline = time.monotonic() + self.seconds
        try:
            response = self._pool.request(
                "GET",
                url,
                headers={**_HEADERS, **(headers or {})},
                redirect=False,
                preload_content=False,
                timeout=urllib3.Timeout(connect=min(5.0, self.seconds), read=self.seconds),
            )
            try:
                body = self._read(response, deadline)
            finally:
                response.close()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise NoAnswerError(f"no answer ({type(error).__name__})") from None
        return Answer(response.status, {k.lower(): v for k, v in response.headers.items()}, _parse(body))

    def _read(self, response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
        body = bytearray()
        while chunk := response.read1(64 * 1024):
            body += chunk
            if len(body) > self.most_bytes:
                raise NoAnswerError(f"the answer is longer than {self.most_bytes} bytes")
            if time.monotonic() > deadline:
                raise NoAnswerError(f"the answer took longer than {self.seconds:g} s")
        return bytes(body)


def _parse(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
