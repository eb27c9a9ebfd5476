"""Webhooks: which addresses may be called, and how a call is signed.

Signatures follow Standard Webhooks (standardwebhooks.com, specification 1.0.0), for which receivers have libraries:
the headers `webhook-id`, `webhook-timestamp` and `webhook-signature`, the last one `v1,` and the base64 of an
HMAC-SHA256 over `<id>.<timestamp>.<body>` with the bytes of the secret, which is written `whsec_` and their base64.
"""

import base64
import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from watchlist import limits

_SECRET_PREFIX = "whsec_"  # noqa: S105 - no secret, but how one begins
_SECRET_BYTES = 32
_PRINTABLE = re.compile(r"[!-~]+")
_HOST = re.compile(r"(?=.{1,253}\Z)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])")
_ADDRESS = re.compile(r"[0-9.]+|.*:.*|0x[0-9a-f]+")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/32")
"""Stands for IPv4 addresses (RFC 6052, RFC 8215), private ones among them."""


class InvalidWebhookUrlError(ValueError):
    """The address cannot be a webhook; the message says why."""


@dataclass(frozen=True, slots=True)
class WebhookUrl:
    """A webhook's address, in parts: https, a public host name, the usual port.

    Attributes:
        target: path and query as they are sent.
    """

    host: str
    target: str


def parse(url: str) -> WebhookUrl:
    """Return the parts of a webhook's address.

    Raises:
        InvalidWebhookUrlError: it is too long, not https, names no public host by its name, or has a port or user.
    """
    if not url.isascii():
        raise InvalidWebhookUrlError("must be ASCII: write an internationalised host name in its xn-- form")
    if len(url) > limits.WEBHOOK_URL_CHARACTERS or not _PRINTABLE.fullmatch(url):
        raise InvalidWebhookUrlError(f"must be at most {limits.WEBHOOK_URL_CHARACTERS} printable ASCII characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidWebhookUrlError("is no URL") from error
    if parts.scheme != "https":
        raise InvalidWebhookUrlError("must start with https://")
    if "@" in parts.netloc or "\\" in url or port not in {None, 443} or parts.fragment:
        raise InvalidWebhookUrlError("must have no user name, port, backslash or fragment")
    host = (parts.hostname or "").lower()
    if _ADDRESS.fullmatch(host):
        raise InvalidWebhookUrlError("must name its host, not an IP address")
    if not _HOST.fullmatch(host):
        raise InvalidWebhookUrlError("must name a public host, like hooks.example.org")
    return WebhookUrl(host, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet: none of a network, link or machine of its own."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if ip.sixtofour is not None or ip.teredo is not None or ip in _NAT64 or ip.is_site_local:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_loopback)


def new_secret() -> str:
    """Return a secret to sign with."""
    return _SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signed_headers(secret: str, message_id: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """Return the headers that prove who sent `body`, and when (seconds since 1970)."""
    key = base64.b64decode(secret.removeprefix(_SECRET_PREFIX))
    signature = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }
