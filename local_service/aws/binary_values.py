"""DynamoDB's binary values, which JSON has in base64."""

import json
import re
from base64 import b64decode
from typing import Any

_KIND = r'"BS?"\s*:'
_TEXT_WITH_SOME, _BYTES_WITH_SOME = re.compile(_KIND), re.compile(_KIND.encode())


def decoded(text: str | bytes) -> Any:  # noqa: ANN401 - as json.loads
    """Return what JSON says, with all binary values in it (`B` and `BS`, at any depth) as bytes."""
    has_some = _BYTES_WITH_SOME.search(text) if isinstance(text, bytes) else _TEXT_WITH_SOME.search(text)
    return json.loads(text, object_hook=_with_bytes if has_some else None)  # most have none and need not be searched


def _with_bytes(value: dict[str, Any]) -> dict[str, Any]:
    match value:
        case {"B": str(content), **others} if not others:
            return {"B": b64decode(content)}
        case {"BS": [*contents], **others} if not others:
            return {"BS": [b64decode(content) for content in contents]}
        case _:
            return value
