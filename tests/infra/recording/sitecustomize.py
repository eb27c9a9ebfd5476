"""Python imports this at its start where its folder is on PYTHONPATH: it writes each call to AWS to a file.

It also answers for names below `.invalid`, which never exist (RFC 6761), so that nobody else is asked for them.
"""

import json
import os
import socket
from collections.abc import Callable
from typing import Any

from botocore.client import BaseClient

_METHOD = "_make_api_call"
"""The one place that all calls of boto3 and PynamoDB come by."""

_call: Callable[..., dict[str, Any]] = getattr(BaseClient, _METHOD)


def _record(client: BaseClient, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    call = {
        "caller": os.environ["RECORDED_AS"],
        "service": client.meta.service_model.service_name,
        "operation": operation,
        "parameters": parameters,
    }
    with open(os.environ["RECORDED_IN"], "a", encoding="utf-8") as file:  # noqa: PTH123 - as early as this, as little as can be
        file.write(json.dumps(call, default=str) + "\n")
    return _call(client, operation, parameters)


setattr(BaseClient, _METHOD, _record)


_resolve: Callable[..., Any] = socket.getaddrinfo


def _resolve_but_invalid(host: Any, *arguments: Any, **more: Any) -> Any:
    if str(host).endswith(".invalid"):
        raise socket.gaierror(socket.EAI_NONAME, "there is no such name")
    return _resolve(host, *arguments, **more)


socket.getaddrinfo = _resolve_but_invalid
