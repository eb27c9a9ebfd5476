"""The page as a browser gets it: the shell, with what it must know of the service, and assets that hold for ever.

`page.json` beside this module is built from `page/` by `make page`: the shell and, by path, the assets, whose names
change with their content.
"""

import gzip
import hashlib
import html
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from watchlist.settings import PageSettings

BUILT = Path(__file__).with_name("page.json")

_HOLDS_A_YEAR = "public, max-age=31536000, immutable"
_ASKS_EACH_TIME = "no-cache"
_NOT_BUILT = "The page was not built here (`make page` does it). The API works without: see /docs."
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_PLACE_OF_SETTINGS = "{settings}"

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent.

    Attributes:
        content_type: its media type.
        etag: changes with its content.
        bodies: by content coding, best first, in base64.
    """

    content_type: str
    etag: str
    bodies: Mapping[str, str]


class Page:
    """The page of one service."""

    def __init__(self, shell: Asset, assets: Mapping[str, Asset], policy: str) -> None:
        self._shell = shell
        self._assets = assets
        self._policy = policy

    @classmethod
    def read(cls, path: Path, settings: PageSettings) -> "Page | None":
        """Return the page that was built at `path`, None if none was."""
        try:
            built = json.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        assets = {
            name: Asset(asset["type"], asset["etag"], {coding: asset[coding] for coding in ("br", "gzip")})
            for name, asset in built["assets"].items()
        }
        return cls(_shell(built["shell"], settings), assets, content_security_policy(settings))

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer:
        """Answer a request (API Gateway, payload format 2.0): with an asset, or with the shell for any other path.

        Args:
            path: of the request.
            headers: of the request, names in lower case.
        """
        if not path.startswith("/assets/"):
            return self._send(self._shell, headers, _ASKS_EACH_TIME)
        asset = self._assets.get(path)
        if asset is None:
            return nothing("There is no such file; it may have been of an earlier version of the page.")
        return self._send(asset, headers, _HOLDS_A_YEAR)

    def _send(self, asset: Asset, asked: Mapping[str, str], cache_control: str) -> Answer:
        headers = {
            **_HEADERS,
            "Content-Type": asset.content_type,
            "Cache-Control": cache_control,
            "Content-Security-Policy": self._policy,
            "ETag": f'"{asset.etag}"',
            "Vary": "Accept-Encoding",
        }
        if asset.etag in asked.get("if-none-match", ""):
            return {"statusCode": HTTPStatus.NOT_MODIFIED, "headers": headers, "body": ""}
        accepted = codings(asked.get("accept-encoding", ""))
        for coding, body in asset.bodies.items():
            if coding in accepted:
                return _whole(headers | {"Content-Encoding": coding}, body)
        return _whole(headers, b64encode(gzip.decompress(b64decode(asset.bodies["gzip"]))).decode())


def nothing(message: str = _NOT_BUILT) -> Answer:
    """Answer that there is nothing here."""
    headers = {**_HEADERS, "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
    return {"statusCode": HTTPStatus.NOT_FOUND, "headers": headers, "body": message}


def _whole(headers: Mapping[str, str], body: str) -> Answer:
    return {"statusCode": HTTPStatus.OK, "headers": headers, "body": body, "isBase64Encoded": True}


def _shell(text: str, settings: PageSettings) -> Asset:
    content = text.replace(_PLACE_OF_SETTINGS, html.escape(json.dumps(told(settings)))).encode()
    etag = hashlib.sha256(content).hexdigest()[:16]
    body = b64encode(gzip.compress(content, mtime=0)).decode()
    return Asset("text/html; charset=utf-8", etag, {"gzip": body})


def told(settings: PageSettings) -> dict[str, str | None]:
    """Return what the page is told of the service."""
    return {
        "live_url": settings.live_url,
        "access": settings.api_access,
        "issuer": settings.jwt_issuer,
        "client_id": settings.page_client_id,
    }


def content_security_policy(settings: PageSettings) -> str:
    """Return what the page may load and whom it may ask: its own address, the live one and the issuer."""
    asked = ["'self'"]
    if settings.live_url and not settings.live_url.startswith("/"):
        asked.append(settings.live_url)
    if settings.page_client_id and settings.jwt_issuer:
        asked += [settings.jwt_issuer, *settings.page_sign_in_origins]
    origins = dict.fromkeys(each if each == "'self'" else _origin(each) for each in asked)
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            f"connect-src {' '.join(origins)}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def codings(accept_encoding: str) -> set[str]:
    """Return the content codings that a header accepts by name (RFC 9110, section 12.5.3)."""
    parts = (re.sub(r"\s", "", part.lower()).partition(";q=") for part in accept_encoding.split(","))
    return {name for name, _, weight in parts if not re.fullmatch(r"0(\.0*)?", weight)}
