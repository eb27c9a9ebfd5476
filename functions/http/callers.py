"""Who asks: the subject of a JWT, or an operator, who may act for every user: by IAM, or by a claim of the JWT.

API Gateway has checked the token or the signature before a function is called; what it found is in the event's
`requestContext.authorizer`: `jwt.claims` or `iam`. Whoever comes without an authorizer is nobody.
"""

from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.operators import Operators
from watchlist.errors import RequestRefusedError

OPERATORS = "operators"
"""Where the context of a request has the mark of operators."""


class NotYoursError(RequestRefusedError):
    """A user tried to act in another's name, or in none; the message says which."""


class OperatorsOnlyError(RequestRefusedError):
    """A user asked for what only operators may see."""


def caller_of(router: Router) -> str | None:
    """Return the user that the request's JWT names; None for an operator.

    Raises:
        NotYoursError: the request was not authorized, or names nobody.
    """
    authorizer = _dict(_dict(router.current_event.raw_event.get("requestContext")).get("authorizer"))
    if not authorizer:
        raise NotYoursError("The request was not authorized.")
    if _dict(authorizer.get("iam")):
        return None
    claims = _dict(_dict(authorizer.get("jwt")).get("claims"))
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise NotYoursError("The request's token names no subject.")
    operators: Operators | None = router.context.get(OPERATORS)
    return None if operators is not None and operators.include(claims) else subject


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
