"""What all functions behind HTTP routes share: validation, problems for errors, correlation ids in the logs."""

import base64
import json
import math
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.http import merge_patch
from functions.http.callers import OPERATORS, NotYoursError, OperatorsOnlyError
from functions.http.compression import compressed
from functions.http.faults import sentence, unknown_parameter
from functions.http.problems import (
    PROBLEM_JSON,
    FieldError,
    Problem,
    ProblemCode,
    advice_on,
    answer,
    describe,
    problem,
)
from functions.lambda_function import Event, Handler, LambdaFunction
from functions.operators import Operators
from watchlist.alerts.store import AlertNotFoundError
from watchlist.deployment import routes
from watchlist.deployment.routes import Body
from watchlist.history.store import HistoryChangedError
from watchlist.storage.cursors import InvalidCursorError
from watchlist.storage.failures import passes
from watchlist.storage.transactions import ServiceUnavailableError
from watchlist.watching.allowances import LimitReachedError
from watchlist.watching.entries import (
    AlreadyWatchingError,
    CheckedLatelyError,
    EntryNotFoundError,
    NotFailedError,
    NotReadyError,
)
from watchlist.watching.user_entries import UserEntryNotFoundError

Answer = dict[str, Any]
"""What API Gateway makes a response of."""

MOST_FAULTS = 20
"""Fields at fault that one problem names."""

_FIELD_CHARACTERS = 80
"""Longest path of a field that is repeated to its sender."""

_NO_IDENTIFIER = re.compile(r"[^A-Za-z0-9._-]")
_MERGE_PATCHES = frozenset(route.key for route in routes.ROUTES if route.body is Body.MERGE_PATCH)
_WITH_BODY = frozenset(route.key for route in routes.ROUTES if route.body is not Body.NONE)


def router() -> Router:
    """Return an empty set of routes."""
    return Router()  # type: ignore[no-untyped-call] # Powertools left its constructor untyped


def resolver(*routers: Router, misshapen: HTTPStatus | None = None) -> APIGatewayHttpResolver:
    """Return an API of `routers` whose every error is a problem.

    Args:
        routers: the routes.
        misshapen: the status of an answer that is not what its route says. With None Powertools blames the caller, but
            leaves what the routes say of this status in the OpenAPI document.
    """
    app = APIGatewayHttpResolver(enable_validation=True, response_validation_error_http_code=misshapen)
    for each in routers:
        app.include_router(each)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(InvalidCursorError)(_invalid_cursor)
    app.exception_handler(EntryNotFoundError)(_no_entry)
    app.exception_handler(UserEntryNotFoundError)(_no_user_entry)
    app.exception_handler(AlertNotFoundError)(_no_alert)
    app.exception_handler(NotYoursError)(_not_yours)
    app.exception_handler(OperatorsOnlyError)(_operators_only)
    app.exception_handler(AlreadyWatchingError)(_already_watching)
    app.exception_handler(NotFailedError)(_not_failed)
    app.exception_handler(HistoryChangedError)(_history_changed)
    app.exception_handler(NotReadyError)(_not_ready)
    app.exception_handler(CheckedLatelyError)(_checked_lately)
    app.exception_handler(LimitReachedError)(_limit_reached)
    app.exception_handler(ServiceUnavailableError)(_unavailable)
    app.not_found(_no_route)
    return app


def handler(function: LambdaFunction[Any], *routers: Router) -> Handler[Answer]:
    """Return the Lambda entry point of the function that answers `routers`."""
    logger = function.logger
    app = resolver(*routers, misshapen=HTTPStatus.INTERNAL_SERVER_ERROR)
    parameters = _parameters(app)

    def unexpected(error: Exception) -> "Response[str]":
        if any(passes(each) for each in _chain(error)):
            logger.warning("AWS did not answer", exc_info=error)
            return problem(ProblemCode.UNAVAILABLE, "A part of the service did not answer.")
        logger.error("unhandled error", exc_info=error)
        return problem(ProblemCode.INTERNAL_ERROR, "The error was logged.")

    app.exception_handler(Exception)(unexpected)

    def handle(event: Event, context: LambdaContext) -> Answer:
        unknown = _unknown_parameters(event, parameters)
        if unknown:
            return _refusal(fields_at_fault([((name,), unknown_parameter(known)) for name, known in unknown]))
        # Powertools reads the body before any middleware runs: a form as if it were JSON, and JSON without bounds.
        unreadable = _unreadable_body(event) if event.get("routeKey") in _WITH_BODY else None
        if unreadable is not None:
            return _refusal(describe(unreadable, advice_on(unreadable)))
        app.context[OPERATORS] = Operators(function.settings.operator_claim, function.settings.operator_value)
        for router in routers:  # who describes all routes in this process includes them in an API of their own
            router.context = app.context
        return compressed(app.resolve(event, context), (event.get("headers") or {}).get("accept-encoding", ""))

    return function.handler(handle, correlation_id_path="requestContext.requestId")


def rule(route: routes.Route) -> str:
    """Return a route's path as Powertools writes it: `<name>` for a variable part."""
    return route.path.replace("{", "<").replace("}", ">")


def correlation_id(logger: Logger) -> str:
    """Return the request's id, which goes with its job through message and task."""
    return _NO_IDENTIFIER.sub("-", logger.get_correlation_id() or "none")


def _chain(error: BaseException | None) -> list[BaseException]:
    """Return the error and what it was raised from."""
    return [] if error is None else [error, *_chain(error.__cause__)]


def _unreadable_body(event: Event) -> ProblemCode | None:
    """Return what is wrong with a body before its fields are looked at; None if it is JSON."""
    body = event.get("body") or ""
    if not body:
        return None
    content_type = (event.get("headers") or {}).get("content-type", "").partition(";")[0].strip().lower()
    if content_type == merge_patch.CONTENT_TYPE and event.get("routeKey") in _MERGE_PATCHES:
        event["headers"]["content-type"] = "application/json"  # Powertools knows no other name of JSON
    elif content_type not in {"application/json", ""}:
        return ProblemCode.UNSUPPORTED_MEDIA_TYPE
    try:
        text = base64.b64decode(body).decode() if event.get("isBase64Encoded") else body
        json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):  # no JSON, no UTF-8, no base64, numbers too long, nesting too deep
        return ProblemCode.MALFORMED_JSON
    return None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _refusal(details: Problem) -> dict[str, Any]:
    return {
        "statusCode": details.status,
        "headers": {"content-type": PROBLEM_JSON},
        "body": details.model_dump_json(exclude_none=True),
    }


def _parameters(app: APIGatewayHttpResolver) -> Mapping[str, frozenset[str]]:
    """Return the query parameters that each route knows."""
    # Powertools refuses unknown fields of a body and has no way to ask which parameters a route has
    known = [*app._static_routes, *app._dynamic_routes]  # noqa: SLF001
    return {
        f"{route.method} {route.path}".replace("<", "{").replace(">", "}"): frozenset(
            field.alias for field in route.dependant.query_params
        )
        for route in known
    }


def _unknown_parameters(event: Event, parameters: Mapping[str, frozenset[str]]) -> list[tuple[str, frozenset[str]]]:
    """Return the query parameters that the request's route does not know, each with those that it knows."""
    known = parameters.get(str(event.get("routeKey")))
    if known is None:
        return []
    return [(name, known) for name in sorted(event.get("queryStringParameters") or {}) if name not in known]


def _invalid(error: RequestValidationError) -> "Response[str]":
    return answer(fields_at_fault([(item["loc"][1:] or item["loc"], sentence(item)) for item in error.errors()]))


def _invalid_cursor(error: InvalidCursorError) -> "Response[str]":
    return answer(fields_at_fault([(("cursor",), str(error))]))


def fields_at_fault(faults: Sequence[tuple[Sequence[object], str]], most: int = MOST_FAULTS) -> Problem:
    """Return the problem for fields, each given by its path and what is wrong with it; `most` of them are named."""
    errors = [FieldError(field=_readable(".".join(map(str, path))), message=message) for path, message in faults[:most]]
    names = ", ".join(sorted({item.field for item in errors}))
    return describe(ProblemCode.INVALID_FIELDS, f"See `errors`: {names}.", errors)


def _readable(field: str) -> str:
    return field[:_FIELD_CHARACTERS].encode(errors="replace").decode()


def _no_entry(error: EntryNotFoundError) -> "Response[str]":
    return problem(ProblemCode.NOT_FOUND, f"There is no watchlist entry with this id.{_another_kind(str(error))}")


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
    return problem(ProblemCode.NOT_FOUND, f"There is no user entry with this id.{_another_kind(str(error))}")


def _no_alert(error: AlertNotFoundError) -> "Response[str]":
    return problem(ProblemCode.NOT_FOUND, f"There is no alert with this id.{_another_kind(str(error))}")


_KINDS_OF_IDS = {
    "watchlist_": "an entry (`watchlist_id`)",
    "user_": "a user's watch (`user_watchlist_id`)",
    "alert_": "an alert",
}


def _another_kind(wrong: str) -> str:
    """Return what an id that was not found looks like; nothing if it looks like none of ours."""
    kind = next((kind for prefix, kind in _KINDS_OF_IDS.items() if wrong.startswith(prefix)), None)
    return "" if kind is None else f" It looks like the id of {kind}."


def _not_yours(error: NotYoursError) -> "Response[str]":
    return answer(not_yours(error))


def not_yours(error: NotYoursError) -> Problem:
    """Return the problem for acting in another's name."""
    return describe(ProblemCode.NOT_YOURS, str(error))


def _operators_only(error: OperatorsOnlyError) -> "Response[str]":
    del error
    return problem(ProblemCode.OPERATORS_ONLY, "The request's token names a user.")


def _not_failed(error: NotFailedError) -> "Response[str]":
    entry = error.entry
    return problem(ProblemCode.NOT_FAILED, f"The entry's status is `{entry.status}`.", watchlist_id=entry.watchlist_id)


def _history_changed(error: HistoryChangedError) -> "Response[str]":
    del error
    return problem(ProblemCode.HISTORY_CHANGED, "Nothing is known to come after the commit that this cursor points at.")


def _not_ready(error: NotReadyError) -> "Response[str]":
    entry = error.entry
    return problem(ProblemCode.NOT_READY, f"The entry's status is `{entry.status}`.", watchlist_id=entry.watchlist_id)


def _checked_lately(error: CheckedLatelyError) -> "Response[str]":
    seconds = max(1, round(error.wait.total_seconds()))
    response = problem(ProblemCode.CHECKED_LATELY, f"A check can be asked for again in {seconds} seconds.")
    response.headers["Retry-After"] = str(seconds)
    return response


def _limit_reached(error: LimitReachedError) -> "Response[str]":
    seconds = max(1, math.ceil(error.wait.total_seconds()))
    detail = f"A user may ask for {error.most} {error.allowance} an hour; the next hour begins in {seconds} seconds."
    response = problem(ProblemCode.LIMIT_REACHED, detail)
    response.headers["Retry-After"] = str(seconds)
    return response


def _unavailable(error: ServiceUnavailableError) -> "Response[str]":
    return answer(unavailable(error))


def unavailable(error: ServiceUnavailableError) -> Problem:
    """Return the problem for what the service could not do now."""
    return describe(ProblemCode.UNAVAILABLE, str(error))


def _no_route(error: NotFoundError) -> "Response[str]":
    del error
    return problem(ProblemCode.NOT_FOUND, "There is no such route; see /docs.")
