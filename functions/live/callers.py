"""Who opened a WebSocket connection: the principal of its authorizer, or an operator, who may act for every user."""

from collections.abc import Mapping
from typing import Any

from functions.http.callers import NotYoursError

OPERATOR = "operator"
"""What the authorizer adds to the event of who is an operator: true, or false."""


def caller_of(event: Mapping[str, Any]) -> str | None:
    """Return the user who opens the connection of a `$connect` event; None for an operator.

    A WebSocket API knows no JWT authorizer. A Lambda authorizer that checks the token answers with its subject as
    `principalId`, and says who is an operator; with IAM there is no authorizer in the event, and `identity` names who
    has signed the request.

    Raises:
        NotYoursError: the request was not authorized, or names nobody.
    """
    context = event["requestContext"]
    authorizer = context.get("authorizer")
    if not authorizer:
        if (context.get("identity") or {}).get("userArn"):
            return None
        raise NotYoursError("The request was not authorized.")
    if str(authorizer.get(OPERATOR)).lower() == "true":  # API Gateway hands on texts
        return None
    principal = authorizer.get("principalId")
    if not isinstance(principal, str) or not principal:
        raise NotYoursError("The request's token names no subject.")
    return principal


def user_of(event: Mapping[str, Any]) -> str | None:
    """Return whose user entry a `$connect` event asks for; None for the first ones of all users.

    Raises:
        NotYoursError: the caller names another user, or nobody.
    """
    caller = caller_of(event)
    named = (event.get("queryStringParameters") or {}).get("user")
    if caller is not None and named not in {None, caller}:
        raise NotYoursError("The user that is named is not the one that the request's token names.")
    return named or caller
