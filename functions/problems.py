"""Errors of the HTTP API as RFC 9457 problem details: each code with its status and title, once."""

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, Field

PROBLEM_JSON = "application/problem+json"
TYPE_PREFIX = "urn:repository-watchlist:problem:"


class ProblemCode(StrEnum):
    """The stable codes; a problem's `type` ends with one."""

    MALFORMED_JSON = "malformed_json"
    INVALID_FIELDS = "invalid_fields"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    NOT_FOUND = "not_found"
    NOT_YOURS = "not_yours"
    ALREADY_WATCHING = "already_watching"
    NOT_FAILED = "not_failed"
    REQUEST_IN_PROGRESS = "request_in_progress"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    UNAVAILABLE = "unavailable"
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True, slots=True)
class _Kind:
    status: HTTPStatus
    title: str


_KINDS = {
    ProblemCode.MALFORMED_JSON: _Kind(HTTPStatus.BAD_REQUEST, "The body is not JSON"),
    ProblemCode.INVALID_FIELDS: _Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "Fields are missing or have wrong values"),
    ProblemCode.UNSUPPORTED_MEDIA_TYPE: _Kind(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must be application/json"),
    ProblemCode.NOT_FOUND: _Kind(HTTPStatus.NOT_FOUND, "There is nothing under this address"),
    ProblemCode.NOT_YOURS: _Kind(HTTPStatus.FORBIDDEN, "A user can act in their own name only"),
    ProblemCode.ALREADY_WATCHING: _Kind(HTTPStatus.CONFLICT, "This user watches this repository already"),
    ProblemCode.NOT_FAILED: _Kind(HTTPStatus.CONFLICT, "Only a failed entry can be retried"),
    ProblemCode.REQUEST_IN_PROGRESS: _Kind(HTTPStatus.CONFLICT, "The same request is being served"),
    ProblemCode.IDEMPOTENCY_KEY_REUSED: _Kind(
        HTTPStatus.UNPROCESSABLE_ENTITY, "This Idempotency-Key came with another request before"
    ),
    ProblemCode.UNAVAILABLE: _Kind(HTTPStatus.SERVICE_UNAVAILABLE, "The service cannot take this now; try again"),
    ProblemCode.INTERNAL_ERROR: _Kind(HTTPStatus.INTERNAL_SERVER_ERROR, "The service has failed"),
}


class FieldError(BaseModel):
    """One field at fault."""

    field: Annotated[str, Field(description="Path of the field, as in `alerts.inactivity.days`.")]
    message: Annotated[str, Field(description="What is wrong with it.")]


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    type: Annotated[str, Field(description=f"`{TYPE_PREFIX}` and the code.")]
    code: ProblemCode
    title: str
    status: int
    detail: str
    errors: list[FieldError] | None = None
    watchlist_id: Annotated[str | None, Field(description="The entry that the request is about, if any.")] = None


def status_of(code: ProblemCode) -> HTTPStatus:
    """Return the HTTP status of a problem."""
    return _KINDS[code].status


def describe(
    code: ProblemCode, detail: str, errors: list[FieldError] | None = None, watchlist_id: str | None = None
) -> Problem:
    """Return the details of a problem."""
    kind = _KINDS[code]
    return Problem(
        type=TYPE_PREFIX + code,
        code=code,
        title=kind.title,
        status=kind.status,
        detail=detail,
        errors=errors,
        watchlist_id=watchlist_id,
    )


def problem(
    code: ProblemCode, detail: str, errors: list[FieldError] | None = None, watchlist_id: str | None = None
) -> "Response[str]":
    """Return the answer for a problem."""
    return answer(describe(code, detail, errors, watchlist_id))


def answer(details: Problem) -> "Response[str]":
    """Return the answer with these details."""
    headers = {"Retry-After": "5"} if details.status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return Response(details.status, PROBLEM_JSON, details.model_dump_json(exclude_none=True), headers=headers)
