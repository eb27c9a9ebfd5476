"""Calls webhooks: over TLS, at a public address that was checked and is the one connected to, with no redirect.

A call has one time for everything from connecting to the answer, and little of the answer is read: its body only of
a 404, which from some says more.
"""

import socket
import ssl
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path

from urllib3.exceptions import HTTPError

from watchlist import clock, limits, retry_after
from watchlist.notifications import webhooks
from watchlist.notifications.webhooks import WebhookUrl
from watchlist.settings import WebhookSettings
from watchlist.timed_connection import Deadline, TimedHTTPSConnection

_HTTPS_PORT = 443
_SECONDS = limits.WEBHOOK_TIMEOUT.total_seconds()
_BODY_BYTES = 1024


class DeliveryError(Exception):
    """The webhook did not take the delivery; the message says why, in words that a user may read.

    Attributes:
        retry_after: how long it asks to wait, None when it does not say.
    """

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class WebhookGoneError(DeliveryError):
    """The webhook says that it is there no more and will not be again."""


def addresses_of(host: str) -> list[str]:
    """Return the IP addresses of a host.

    Raises:
        OSError: it has none.
    """
    found = socket.getaddrinfo(host, _HTTPS_PORT, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True, slots=True)
class Reach:
    """How the hosts of webhooks are reached.

    Attributes:
        resolve: returns the IP addresses of a host; raises OSError if it has none.
        may_call: whether an address may be connected to.
        port: of every host.
        authorities: file of the certificate authorities that vouch for hosts; None for the system's.
        seconds: of one call, from connecting to the part of the answer that is read.
    """

    resolve: Callable[[str], Iterable[str]] = addresses_of
    may_call: Callable[[str], bool] = webhooks.is_public
    port: int = _HTTPS_PORT
    authorities: Path | None = None
    seconds: float = _SECONDS

    @classmethod
    def loopback(cls, port: int, authorities: Path, seconds: float = _SECONDS) -> "Reach":
        """Return the way to one port of this machine, whatever host is called; for tests."""
        loopback = "127.0.0.1"
        return cls(lambda _host: [loopback], lambda address: address == loopback, port, authorities, seconds)

    @classmethod
    def of(cls, settings: WebhookSettings) -> "Reach":
        """Return the way that the settings name: to the public internet, or, in tests, to this machine."""
        return PUBLIC if settings.webhook_loopback is None else cls.loopback(*settings.webhook_loopback)

    def address_of(self, host: str) -> str:
        """Return an address of the host; a host with any address that may not be called is refused.

        Raises:
            DeliveryError: as above, or there is no address.
        """
        try:
            addresses = list(self.resolve(host))
        except OSError as error:
            raise DeliveryError("the host's name could not be resolved") from error
        if not addresses or not all(self.may_call(address) for address in addresses):
            raise DeliveryError("the host has an address that is not public")
        return addresses[0]


PUBLIC = Reach()
"""The public internet."""


SaysGone = Callable[[int, bytes], bool]
"""Whether an answer says that the webhook is gone, by its status and, of a 404, what its body begins with."""


def post(
    url: WebhookUrl,
    headers: Mapping[str, str],
    body: bytes,
    reach: Reach = PUBLIC,
    says_gone: SaysGone = lambda status, _body: status == HTTPStatus.GONE,
) -> None:
    """Deliver a body.

    Raises:
        DeliveryError: the host has no address or one that is not public, cannot be reached, does not answer in time, or
            answers other than 2xx.
        WebhookGoneError: its answer says that it is gone.
    """
    connection = TimedHTTPSConnection(
        reach.address_of(url.host),
        reach.port,
        server_hostname=url.host,
        assert_hostname=url.host,
        ssl_context=ssl.create_default_context(cafile=reach.authorities),
        timeout=reach.seconds,
    )
    sent = {"Host": url.host, "Content-Type": "application/json", "User-Agent": "repository-watchlist"}
    with closing(connection), Deadline(connection, reach.seconds) as deadline:
        try:
            connection.request("POST", url.target, body=body, headers={**headers, **sent}, preload_content=False)
            with connection.getresponse() as response:
                status = response.status
                answered = response.read(_BODY_BYTES) if status == HTTPStatus.NOT_FOUND else b""
                asked = response.headers.get("Retry-After")
        except (HTTPError, HTTPException, OSError, ValueError, AttributeError) as error:
            # AttributeError, ValueError: http.client's answer to a socket that was cut under it.
            # The socket's own time can be up a moment before the deadline is.
            if not (deadline.is_over or isinstance(error, TimeoutError)):
                raise DeliveryError(f"the call failed: {type(error).__name__}") from error
            raise DeliveryError(f"there was no answer within {reach.seconds:g} s") from error
    if deadline.is_over:
        raise DeliveryError(f"there was no answer within {reach.seconds:g} s")
    if says_gone(status, answered):
        raise WebhookGoneError(f"it answered with status {status}: it is gone")
    if not (HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES):
        raise DeliveryError(f"it answered with status {status}", retry_after.read(asked, clock.now()))
