"""Who opened a WebSocket connection: the principal of its authorizer, or a caller who may act for every user (IAM)."""

from collections.abc import Mapping
from typing import Any

from functions.callers import NotYoursError


def user_of(event: Mapping[str, Any]) -> str | None:
    """Return whose user entry a `$connect` event asks for; None for the first ones of all users.

    A WebSocket API knows no JWT authorizer. A Lambda authorizer that checks the token answers with its subject as
    `principalId`; with IAM there is no such principal.

    Raises:
        NotYoursError: the caller names another user.
    """
    authorizer = event["requestContext"].get("authorizer") or {}
    caller = authorizer.get("principalId")
    named = (event.get("queryStringParameters") or {}).get("user")
    if caller is not None and named not in {None, caller}:
        raise NotYoursError(named)
    return named or caller
