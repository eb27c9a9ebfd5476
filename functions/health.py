"""GET /activity/watchlist/{watchlist_id}/health: the latest analysis and the history of the scores."""

from functions import documented, http_api, startup
from functions.callers import caller_of
from functions.parameters import WatchlistId
from functions.problems import ProblemCode
from functions.representations import HealthAnswer
from watchlist import entries, function_specs, health_store, routes
from watchlist.settings import TableSettings

settings, logger = startup.start(TableSettings, function_specs.HEALTH.name)
router = http_api.router()


@router.get(
    http_api.rule(routes.HEALTH),
    summary="Show the health of a repository",
    operation_id="getHealth",
    tags=["analysis"],
    responses=documented.responses(
        {200: {"description": "The health; empty until the first analysis."}},
        ProblemCode.INVALID_FIELDS,
        ProblemCode.NOT_FOUND,
        ProblemCode.NOT_YOURS,
    ),
)
def get_health(watchlist_id: WatchlistId) -> HealthAnswer:
    """Show Scorecard's result (or why there is none) and the metrics of the history."""
    return HealthAnswer.of(entries.find_for(watchlist_id, caller_of(router)), health_store.latest(watchlist_id))


handler = http_api.handler(logger, router)
