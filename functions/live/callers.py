"""Who opened a WebSocket connection: the principal of its authorizer, or a caller who may act for every user (IAM)."""

from collections.abc import Mapping
from typing import Any

from functions.http.callers import NotYoursError


def caller_of(event: Mapping[str, Any]) -> str | None:
    """Return the user who opens the connection of a `$connect` event; None for a caller who may act for every user.

    A WebSocket API knows no JWT authorizer. A Lambda authorizer that checks the token answers with its subject as
    `principalId`; with IAM there is no authorizer in the event.

    Raises:
        NotYoursError: the request was authorized, but names nobody.
    """
    authorizer = event["requestContext"].get("authorizer")
    if not authorizer:
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
