"""The header `Retry-After`: how long a server asks to be left alone (RFC 9110, section 10.2.3)."""

import math
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST = timedelta(days=1)
"""Whoever asks for more is asked again after this."""

_SECONDS = re.compile(r"\d+(\.\d+)?", re.ASCII)


def read(text: str | None, now: datetime) -> timedelta | None:
    """Return how long to wait, None when the header is missing or says nothing that can be read.

    Args:
        text: seconds, with a fraction as some servers send it, or an HTTP date; one that is past asks for no wait.
        now: by the clock of this machine; servers' clocks differ from it by less than it matters.
    """
    value = (text or "").strip()
    if _SECONDS.fullmatch(value):
        return min(timedelta(seconds=math.ceil(min(float(value), LONGEST.total_seconds()))), LONGEST)
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, IndexError, OverflowError):
        return None
    if until.tzinfo is None:  # `-0000`: in UTC, as all HTTP dates are
        until = until.replace(tzinfo=UTC)
    try:
        left = until - now
    except OverflowError:
        return None
    return min(max(left, timedelta(0)), LONGEST)
