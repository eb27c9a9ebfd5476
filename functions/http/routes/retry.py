"""Ask for what the service does by itself: try a failed entry again, look at a repository now."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body
from pydantic import BaseModel, ConfigDict, Field

from functions import startup
from functions.http import api as http_api
from functions.http import responses
from functions.http.callers import acting_as, caller_of
from functions.http.parameters import UserName, WatchlistId
from functions.http.problems import ProblemCode
from functions.http.shapes.adding import AddAnswer
from functions.http.shapes.fields import WatchlistId as WatchlistIdField
from watchlist import clock, limits
from watchlist.deployment import routes
from watchlist.watching import entries
from watchlist.watching.allowances import Allowance, give_back, spend

function = startup.Function(routes.RETRY.function)
logger = function.logger
queue = function.part(startup.job_queue)
router = http_api.router()


@router.post(
    http_api.rule(routes.RETRY),
    summary="Retry a failed entry",
    operation_id="retry",
    tags=["watchlist"],
    responses=responses.of(
        {202: {"description": "A new job is queued.", "headers": {"Location": responses.LOCATION}}},
        ProblemCode.INVALID_FIELDS,
        ProblemCode.NOT_FOUND,
        ProblemCode.NOT_FAILED,
        ProblemCode.LIMIT_REACHED,
        ProblemCode.NOT_YOURS,
    ),
)
def retry(watchlist_id: WatchlistId) -> Response[AddAnswer]:
    """Start over with all attempts; what an earlier job still does changes nothing."""
    user = caller_of(router)
    watchlist_id = entries.find_for(watchlist_id, user).watchlist_id
    spend(user, Allowance.RETRIES, 1, function.settings.retries_an_hour, clock.now())
    entry = entries.retry(watchlist_id, queue(), http_api.correlation_id(logger), clock.now(), user)
    logger.info("retry queued", watchlist_id=watchlist_id, generation=entry.generation, job_id=entry.job_id)
    return Response(
        HTTPStatus.ACCEPTED,
        "application/json",
        AddAnswer.model_validate(
            {"message": "Processing begins again.", "watchlist_id": watchlist_id, "status": entry.entry_status}
        ),
        headers={"Location": routes.STATUS.path.replace("{watchlist_id}", watchlist_id)},
    )


class RetryFailedRequest(BaseModel):
    """Whose failed entries are retried."""

    model_config = ConfigDict(extra="forbid")

    user: Annotated[UserName, Field(description="Whose.", examples=["ada@example.org"])]


class RetryFailedAnswer(BaseModel):
    """What is retried."""

    retried: Annotated[
        list[str],
        Field(
            description=f"At most {limits.RETRIED_AT_ONCE}; send the request again until there are none.",
            examples=[["watchlist_pallets_flask_1764000000"]],
        ),
    ]


@router.post(
    http_api.rule(routes.RETRY_FAILED),
    summary="Retry all failed entries that a user watches",
    operation_id="retryFailed",
    tags=["watchlist"],
    responses=responses.of(
        {202: {"description": "New jobs are queued."}},
        ProblemCode.MALFORMED_JSON,
        ProblemCode.INVALID_FIELDS,
        ProblemCode.UNSUPPORTED_MEDIA_TYPE,
        ProblemCode.BODY_TOO_LARGE,
        ProblemCode.LIMIT_REACHED,
        ProblemCode.NOT_YOURS,
    ),
)
def retry_failed(request: Annotated[RetryFailedRequest, Body()]) -> Response[RetryFailedAnswer]:
    """Start each over with all attempts, the newest watches first."""
    user = acting_as(router, request.user)
    caller, now, most = caller_of(router), clock.now(), function.settings.retries_an_hour
    failed = entries.failed_of(user, min(limits.RETRIED_AT_ONCE, most))
    spend(caller, Allowance.RETRIES, len(failed), most, now)
    started = entries.retry_all(failed, queue(), http_api.correlation_id(logger), now, caller)
    give_back(caller, Allowance.RETRIES, len(failed) - len(started), now)
    logger.info("retries queued", number=len(started))
    answer = RetryFailedAnswer(retried=started)
    return Response(HTTPStatus.ACCEPTED, "application/json", answer)


class CheckAnswer(BaseModel):
    """That a check is asked for."""

    watchlist_id: WatchlistIdField
    message: Annotated[str, Field(description="For a person.", examples=["It is looked at within five minutes."])]


@router.post(
    http_api.rule(routes.CHECK),
    summary="Look at a repository now",
    operation_id="checkNow",
    tags=["watchlist"],
    responses=responses.of(
        {202: {"description": "The next run of checks looks at it.", "headers": {"Location": responses.LOCATION}}},
        ProblemCode.INVALID_FIELDS,
        ProblemCode.NOT_FOUND,
        ProblemCode.NOT_READY,
        ProblemCode.CHECKED_LATELY,
        ProblemCode.NOT_YOURS,
    ),
)
def check_now(watchlist_id: WatchlistId) -> Response[CheckAnswer]:
    """Let the next run of checks, every five minutes, look at it; `last_check` of the status says what it saw."""
    watchlist_id = entries.find_for(watchlist_id, caller_of(router)).watchlist_id
    entries.check_now(watchlist_id, clock.now())
    return Response(
        HTTPStatus.ACCEPTED,
        "application/json",
        CheckAnswer(watchlist_id=watchlist_id, message="It is looked at within five minutes."),
        headers={"Location": routes.STATUS.path.replace("{watchlist_id}", watchlist_id)},
    )


handler = http_api.handler(function, router)
