"""Large answers, compressed for those who can read that: gzip, the only coding that every client of HTTP knows."""

import base64
import gzip
import re
from typing import Any

SMALLEST = 2048
"""Bytes below which compressing saves less than it costs."""

_LEVEL = 5
_GZIP = re.compile(r"(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=(?P<weight>[0-9.]+)\s*)?(?=,|$)", re.IGNORECASE)


def takes_gzip(accept_encoding: str) -> bool:
    """Whether a request's `Accept-Encoding` allows gzip (RFC 9110, section 12.5.3)."""
    match = _GZIP.search(accept_encoding)
    return match is not None and (match["weight"] is None or any(digit in match["weight"] for digit in "123456789"))


def compressed(answer: dict[str, Any], accept_encoding: str) -> dict[str, Any]:
    """Return a function's answer, compressed where it is large and the caller takes that."""
    body = answer.get("body")
    if not isinstance(body, str) or answer.get("isBase64Encoded") or len(body) < SMALLEST:
        return answer
    headers = {**(answer.get("headers") or {}), "Vary": "Accept-Encoding"}
    if not takes_gzip(accept_encoding):
        return {**answer, "headers": headers}
    packed = gzip.compress(body.encode(), _LEVEL, mtime=0)
    return {
        **answer,
        "headers": {**headers, "Content-Encoding": "gzip"},
        "body": base64.b64encode(packed).decode(),
        "isBase64Encoded": True,
    }
