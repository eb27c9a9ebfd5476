"""POST /activity/watchlist/{watchlist_id}/retry: try a failed entry again."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from functions import startup
from functions.http import api as http_api
from functions.http import documented
from functions.http.callers import caller_of
from functions.http.parameters import WatchlistId
from functions.http.problems import ProblemCode
from functions.http.shapes.adding import AddAnswer
from watchlist import clock
from watchlist.deployment import functions as function_specs
from watchlist.deployment import routes
from watchlist.watching import entries

function = startup.Function(function_specs.RETRY)
logger = function.logger
queue = function.part(startup.job_queue)
router = http_api.router()


@router.post(
    http_api.rule(routes.RETRY),
    summary="Retry a failed entry",
    operation_id="retry",
    tags=["watchlist"],
    responses=documented.responses(
        {202: {"description": "A new job is queued.", "headers": {"Location": documented.LOCATION}}},
        ProblemCode.INVALID_FIELDS,
        ProblemCode.NOT_FOUND,
        ProblemCode.NOT_FAILED,
        ProblemCode.NOT_YOURS,
    ),
)
def retry(watchlist_id: WatchlistId) -> Response[AddAnswer]:
    """Start over with all attempts; what an earlier job still does changes nothing."""
    entries.find_for(watchlist_id, caller_of(router))
    entry = entries.retry(watchlist_id, queue(), http_api.correlation_id(logger), clock.now())
    logger.info("retry queued", watchlist_id=watchlist_id, generation=entry.generation, job_id=entry.job_id)
    return Response(
        HTTPStatus.ACCEPTED,
        "application/json",
        AddAnswer.model_validate(
            {"message": "Processing begins again.", "watchlist_id": watchlist_id, "status": entry.entry_status}
        ),
        headers={"Location": routes.STATUS.path.replace("{watchlist_id}", watchlist_id)},
    )


handler = http_api.handler(function, router)
