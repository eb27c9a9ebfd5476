"""GET /activity/watchlist/{watchlist_id}/status: how far is it?"""

import hashlib
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header, Query

from functions import startup
from functions.http import api as http_api
from functions.http import responses
from functions.http.callers import acting_as, caller_of
from functions.http.parameters import UserName, WatchlistId
from functions.http.problems import ProblemCode
from functions.http.shapes.status import StatusAnswer
from watchlist import clock, limits
from watchlist.deployment import routes
from watchlist.health.verdict import Thresholds, verdict_of
from watchlist.states import EntryStatus
from watchlist.watching import entries

function = startup.Function(routes.STATUS.function)
thresholds = function.part(Thresholds.of)
router = http_api.router()

POLL_AGAIN = 2
"""Seconds after which polling again can show something new."""

_HEADERS = {"ETag": responses.ETAG, "Cache-Control": responses.CACHE_CONTROL}


@router.get(
    http_api.rule(routes.STATUS),
    summary="Poll the status of an entry",
    operation_id="getStatus",
    tags=["watchlist"],
    responses=responses.of(
        {
            200: {
                "description": "The status; `Retry-After` while it is processing.",
                "headers": _HEADERS | {"Retry-After": responses.RETRY_AFTER},
                "content": {"application/json": {"model": StatusAnswer}},
            },
            304: {
                "description": "Nothing has changed since the answer with the `ETag` of `If-None-Match`.",
                "headers": _HEADERS | {"Retry-After": responses.RETRY_AFTER},
            },
        },
        ProblemCode.INVALID_FIELDS,
        ProblemCode.NOT_FOUND,
        ProblemCode.NOT_YOURS,
    ),
)
def get_status(
    watchlist_id: WatchlistId,
    user: Annotated[
        UserName | None,
        Query(description="Show this user's entry only; with a token it is its subject.", examples=["ada@example.org"]),
    ] = None,
    if_none_match: Annotated[
        str | None,
        Header(
            alias="If-None-Match",
            description="The `ETag` of the last answer, several with commas between them, or `*`.",
            examples=['"0f5c1f0d2a9b4e5c8d6f7a8b9c0d1e2f"'],
        ),
    ] = None,
) -> Response[StatusAnswer | None]:
    """Show status, progress, attempts and the last error of one watched repository."""
    caller = caller_of(router)
    shown = entries.status_of(watchlist_id, caller if user is None else acting_as(router, user))
    if caller is not None and not shown.user_entries:
        raise entries.EntryNotFoundError(watchlist_id)
    answer = StatusAnswer.of(shown, verdict_of(shown.entry, thresholds(), clock.now()), limits.MAX_ATTEMPTS)
    etag = _etag(answer)
    headers: dict[str, str | list[str]] = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if answer.status is EntryStatus.PROCESSING:
        headers["Retry-After"] = str(POLL_AGAIN)
    if if_none_match is not None and _matches(etag, if_none_match):
        return Response(HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(HTTPStatus.OK, "application/json", answer, headers=headers)


def _etag(answer: StatusAnswer) -> str:
    return f'"{hashlib.sha256(answer.model_dump_json().encode()).hexdigest()[:32]}"'


def _matches(etag: str, if_none_match: str) -> bool:
    """Compare weakly, as RFC 9110, section 13.1.2 has it."""
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return bool(tags & {etag, "*"})


handler = http_api.handler(function, router)
