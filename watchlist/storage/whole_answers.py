"""Holds AWS's answers to be whole: what breaks off is an outage, and never an answer that says nothing.

botocore takes whatever came with status 200 for an answer: of a body that is cut off, or is a proxy's page, it makes
one without fields (`enforce_content_length=False` in its `httpsession`, `_parse_body_as_json` in its `parsers`). Then
an item that could not be read is one that does not exist, and a batch that was not written has nothing left over.
"""

import json
import sys
from typing import Any

from botocore import handlers
from botocore.exceptions import BotoCoreError

_EVENT = "after-call"
_OK = range(200, 300)


class BrokenAnswerError(BotoCoreError):
    """An answer did not come as a whole, or is not AWS's."""

    fmt = "The answer to {operation} broke off, or is none of AWS's."


def demand() -> None:
    """Let every client that is made from now on refuse such answers; called where clients are made, once or often."""
    if (_EVENT, _refuse_broken) not in handlers.BUILTIN_HANDLERS:
        handlers.BUILTIN_HANDLERS.append((_EVENT, _refuse_broken))
    # A session that was made before has its handlers already. boto3 is not imported to look: that takes 14 ms.
    boto3 = sys.modules.get("boto3")
    if boto3 is not None and boto3.DEFAULT_SESSION is not None:
        boto3.DEFAULT_SESSION.events.register(_EVENT, _refuse_broken, unique_id=_EVENT + __name__)


def _refuse_broken(http_response: Any, model: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
    came_over_http = getattr(http_response, "raw", None) is not None  # of a stubbed client nothing does
    if model.service_model.metadata.get("protocol") != "json" or http_response.status_code not in _OK:
        return
    if came_over_http and not _is_whole(http_response.content, http_response.headers.get("Content-Length")):
        raise BrokenAnswerError(operation=model.name)


def _is_whole(content: bytes, length: str | None) -> bool:
    """Whether it is a JSON object of the length that was announced; nothing at all only where that was announced."""
    if length is not None and int(length) != len(content):
        return False
    text = content.strip()
    if not text:
        return length is not None
    if not (text.startswith(b"{") and text.endswith(b"}")):
        return False
    return length is not None or _is_json(text)


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
