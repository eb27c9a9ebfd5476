"""Who asks: the subject of a JWT, or a caller who may act for every user (IAM, or the local service)."""

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2


class NotYoursError(Exception):
    """A user tried to act in another's name."""


def caller_of(router: Router) -> str | None:
    """Return the user that the request's JWT names; None for a caller who may act for every user."""
    event = router.current_event
    if not isinstance(event, APIGatewayProxyEventV2):
        return None
    claims = (event.get("requestContext") or {}).get("authorizer", {}).get("jwt", {}).get("claims", {})
    subject = claims.get("sub")
    return str(subject) if subject else None


def acting_as(router: Router, user: str) -> str:
    """Return `user` if the caller may act in that name.

    Raises:
        NotYoursError: the caller is another user.
    """
    caller = caller_of(router)
    if caller not in {None, user}:
        raise NotYoursError(user)
    return user
