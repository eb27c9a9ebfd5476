"""GET /activity/watchlist/{watchlist_id}/health: the latest analysis and the history of the scores."""

from functions import startup
from functions.http import api as http_api
from functions.http import documented
from functions.http.callers import caller_of
from functions.http.parameters import WatchlistId
from functions.http.problems import ProblemCode
from functions.http.shapes.health import HealthAnswer
from watchlist.deployment import routes
from watchlist.health import store as health_store
from watchlist.watching import entries

function = startup.Function(routes.HEALTH.function)
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


handler = http_api.handler(function, router)
