"""Calls webhooks: over TLS, at a public address that was checked and is the one connected to, with no redirect."""

import socket
import ssl
from collections.abc import Callable, Iterable, Mapping

import urllib3
from urllib3.exceptions import HTTPError

from watchlist import limits, webhooks
from watchlist.webhooks import WebhookUrl

Resolve = Callable[[str], Iterable[str]]

_ANSWER_BYTES = 1024
_HTTPS_PORT = 443
_TIMEOUT = urllib3.Timeout(total=limits.WEBHOOK_TIMEOUT.total_seconds())


class DeliveryError(Exception):
    """The webhook did not take the delivery; the message says why, in words that a user may read."""


def addresses_of(host: str) -> list[str]:
    """Return the IP addresses of a host.

    Raises:
        OSError: it has none.
    """
    found = socket.getaddrinfo(host, _HTTPS_PORT, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def post(
    url: WebhookUrl, headers: Mapping[str, str], body: bytes, resolve: Resolve = addresses_of, port: int = _HTTPS_PORT
) -> None:
    """Deliver a body.

    Raises:
        DeliveryError: the host has no address or one that is not public, cannot be reached, or answers other than 2xx.
    """
    address = public_address(url.host, resolve)
    pool = urllib3.HTTPSConnectionPool(
        address,
        port,
        server_hostname=url.host,
        assert_hostname=url.host,
        ssl_context=ssl.create_default_context(),
        retries=False,
        timeout=_TIMEOUT,
    )
    with pool:
        send(pool, url.target, {**headers, "Host": url.host}, body)


def public_address(host: str, resolve: Resolve) -> str:
    """Return an address of the host; a host with any address that is not public is refused.

    Raises:
        DeliveryError: as above, or there is no address.
    """
    try:
        addresses = list(resolve(host))
    except OSError as error:
        raise DeliveryError("the host's name could not be resolved") from error
    if not addresses or not all(webhooks.is_public(address) for address in addresses):
        raise DeliveryError("the host has an address that is not public")
    return addresses[0]


def send(pool: urllib3.HTTPConnectionPool, target: str, headers: Mapping[str, str], body: bytes) -> None:
    """Post to `target` and look at the answer's status; what it says is not read beyond a kilobyte.

    Raises:
        DeliveryError: it cannot be reached, or answers other than 2xx.
    """
    try:
        response = pool.urlopen(
            "POST",
            target,
            body=body,
            headers={**headers, "Content-Type": "application/json", "User-Agent": "repository-watchlist"},
            redirect=False,
            preload_content=False,
        )
        response.read(_ANSWER_BYTES)
        response.close()
    except HTTPError as error:
        raise DeliveryError(f"the call failed: {type(error).__name__}") from error
    if not (200 <= response.status < 300):  # noqa: PLR2004 - what HTTP calls success
        raise DeliveryError(f"it answered with status {response.status}")
