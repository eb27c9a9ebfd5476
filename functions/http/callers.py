"""Who asks: the subject of a JWT, or a caller who may act for every user (IAM, or the local service).

API Gateway has checked the token or the signature before a function is called; what it found is in the event's
`requestContext.authorizer`: `jwt.claims` or `iam`. Without an authorizer (the local service) nothing is restricted.
"""

from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import Router


class NotYoursError(Exception):
    """A user tried to act in another's name, or in none; the message says which."""


class OperatorsOnlyError(Exception):
    """A user asked for what only operators may see."""


def caller_of(router: Router) -> str | None:
    """Return the user that the request's JWT names; None for a caller who may act for every user.

    Raises:
        NotYoursError: the request was authorized, but names nobody.
    """
    authorizer = _dict(_dict(router.current_event.raw_event.get("requestContext")).get("authorizer"))
    if not authorizer or "iam" in authorizer:
        return None
    subject = _dict(_dict(authorizer.get("jwt")).get("claims")).get("sub")
    if not isinstance(subject, str) or not subject:
        raise NotYoursError("The request's token names no subject.")
    return subject


def acting_as(router: Router, user: str) -> str:
    """Return `user` if the caller may act in that name.

    Raises:
        NotYoursError: the caller is another user.
    """
    if caller_of(router) not in {None, user}:
        raise NotYoursError("The user that is named is not the one that the request's token names.")
    return user


def require_operator(router: Router) -> None:
    """Let nobody pass whose token names a user.

    Raises:
        OperatorsOnlyError: the caller is a user.
    """
    if caller_of(router) is not None:
        raise OperatorsOnlyError


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
