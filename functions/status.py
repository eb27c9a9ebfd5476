"""GET /activity/watchlist/{watchlist_id}/status: how far is it?"""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from functions import documented, http_api, startup
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
        {200: {"description": "The status; `Retry-After` while it is processing."}},
        ProblemCode.INVALID_FIELDS,
        ProblemCode.NOT_FOUND,
    ),
)
def get_status(
    watchlist_id: WatchlistId,
    user: Annotated[UserName | None, Query(description="Show this user's entry only.")] = None,
) -> Response[StatusAnswer]:
    """Show status, progress, attempts and the last error of one watched repository."""
    shown = entries.status_of(watchlist_id, user)
    processing = shown.entry.entry_status is EntryStatus.PROCESSING
    return Response(
        HTTPStatus.OK,
        "application/json",
        StatusAnswer.of(shown, limits.MAX_ATTEMPTS),
        headers={"Retry-After": str(POLL_AGAIN)} if processing else None,
    )


handler = http_api.handler(logger, router)
