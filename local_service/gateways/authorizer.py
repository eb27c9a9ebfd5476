"""API Gateway's way with authorizers on one machine: it asks the function before the route's own is called.

Shapes: API Gateway guide, "Control access to WebSocket APIs with AWS Lambda REQUEST authorizers" and "Output from an
API Gateway Lambda authorizer". The HTTP API, whose tokens API Gateway checks itself, is served by the same function.
"""

from collections.abc import Callable
from typing import Any

from local_service.aws.embedded import ACCOUNT, REGION
from local_service.functions.processes import FunctionError

Event = dict[str, Any]


class ForbiddenError(Exception):
    """The authorizer lets nobody pass with this request."""


class Authorizer:
    """Asks the function that checks tokens."""

    def __init__(self, invoke: Callable[[Event], Any]) -> None:
        self._invoke = invoke

    def principal_of(self, event: Event, route_key: str) -> str:
        """Return who may make a request, given its event for the route's function.

        Raises:
            ForbiddenError: nobody may.
            FunctionError: the function failed, or answered no policy.
        """
        method = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:local/local/{route_key}"
        answer = self._invoke({"type": "REQUEST", "methodArn": method, **event})
        try:
            (statement,) = answer["policyDocument"]["Statement"]
            allows = statement["Effect"] == "Allow" and statement["Resource"] == method
            principal = answer["principalId"]
        except (KeyError, TypeError, ValueError) as error:
            raise FunctionError("the authorizer answered no policy") from error
        if not allows:
            raise ForbiddenError
        return str(principal)
