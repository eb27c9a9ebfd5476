"""Addresses that a user shares, a feed or badges: made, listed, revoked."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from functions import startup
from functions.http import api as http_api
from functions.http import responses
from functions.http.callers import acting_as
from functions.http.parameters import Token, User
from functions.http.problems import ProblemCode, answer
from functions.http.refusals import fields_at_fault
from functions.http.shapes.shares import ShareAnswer, ShareRequest, SharesAnswer
from watchlist import clock, limits
from watchlist.deployment import routes
from watchlist.watching import entries, shares
from watchlist.watching.shares import ShareKind

function = startup.Function(routes.SHARES.function)
router = http_api.router()


@router.get(
    http_api.rule(routes.SHARES),
    summary="List the addresses that a user shares",
    operation_id="listShares",
    tags=["sharing"],
    responses=responses.of({200: {"description": "All of them."}}, ProblemCode.INVALID_FIELDS, ProblemCode.NOT_YOURS),
)
def list_shares(user: User) -> SharesAnswer:
    """Show what can be seen without a name, and by which addresses."""
    found = shares.of_user(acting_as(router, user))
    return SharesAnswer(items=[ShareAnswer.of(share) for share in found], most=limits.SHARES)


@router.post(
    http_api.rule(routes.ADD_SHARE),
    summary="Share a feed of a user's alerts, or a badge of a repository",
    operation_id="addShare",
    tags=["sharing"],
    responses=responses.of(
        {201: {"description": "The address."}},
        ProblemCode.MALFORMED_JSON,
        ProblemCode.UNSUPPORTED_MEDIA_TYPE,
        ProblemCode.INVALID_FIELDS,
        ProblemCode.NOT_YOURS,
        ProblemCode.NOT_FOUND,
        ProblemCode.TOO_MANY_SHARES,
    ),
)
def add_share(user: User, wanted: Annotated[ShareRequest, Body()]) -> Response[ShareAnswer]:
    """Make an address that whoever has it can open, until it is revoked or the user stops watching."""
    acting_as(router, user)
    if (wanted.kind is ShareKind.BADGE) != (wanted.watchlist_id is not None):
        raise _NotOfThisKindError
    watched = wanted.watchlist_id and entries.find_for(wanted.watchlist_id, user).watchlist_id
    share = shares.create(user, wanted.kind, watched, clock.now())
    return Response(HTTPStatus.CREATED, "application/json", ShareAnswer.of(share))


@router.delete(
    http_api.rule(routes.REVOKE_SHARE),
    summary="Revoke a shared address",
    operation_id="revokeShare",
    tags=["sharing"],
    responses=responses.of(
        {204: {"description": "It shows nothing any more."}},
        ProblemCode.INVALID_FIELDS,
        ProblemCode.NOT_YOURS,
        ProblemCode.NOT_FOUND,
    ),
)
def revoke_share(token: Token, user: User) -> Response[None]:
    """Let the address show nothing any more; caches may for five minutes."""
    shares.revoke(acting_as(router, user), token)
    return Response(HTTPStatus.NO_CONTENT)


class _NotOfThisKindError(Exception):
    """A badge without its repository, or a feed with one."""


def _not_of_this_kind(error: _NotOfThisKindError) -> Response[str]:
    del error
    return answer(fields_at_fault([(("watchlist_id",), "must be there for a badge, and not for a feed")]))


router.exception_handler(_NotOfThisKindError)(_not_of_this_kind)

handler = http_api.handler(function, router)
