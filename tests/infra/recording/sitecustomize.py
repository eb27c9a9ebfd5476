"""Python imports this at its start where its folder is on PYTHONPATH: it writes each call to AWS to a file.

It also answers for names below `.invalid`, which never exist (RFC 6761), so that nobody else is asked for them.
"""

import functools
import json
import os
import socket
from collections.abc import Callable
from typing import Any

from botocore.client import BaseClient

_METHOD = "_make_api_call"
"""The one place that all calls of boto3 and PynamoDB come by."""


def _record(
    client: BaseClient, call: Callable[[str, dict[str, Any]], Any], operation: str, parameters: dict[str, Any]
) -> Any:
    line = {
        "caller": os.environ["RECORDED_AS"],
        "service": client.meta.service_model.service_name,
        "operation": operation,
        "parameters": parameters,
    }
    with open(os.environ["RECORDED_IN"], "a", encoding="utf-8") as file:  # noqa: PTH123 - as early as this, as little as can be
        file.write(json.dumps(line, default=str) + "\n")
    return call(operation, parameters)


def _recorded(client: BaseClient, name: str) -> Any:
    """Return an attribute of a client; the method records, whatever the local service has put in its place."""
    value = object.__getattribute__(client, name)
    return functools.partial(_record, client, value) if name == _METHOD else value


setattr(BaseClient, "__getattribute__", _recorded)  # noqa: B010 - mypy allows no assignment to a method


_resolve: Callable[..., Any] = socket.getaddrinfo


def _resolve_but_invalid(host: Any, *arguments: Any, **more: Any) -> Any:
    if str(host).endswith(".invalid"):
        raise socket.gaierror(socket.EAI_NONAME, "there is no such name")
    return _resolve(host, *arguments, **more)


socket.getaddrinfo = _resolve_but_invalid
