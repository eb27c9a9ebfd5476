"""What shared addresses show, to everybody who has one: a feed of alerts, a badge of a verdict."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, Field

from functions import startup
from functions.http import api as http_api
from functions.http import atom, badge, responses
from functions.http.parameters import Token
from functions.http.problems import ProblemCode
from watchlist import clock, limits
from watchlist.deployment import routes
from watchlist.health.verdict import Thresholds, VerdictState, verdict_of
from watchlist.watching import shares, user_alerts
from watchlist.watching.shares import ShareKind
from watchlist.watching.user_alerts import WantedAlerts

function = startup.Function(routes.FEED.function)
thresholds = function.part(Thresholds.of)
router = http_api.router()

_HEADERS: dict[str, str | list[str]] = {
    "Cache-Control": "public, max-age=300",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
_SAID = {"Cache-Control": responses.CACHE_CONTROL}


class ShieldsAnswer(BaseModel):
    """What shields.io makes a badge of."""

    schemaVersion: Annotated[int, Field(description="Of this form.", examples=[1])]  # noqa: N815 - shields.io's
    label: Annotated[str, Field(description="The left half.", examples=["repository"])]
    message: Annotated[VerdictState, Field(description="The verdict.", examples=[VerdictState.ACTIVE])]
    color: Annotated[str, Field(description="Of the right half.", examples=["#2c6e31"])]
    cacheSeconds: Annotated[int, Field(description="How long it can be kept.", examples=[300])]  # noqa: N815 - shields.io's


@router.get(
    http_api.rule(routes.FEED),
    summary="Read a shared feed of alerts",
    operation_id="getFeed",
    tags=["sharing"],
    responses=responses.of(
        {
            200: {
                "description": "An Atom document (RFC 4287).",
                "headers": _SAID,
                "content": {"application/atom+xml": {"schema": {"type": "string"}}},
            }
        },
        ProblemCode.INVALID_FIELDS,
        ProblemCode.NOT_FOUND,
    ),
)
def get_feed(token: Token) -> Response[str]:
    """Show the user's alerts: open ones first, then the newest, at most 50."""
    shared = shares.find(token, ShareKind.FEED)
    page = user_alerts.page(shared.user, WantedAlerts(), limits.ALERTS_PAGE, None)
    body = atom.feed(token, f"/feeds/{token}", page.alerts, clock.now())
    return Response(HTTPStatus.OK, atom.CONTENT_TYPE, body, headers={**_HEADERS})


@router.get(
    http_api.rule(routes.BADGE),
    summary="Look at a shared badge",
    operation_id="getBadge",
    tags=["sharing"],
    responses=responses.of(
        {
            200: {
                "description": "A picture of the verdict.",
                "headers": _SAID,
                "content": {"image/svg+xml": {"schema": {"type": "string"}}},
            }
        },
        ProblemCode.INVALID_FIELDS,
        ProblemCode.NOT_FOUND,
    ),
)
def get_badge(token: Token) -> Response[str]:
    """Show the verdict of the repository as of now."""
    return Response(HTTPStatus.OK, "image/svg+xml; charset=utf-8", badge.svg(_verdict(token)), headers={**_HEADERS})


@router.get(
    http_api.rule(routes.BADGE_FOR_SHIELDS),
    summary="Get a shared badge for shields.io",
    operation_id="getBadgeForShields",
    tags=["sharing"],
    responses=responses.of(
        {200: {"description": "The form of an endpoint badge."}}, ProblemCode.INVALID_FIELDS, ProblemCode.NOT_FOUND
    ),
)
def get_badge_for_shields(token: Token) -> ShieldsAnswer:
    """Answer with what shields.io makes a badge of."""
    return ShieldsAnswer.model_validate(badge.for_shields(_verdict(token)))


def _verdict(token: str) -> VerdictState:
    entry = shares.entry_of(shares.find(token, ShareKind.BADGE))
    return verdict_of(entry, thresholds(), clock.now()).state


handler = http_api.handler(function, router)
