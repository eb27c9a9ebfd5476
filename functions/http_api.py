"""What all functions behind HTTP routes share: validation, problems for errors, correlation ids in the logs."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.callers import NotYoursError
from functions.problems import (
    FieldError,
    Problem,
    ProblemCode,
    answer,
    describe,
    problem,
)
from watchlist import routes
from watchlist.alert_store import AlertNotFoundError
from watchlist.cursors import InvalidCursorError
from watchlist.entries import AlreadyWatchingError, EntryNotFoundError, NotFailedError, ServiceUnavailableError
from watchlist.user_entries import UserEntryNotFoundError

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]

_NO_IDENTIFIER = re.compile(r"[^A-Za-z0-9._-]")


def router() -> Router:
    """Return an empty set of routes."""
    return Router()  # type: ignore[no-untyped-call] # Powertools left its constructor untyped


def resolver(*routers: Router) -> APIGatewayHttpResolver:
    """Return an API of `routers` whose every error is a problem."""
    app = APIGatewayHttpResolver(enable_validation=True)
    for router in routers:
        app.include_router(router)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(InvalidCursorError)(_invalid_cursor)
    app.exception_handler(EntryNotFoundError)(_no_entry)
    app.exception_handler(UserEntryNotFoundError)(_no_user_entry)
    app.exception_handler(AlertNotFoundError)(_no_alert)
    app.exception_handler(NotYoursError)(_not_yours)
    app.exception_handler(AlreadyWatchingError)(_already_watching)
    app.exception_handler(NotFailedError)(_not_failed)
    app.exception_handler(ServiceUnavailableError)(_unavailable)
    app.not_found(_no_route)
    return app


def handler(logger: Logger, *routers: Router) -> Handler:
    """Return the Lambda entry point for `routers`."""
    app = resolver(*routers)

    def internal_error(error: Exception) -> "Response[str]":
        logger.error("unhandled error", exc_info=error)
        return problem(
            ProblemCode.INTERNAL_ERROR, "The error was logged; try again, or tell the operator the request id."
        )

    app.exception_handler(Exception)(internal_error)

    @logger.inject_lambda_context(correlation_id_path="requestContext.requestId", clear_state=True)
    def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        refusal = _refuse_unreadable(APIGatewayProxyEventV2(event))
        return app.resolve(event, context) if refusal is None else _to_event(refusal)

    return handle


def rule(route: routes.Route) -> str:
    """Return a route's path as Powertools writes it: `<name>` for a variable part."""
    return route.path.replace("{", "<").replace("}", ">")


def correlation_id(logger: Logger) -> str:
    """Return the request's id, which goes with its job through message and task."""
    return _NO_IDENTIFIER.sub("-", logger.get_correlation_id() or "none")


def _refuse_unreadable(event: APIGatewayProxyEventV2) -> "Response[str] | None":
    """Return the problem of a body that is no JSON; Powertools would read forms too, and break off on odd bytes."""
    if not event.body:
        return None
    content_type = event.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in {"application/json", ""}:
        return problem(
            ProblemCode.UNSUPPORTED_MEDIA_TYPE, "Send the header `Content-Type: application/json` and a JSON body."
        )
    try:
        _ = event.json_body
    except (ValueError, RecursionError):
        return problem(ProblemCode.MALFORMED_JSON, "The body could not be read as JSON.")
    return None


def _to_event(response: "Response[str]") -> dict[str, Any]:
    return {
        "statusCode": response.status_code,
        "headers": dict(response.headers),
        "body": response.body,
        "isBase64Encoded": False,
    }


def _invalid(error: RequestValidationError) -> "Response[str]":
    return answer(fields_at_fault([(item["loc"][1:] or item["loc"], item["msg"]) for item in error.errors()]))


def _invalid_cursor(error: InvalidCursorError) -> "Response[str]":
    return answer(fields_at_fault([(("cursor",), str(error))]))


def fields_at_fault(faults: Sequence[tuple[Sequence[object], str]]) -> Problem:
    """Return the problem for fields, each given by its path and what is wrong with it."""
    errors = [FieldError(field=".".join(map(str, path)), message=message) for path, message in faults]
    names = ", ".join(sorted({item.field for item in errors}))
    return describe(ProblemCode.INVALID_FIELDS, f"See `errors`: {names}.", errors)


def _no_entry(error: EntryNotFoundError) -> "Response[str]":
    del error
    return problem(ProblemCode.NOT_FOUND, "There is no watchlist entry with this id.")


def _already_watching(error: AlreadyWatchingError) -> "Response[str]":
    return answer(already_watching(error))


def already_watching(error: AlreadyWatchingError) -> Problem:
    """Return the problem for an add of what the user watches already."""
    entry = error.entry
    return describe(
        ProblemCode.ALREADY_WATCHING,
        f"{entry.repository.url} is on this user's watchlist already; its status is `{entry.status}`.",
        watchlist_id=entry.watchlist_id,
    )


def _no_user_entry(error: UserEntryNotFoundError) -> "Response[str]":
    del error
    return problem(ProblemCode.NOT_FOUND, "There is no user entry with this id.")


def _no_alert(error: AlertNotFoundError) -> "Response[str]":
    del error
    return problem(ProblemCode.NOT_FOUND, "There is no alert with this id.")


def _not_yours(error: NotYoursError) -> "Response[str]":
    del error
    return problem(ProblemCode.NOT_YOURS, "The user that is named is not the one that the request's token names.")


def _not_failed(error: NotFailedError) -> "Response[str]":
    entry = error.entry
    return problem(ProblemCode.NOT_FAILED, f"The entry's status is `{entry.status}`.", watchlist_id=entry.watchlist_id)


def _unavailable(error: ServiceUnavailableError) -> "Response[str]":
    return answer(unavailable(error))


def unavailable(error: ServiceUnavailableError) -> Problem:
    """Return the problem for an add or retry of which nothing was kept."""
    return describe(ProblemCode.UNAVAILABLE, f"Nothing was kept of this request: {error}")


def _no_route(error: NotFoundError) -> "Response[str]":
    del error
    return problem(ProblemCode.NOT_FOUND, "There is no such route; see /openapi.json.")
