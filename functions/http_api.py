"""What all functions behind HTTP routes share: validation, problems for errors, correlation ids in the logs."""

import re
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.problems import FieldError, ProblemCode, problem
from watchlist import routes
from watchlist.cursors import InvalidCursorError
from watchlist.entries import AlreadyWatchingError, EntryNotFoundError, NotFailedError, ServiceUnavailableError

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]

_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})
_NO_IDENTIFIER = re.compile(r"[^A-Za-z0-9._-]")


def router() -> Router:
    """Return an empty set of routes."""
    return Router()  # type: ignore[no-untyped-call] # Powertools left its constructor untyped


def resolver(*routers: Router) -> APIGatewayHttpResolver:
    """Return an API of `routers` whose every error is a problem."""
    app = APIGatewayHttpResolver(enable_validation=True)
    app.use([_json_only])
    for router in routers:
        app.include_router(router)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(InvalidCursorError)(_invalid_cursor)
    app.exception_handler(EntryNotFoundError)(_no_entry)
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
        return app.resolve(event, context)

    return handle


def rule(route: routes.Route) -> str:
    """Return a route's path as Powertools writes it: `<name>` for a variable part."""
    return route.path.replace("{", "<").replace("}", ">")


def correlation_id(logger: Logger) -> str:
    """Return the request's id, which goes with its job through message and task."""
    return _NO_IDENTIFIER.sub("-", logger.get_correlation_id() or "none")


def _json_only(app: APIGatewayHttpResolver, next_middleware: NextMiddleware) -> "Response[Any]":
    event = app.current_event
    content_type = event.headers.get("content-type", "").partition(";")[0].strip().lower()
    if event.http_method in _BODY_METHODS and event.body and content_type not in {"application/json", ""}:
        return problem(
            ProblemCode.UNSUPPORTED_MEDIA_TYPE, "Send the header `Content-Type: application/json` and a JSON body."
        )
    return next_middleware(app)


def _invalid(error: RequestValidationError) -> "Response[str]":
    if any(item["type"] == "json_invalid" for item in error.errors()):
        return problem(ProblemCode.MALFORMED_JSON, "The body could not be read as JSON.")
    return _fields_at_fault([FieldError(field=_field(item["loc"]), message=item["msg"]) for item in error.errors()])


def _invalid_cursor(error: InvalidCursorError) -> "Response[str]":
    return _fields_at_fault([FieldError(field="cursor", message=str(error))])


def _fields_at_fault(errors: list[FieldError]) -> "Response[str]":
    names = ", ".join(sorted({item.field for item in errors}))
    return problem(ProblemCode.INVALID_FIELDS, f"See `errors`: {names}.", errors)


def _field(location: tuple[object, ...]) -> str:
    return ".".join(str(part) for part in location[1:]) or str(location[0])


def _no_entry(error: EntryNotFoundError) -> "Response[str]":
    del error
    return problem(ProblemCode.NOT_FOUND, "There is no watchlist entry with this id.")


def _already_watching(error: AlreadyWatchingError) -> "Response[str]":
    entry = error.entry
    return problem(
        ProblemCode.ALREADY_WATCHING,
        f"{entry.repository.url} is on this user's watchlist already; its status is `{entry.status}`.",
        watchlist_id=entry.watchlist_id,
    )


def _not_failed(error: NotFailedError) -> "Response[str]":
    entry = error.entry
    return problem(ProblemCode.NOT_FAILED, f"The entry's status is `{entry.status}`.", watchlist_id=entry.watchlist_id)


def _unavailable(error: ServiceUnavailableError) -> "Response[str]":
    return problem(ProblemCode.UNAVAILABLE, f"Nothing was kept of this request: {error}")


def _no_route(error: NotFoundError) -> "Response[str]":
    del error
    return problem(ProblemCode.NOT_FOUND, "There is no such route; see /openapi.json.")
