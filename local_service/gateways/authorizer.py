"""API Gateway's way with authorizers on one machine: it asks the function before the route's own is called.

Shapes: API Gateway guide, "Control access to WebSocket APIs with AWS Lambda REQUEST authorizers" and "Output from an
API Gateway Lambda authorizer". The HTTP API, whose tokens API Gateway checks itself, is served by the same function.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from local_service.aws.embedded import ACCOUNT, REGION
from local_service.functions.processes import FunctionError

Event = dict[str, Any]

_OPERATOR = "operator"
"""By this the function says in its answer's context who is an operator."""

LOCAL_USER = f"arn:aws:iam::{ACCOUNT}:user/local"
"""In whose name requests are made where no authorizer is asked: on one machine everybody is an operator."""


class ForbiddenError(Exception):
    """The authorizer lets nobody pass with this request."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who may make a request.

    Attributes:
        context: what the authorizer adds to the event, as texts.
        claims: of the token, as the HTTP API hands them on: those that the functions read.
    """

    subject: str
    context: Mapping[str, str]
    claims: Mapping[str, str]


class Authorizer:
    """Asks the function that checks tokens.

    The function says who is an operator; `operators` are the claims by which the HTTP API's functions tell.
    """

    def __init__(self, invoke: Callable[[Event], Any], operators: Mapping[str, str] = MappingProxyType({})) -> None:
        self._invoke = invoke
        self._operators = operators

    def caller_of(self, event: Event, route_key: str) -> Caller:
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
            subject = str(answer["principalId"])
            context = answer.get("context", {})
            is_operator = context.get(_OPERATOR) is True
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise FunctionError("the authorizer answered no policy") from error
        if not allows:
            raise ForbiddenError
        claims = {"sub": subject, **(self._operators if is_operator else {})}
        return Caller(subject, {name: str(value).lower() for name, value in context.items()}, claims)
