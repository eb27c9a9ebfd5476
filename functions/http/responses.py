"""How a route's answers stand in the OpenAPI document."""

from collections import defaultdict
from http import HTTPStatus

from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse, OpenAPIResponseHeader
from pydantic import BaseModel, WithJsonSchema

from functions.http.problems import PROBLEM_JSON, Problem, ProblemCode, advice_on, describe, retry_after, status_of

_EVERYWHERE = (ProblemCode.INTERNAL_ERROR, ProblemCode.UNAVAILABLE)

STORED_MODEL = "x-stored-model"
"""Marks in a schema a stored object, until `functions.http.openapi.document` puts its model's schema there."""

stored_models: dict[str, type[BaseModel]] = {}
"""The models of objects that are answered as they were stored."""

patched_models: dict[str, type[BaseModel]] = {}
"""The models that requests change in part, by the names of their patches' schemas."""

LOCATION = OpenAPIResponseHeader(description="The path of the entry's status.", schema={"type": "string"})
ETAG = OpenAPIResponseHeader(
    description="Changes whenever the answer does; send it back as `If-None-Match`.", schema={"type": "string"}
)
RETRY_AFTER = OpenAPIResponseHeader(
    description="Seconds after which asking again can show something new.", schema={"type": "integer", "minimum": 1}
)
CACHE_CONTROL = OpenAPIResponseHeader(description="Who may keep the answer.", schema={"type": "string"})


def of(success: dict[int, OpenAPIResponse], *codes: ProblemCode) -> dict[int, OpenAPIResponse]:
    """Return all answers of a route: its successes and, by status, the problems that it can answer with."""
    by_status: defaultdict[HTTPStatus, list[ProblemCode]] = defaultdict(list)
    for code in (*codes, *_EVERYWHERE):
        by_status[status_of(code)].append(code)
    return success | {int(status): _problems(of_status) for status, of_status in sorted(by_status.items())}


def _problems(codes: list[ProblemCode]) -> OpenAPIResponse:
    response = OpenAPIResponse(
        description="\n".join(f"* `{code}`: {advice_on(code)}" for code in codes),
        content={
            PROBLEM_JSON: {
                "model": Problem,
                "examples": {
                    code: {"value": describe(code, advice_on(code)).model_dump(mode="json", exclude_none=True)}
                    for code in codes
                },
            }
        },
    )
    if any(retry_after(code) is not None for code in codes):
        response["headers"] = {"Retry-After": RETRY_AFTER}
    return response


def stored_as(model: type[BaseModel]) -> WithJsonSchema:
    """Return what documents a stored object as `model`, though it is answered as it was stored."""
    stored_models[model.__name__] = model
    return WithJsonSchema({STORED_MODEL: model.__name__})


def patch_of(model: type[BaseModel]) -> WithJsonSchema:
    """Return what documents a JSON merge patch of `model`; it is taken as any object, and validated as a whole."""
    name = f"{model.__name__}Patch"
    patched_models[name] = model
    return WithJsonSchema({STORED_MODEL: name})
