"""GET /activity/watchlist/{watchlist_id}/status: how far is it?"""

import hashlib
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header, Query

from functions import documented, http_api, startup
from functions.callers import acting_as, caller_of
from functions.parameters import UserName, WatchlistId
from functions.problems import ProblemCode
from functions.representations import StatusAnswer
from watchlist import entries, function_specs, limits, routes
from watchlist.settings import TableSettings
from watchlist.states import EntryStatus

settings, logger = startup.start(TableSettings, function_specs.STATUS.name)
router = http_api.router()

POLL_AGAIN = 2
"""Seconds after which polling again can show something new."""


@router.get(
    http_api.rule(routes.STATUS),
    summary="Poll the status of an entry",
    operation_id="getStatus",
    tags=["watchlist"],
    responses=documented.responses(
        {
            200: {"description": "The status, with an `ETag`; `Retry-After` while it is processing."},
            304: {"description": "Nothing has changed since the answer with the `ETag` of `If-None-Match`."},
        },
        ProblemCode.INVALID_FIELDS,
        ProblemCode.NOT_FOUND,
        ProblemCode.NOT_YOURS,
    ),
)
def get_status(
    watchlist_id: WatchlistId,
    user: Annotated[UserName | None, Query(description="Show this user's entry only.")] = None,
    if_none_match: Annotated[str | None, Header(alias="If-None-Match", description="An `ETag` of before.")] = None,
) -> Response[StatusAnswer]:
    """Show status, progress, attempts and the last error of one watched repository."""
    shown_user = caller_of(router) if user is None else acting_as(router, user)
    shown = entries.status_of(watchlist_id, shown_user)
    answer = StatusAnswer.of(shown, limits.MAX_ATTEMPTS)
    headers: dict[str, str | list[str]] = {"ETag": _etag(answer)}
    if answer.status is EntryStatus.PROCESSING:
        headers["Retry-After"] = str(POLL_AGAIN)
    if if_none_match is not None and headers["ETag"] in {tag.strip() for tag in if_none_match.split(",")}:
        return Response(HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(HTTPStatus.OK, "application/json", answer, headers=headers)


def _etag(answer: StatusAnswer) -> str:
    return f'"{hashlib.sha256(answer.model_dump_json().encode()).hexdigest()[:32]}"'


handler = http_api.handler(logger, router)
