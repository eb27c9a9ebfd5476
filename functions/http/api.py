"""What all functions behind HTTP routes share: validation, problems for errors, correlation ids in the logs."""

import base64
import functools
import json
import re
from collections import Counter
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.api_gateway import Route, Router
from aws_lambda_powertools.event_handler.openapi import compat
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.http import merge_patch, refusals
from functions.http.callers import OPERATORS
from functions.http.compression import compressed
from functions.http.faults import REPEATED, unknown_parameter
from functions.http.problems import (
    PROBLEM_JSON,
    Problem,
    ProblemCode,
    advice_on,
    describe,
    problem,
)
from functions.lambda_function import Event, Handler, LambdaFunction
from functions.operators import Operators
from watchlist.deployment import routes
from watchlist.deployment.routes import Body
from watchlist.storage.failures import outage_in_words, passes

Answer = dict[str, Any]
"""What API Gateway makes a response of."""

_NO_IDENTIFIER = re.compile(r"[^A-Za-z0-9._-]")
_MERGE_PATCHES = frozenset(route.key for route in routes.ROUTES if route.body is Body.MERGE_PATCH)
_WITH_BODY = {route.key: route.most_bytes for route in routes.ROUTES if route.body is not Body.NONE}


# Powertools finds out anew for each parameter of each request whether it has one value.
setattr(compat, "field_annotation_is_scalar", functools.cache(compat.field_annotation_is_scalar))  # noqa: B010 - mypy allows no assignment to a function


def router() -> Router:
    """Return an empty set of routes."""
    return Router()  # type: ignore[no-untyped-call] # Powertools left its constructor untyped


def resolver(*routers: Router, misshapen: HTTPStatus | None = None) -> APIGatewayHttpResolver:
    """Return an API of `routers` whose every error is a problem.

    Args:
        routers: the routes.
        misshapen: the status of an answer that is not what its route says. None is for the OpenAPI document: Powertools
            would replace there what the routes say of this status. To answer requests, name a status: with None
            Powertools blames the caller.
    """
    app = APIGatewayHttpResolver(enable_validation=True, response_validation_error_http_code=misshapen)
    for each in routers:
        app.include_router(each)
    app.exception_handler([*refusals.KNOWN])(refusals.refuse)
    return app


def handler(function: LambdaFunction[Any], *routers: Router) -> Handler[Answer]:
    """Return the Lambda entry point of the function that answers `routers`."""
    logger = function.logger
    app = resolver(*routers, misshapen=HTTPStatus.INTERNAL_SERVER_ERROR)
    parameters, bodies = _parameters(app), _bodies(app)

    def unexpected(error: Exception) -> "Response[str]":
        if (outage := next(filter(passes, _chain(error)), None)) is not None:
            logger.warning("AWS did not answer", exc_info=error)
            return problem(ProblemCode.UNAVAILABLE, outage_in_words("A part of the service", outage))
        logger.error("unhandled error", exc_info=error)
        return problem(ProblemCode.INTERNAL_ERROR, "The error was logged.")

    def invalid(error: RequestValidationError) -> "Response[str]":
        return refusals.refuse_fields(error, bodies.get(app.current_event.raw_event["routeKey"]))

    app.exception_handler(Exception)(unexpected)
    app.exception_handler(RequestValidationError)(invalid)

    def handle(event: Event, context: LambdaContext) -> Answer:
        faults = _parameters_at_fault(event, parameters)
        if faults:
            return _refusal(refusals.fields_at_fault(((name,), message) for name, message in faults))
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
    body, headers = event.get("body") or "", event.get("headers") or {}
    size = len(body) * 3 // 4 if event.get("isBase64Encoded") else len(body.encode(errors="replace"))
    if size > _WITH_BODY[event["routeKey"]]:
        return ProblemCode.BODY_TOO_LARGE
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    is_merge_patch = content_type == merge_patch.CONTENT_TYPE and event["routeKey"] in _MERGE_PATCHES
    if body and not is_merge_patch and content_type not in {"application/json", ""}:
        return ProblemCode.UNSUPPORTED_MEDIA_TYPE
    # Powertools knows no other name of JSON, and fails at one that it does not know, also where there is no body.
    event["headers"] = {**headers, "content-type": "application/json"}
    if not body:
        return None
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
    return {_key(route): frozenset(field.alias for field in route.dependant.query_params) for route in _routes(app)}


def _bodies(app: APIGatewayHttpResolver) -> Mapping[str, object]:
    """Return the types of the bodies that routes take."""
    return {_key(route): route.dependant.body_params[0].type_ for route in _routes(app) if route.dependant.body_params}


def _routes(app: APIGatewayHttpResolver) -> list[Route]:
    # Powertools refuses unknown fields of a body and has no way to ask which parameters a route has
    return [*app._static_routes, *app._dynamic_routes]  # noqa: SLF001


def _key(route: Route) -> str:
    return f"{route.method} {route.path}".replace("<", "{").replace(">", "}")


def _parameters_at_fault(event: Event, parameters: Mapping[str, frozenset[str]]) -> list[tuple[str, str]]:
    """Return the query parameters that the request's route does not know or has twice, each with what is wrong."""
    known = parameters.get(str(event.get("routeKey")))
    if known is None:
        return []
    unknown = [name for name in sorted(event.get("queryStringParameters") or {}) if name not in known]
    times = Counter(name for name, _ in parse_qsl(event.get("rawQueryString") or "", keep_blank_values=True))
    repeated = [name for name in sorted(known) if times[name] > 1]
    return [*((name, unknown_parameter(known)) for name in unknown), *((name, REPEATED) for name in repeated)]
