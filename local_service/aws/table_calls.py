"""Calls of DynamoDB that read or write items, answered by moto's own methods without its web server.

That finds out the account, region, action and parameters of any service's call, and what its answer looks like there:
for a short call it takes most of the time.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.dynamodb.responses import DynamoHandler
from werkzeug.exceptions import HTTPException

from local_service.aws import binary_values
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


def is_answered_here(operation: str) -> bool:
    """Whether calls of this operation are answered here."""
    return operation in _METHODS


def answer(operation: str, content: bytes) -> TableAnswer:
    """Answer a call whose body is `content`."""
    handler = _Handler(operation, binary_values.decoded(content))
    try:
        result: ActionResult = getattr(handler, _METHODS[operation])()
    except HTTPException as error:
        return int(error.code or 500), {"Content-Type": _CONTENT_TYPE}, str(error.description)
    except ServiceException as error:
        result = ActionResult(error)
    if isinstance(result, WrittenAnswer):
        return result.execute_result()
    status, headers, body = handler.serialized(result)
    return int(status), {**headers, "x-amzn-requestid": str(uuid.uuid4())}, body


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
        self.response_headers = {}
