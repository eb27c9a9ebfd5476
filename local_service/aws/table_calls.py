"""Calls of DynamoDB that read or write items, answered by moto's own methods without its web server.

That finds out the account, region, action and parameters of any service's call, and what its answer looks like there:
for a short call it takes most of the time.
"""

import json
import uuid
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.dynamodb.responses import DynamoHandler
from werkzeug.exceptions import HTTPException

from local_service.aws.embedded import ACCOUNT, REGION
from local_service.aws.kept_tables import WrittenAnswer

_METHODS: Mapping[str, str] = {
    "BatchGetItem": "batch_get_item",
    "BatchWriteItem": "batch_write_item",
    "DeleteItem": "delete_item",
    "GetItem": "get_item",
    "PutItem": "put_item",
    "Query": "query",
    "TransactGetItems": "transact_get_items",
    "TransactWriteItems": "transact_write_items",
    "UpdateItem": "update_item",
}
"""moto's name of each operation that is called often."""

_CONTENT_TYPE = "application/x-amz-json-1.0"

TableAnswer = tuple[int, Mapping[str, Any], str | bytes]
"""An answer's status, headers and body."""


def answers(operation: str) -> bool:
    """Whether calls of this operation are answered here."""
    return operation in _METHODS


def answer(operation: str, content: bytes) -> TableAnswer:
    """Answer a call whose body is `content`."""
    handler = _Handler(operation, _parameters(content))
    try:
        result: ActionResult = getattr(handler, _METHODS[operation])()
    except HTTPException as error:
        return int(error.code or 500), {"Content-Type": _CONTENT_TYPE}, str(error.description)
    except ServiceException as error:
        result = ActionResult(error)
    if isinstance(result, WrittenAnswer):
        return result.execute_result()
    status, headers, body = handler.serialized(result)
    return int(status), headers, body


class _Handler(DynamoHandler):
    """What moto's methods look at of a call."""

    region = REGION
    current_account = ACCOUNT

    def __init__(self, operation: str, parameters: dict[str, Any]) -> None:
        super().__init__()
        self.params = self.body = parameters
        self.headers = {"Content-Type": _CONTENT_TYPE, "X-Amz-Target": f"DynamoDB_20120810.{operation}"}
        self.querystring: dict[str, Any] = {}
        self.uri_match: dict[str, Any] = {}
        self.response_headers = {"x-amzn-requestid": str(uuid.uuid4())}


def _parameters(content: bytes) -> dict[str, Any]:
    """Return what a call says, with binary values as bytes: JSON has them in base64."""
    hook = _with_bytes if b'"B"' in content or b'"BS"' in content else None
    parameters: dict[str, Any] = json.loads(content, object_hook=hook)
    return parameters


def _with_bytes(decoded: dict[str, Any]) -> dict[str, Any]:
    match decoded:
        case {"B": str(value), **others} if not others:
            return {"B": b64decode(value)}
        case {"BS": [*values], **others} if not others:
            return {"BS": [b64decode(value) for value in values]}
        case _:
            return decoded
