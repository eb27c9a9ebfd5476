"""Python imports this at its start where its folder is on PYTHONPATH: it writes each call to AWS to a file.

It also answers for names below `.invalid`, which never exist (RFC 6761), so that nobody else is asked for them.
"""

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore import handlers
from botocore.client import BaseClient

_METHOD = "_make_api_call"
"""The one place that all calls of boto3 and PynamoDB come by."""


class _Recorded(BaseClient):
    """A client that writes down what it is asked, and asks in whatever way the local service has put in BaseClient."""

    def _make_api_call(self, operation: str, parameters: dict[str, Any]) -> Any:
        line = {
            "caller": os.environ["RECORDED_AS"],
            "service": self.meta.service_model.service_name,
            "operation": operation,
            "parameters": parameters,
        }
        with Path(os.environ["RECORDED_IN"]).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=str) + "\n")
        make: Callable[[str, dict[str, Any]], Any] = getattr(super(), _METHOD)
        return make(operation, parameters)


def _record_all(base_classes: list[type], **_: Any) -> None:
    base_classes.insert(0, _Recorded)


handlers.BUILTIN_HANDLERS += [("creating-client-class", _record_all)]


_resolve: Callable[..., Any] = socket.getaddrinfo


def _resolve_but_invalid(host: Any, *arguments: Any, **more: Any) -> Any:
    if str(host).endswith(".invalid"):
        raise socket.gaierror(socket.EAI_NONAME, "there is no such name")
    return _resolve(host, *arguments, **more)


socket.getaddrinfo = _resolve_but_invalid
