"""The health of repositories: an analysis, their history, what changed, and several beside each other."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from functions import startup
from functions.http import api as http_api
from functions.http import responses
from functions.http.callers import caller_of
from functions.http.parameters import ComparedIds, Cursor, HealthLimit, Moment, WatchlistId
from functions.http.problems import ProblemCode
from functions.http.shapes.health import (
    CompareAnswer,
    ComparedAnswer,
    HealthAnswer,
    HealthChangesAnswer,
    HealthHistoryPage,
)
from watchlist import clock, limits
from watchlist.deployment import routes
from watchlist.health import store as health_store
from watchlist.health.verdict import Thresholds
from watchlist.watching import entries

function = startup.Function(routes.HEALTH.function)
thresholds = function.part(Thresholds.of)
router = http_api.router()

_SHOWN = (ProblemCode.INVALID_FIELDS, ProblemCode.NOT_FOUND, ProblemCode.NOT_YOURS)

Since = Annotated[Moment | None, Query(description="Only analyses at or after it.", examples=["2026-01-31T12:00:00Z"])]
Until = Annotated[Moment | None, Query(description="Only analyses at or before it.", examples=["2026-02-28T12:00:00Z"])]


@router.get(
    http_api.rule(routes.HEALTH),
    summary="Show the health of a repository",
    operation_id="getHealth",
    tags=["analysis"],
    responses=responses.of({200: {"description": "The health; empty until the first analysis."}}, *_SHOWN),
)
def get_health(
    watchlist_id: WatchlistId,
    at: Annotated[
        Moment | None,
        Query(description="Show the analysis that stood at this moment.", examples=["2026-01-31T12:00:00Z"]),
    ] = None,
) -> HealthAnswer:
    """Show Scorecard's result (or why there is none) and the metrics of the history, now or at an earlier time."""
    entry = entries.find_for(watchlist_id, caller_of(router))
    page = health_store.page(entry.watchlist_id, (None, at), limits.HEALTH_HISTORY_SHOWN, None)
    return HealthAnswer.of(entry, page.analyses)


@router.get(
    http_api.rule(routes.HEALTH_HISTORY),
    summary="List the analyses of a repository in short, newest first",
    operation_id="listHealth",
    tags=["analysis"],
    responses=responses.of({200: {"description": "One page."}}, *_SHOWN),
)
def list_health(
    watchlist_id: WatchlistId,
    since: Since = None,
    until: Until = None,
    limit: HealthLimit = limits.HEALTH_HISTORY_SHOWN,
    cursor: Cursor = None,
) -> HealthHistoryPage:
    """Show score and activity of each analysis: a series to plot."""
    entry = entries.find_for(watchlist_id, caller_of(router))
    return HealthHistoryPage.of(health_store.page(entry.watchlist_id, (since, until), limit, cursor))


@router.get(
    http_api.rule(routes.HEALTH_CHANGES),
    summary="Show which checks changed between two analyses",
    operation_id="showHealthChanges",
    tags=["analysis"],
    responses=responses.of({200: {"description": "What changed, the largest drop first."}}, *_SHOWN),
)
def show_health_changes(watchlist_id: WatchlistId, since: Since = None, until: Until = None) -> HealthChangesAnswer:
    """Compare the oldest with the newest of the analyses of a time: of the last hundred, where no `since` is given."""
    entry = entries.find_for(watchlist_id, caller_of(router))
    most = limits.HEALTH_PAGE_MAX if since is None else limits.HEALTH_KEPT
    return HealthChangesAnswer.of(health_store.between(entry.watchlist_id, (since, until), most))


@router.get(
    http_api.rule(routes.COMPARE),
    summary=f"Compare up to {limits.COMPARED} repositories",
    operation_id="compare",
    tags=["analysis"],
    responses=responses.of({200: {"description": "Each on the same axes."}}, *_SHOWN),
)
def compare(
    watchlist_ids: Annotated[
        ComparedIds,
        Query(
            description="Their ids, with commas between.",
            examples=["watchlist_pallets_flask_1764000000,watchlist_pallets_click_1764000001"],
        ),
    ],
) -> CompareAnswer:
    """Show several repositories beside each other; a user sees those that they watch."""
    now = clock.now()
    found = entries.find_all_for(watchlist_ids.split(","), caller_of(router))
    return CompareAnswer(items=[ComparedAnswer.of(entry, thresholds(), now) for entry in found])


handler = http_api.handler(function, router)
