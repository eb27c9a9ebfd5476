"""Errors of the HTTP API as RFC 9457 problem details: each code with its status and title, once."""

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, Field

from watchlist import limits

PROBLEM_JSON = "application/problem+json"
TYPE_PREFIX = "urn:repository-watchlist:problem:"


class ProblemCode(StrEnum):
    """The stable codes; a problem's `type` ends with one."""

    MALFORMED_JSON = "malformed_json"
    INVALID_FIELDS = "invalid_fields"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    BODY_TOO_LARGE = "body_too_large"
    NOT_FOUND = "not_found"
    NOT_YOURS = "not_yours"
    OPERATORS_ONLY = "operators_only"
    ALREADY_WATCHING = "already_watching"
    NOT_FAILED = "not_failed"
    HISTORY_CHANGED = "history_changed"
    NOT_READY = "not_ready"
    NO_WEBHOOK = "no_webhook"
    TOO_MANY_CHANNELS = "too_many_channels"
    CHANNEL_OFF = "channel_off"
    TOO_MANY_SHARES = "too_many_shares"
    CHECKED_LATELY = "checked_lately"
    LIMIT_REACHED = "limit_reached"
    WATCHLIST_FULL = "watchlist_full"
    REQUEST_IN_PROGRESS = "request_in_progress"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    NOT_DONE = "not_done"
    UNAVAILABLE = "unavailable"
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a code means.

    Attributes:
        advice: what whoever gets it can do.
        retry_after: seconds after which the same request can succeed; None where it must change first.
    """

    status: HTTPStatus
    title: str
    advice: str
    retry_after: int | None = None


_KINDS = {
    ProblemCode.MALFORMED_JSON: _Kind(
        HTTPStatus.BAD_REQUEST,
        "The body is not JSON",
        "Send JSON (RFC 8259) in UTF-8, nested no deeper than the fields are.",
    ),
    ProblemCode.INVALID_FIELDS: _Kind(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Fields are missing or have wrong values",
        "`errors` names each field at fault and what is wrong with it, the first ones if there are many.",
    ),
    ProblemCode.UNSUPPORTED_MEDIA_TYPE: _Kind(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "The body must be application/json",
        "Send the header `Content-Type: application/json` and a JSON body.",
    ),
    ProblemCode.BODY_TOO_LARGE: _Kind(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "The body is larger than any request of this route needs",
        "It was not read. Send less at once.",
    ),
    ProblemCode.NOT_FOUND: _Kind(
        HTTPStatus.NOT_FOUND,
        "There is nothing under this address",
        "Check the id. What was removed, and with a token what belongs to other users, is not there either.",
    ),
    ProblemCode.NOT_YOURS: _Kind(
        HTTPStatus.FORBIDDEN,
        "A user can act in their own name only",
        "Name the subject (`sub`) of the token, or nobody where the user is optional.",
    ),
    ProblemCode.OPERATORS_ONLY: _Kind(
        HTTPStatus.FORBIDDEN,
        "Only operators may see this",
        "Jobs and queues show what all users do: ask with IAM credentials, or as an operator.",
    ),
    ProblemCode.ALREADY_WATCHING: _Kind(
        HTTPStatus.CONFLICT,
        "This user watches this repository already",
        "`watchlist_id` names the entry: poll its status. An add that is sent again after its answer was lost ends "
        "here.",
    ),
    ProblemCode.NOT_FAILED: _Kind(
        HTTPStatus.CONFLICT,
        "Only a failed entry can be retried",
        "Poll the status; a retry is possible once it is `failed`.",
    ),
    ProblemCode.HISTORY_CHANGED: _Kind(
        HTTPStatus.GONE,
        "The cursor's commit is not in the history any more",
        "The history was rewritten, or its oldest commits have left the year, since the page that gave this cursor: "
        "begin again without a cursor.",
    ),
    ProblemCode.NOT_READY: _Kind(
        HTTPStatus.CONFLICT,
        "Only an entry that is ready can be checked",
        "Poll the status: an entry that is processing is being looked at, and a failed one can be retried.",
    ),
    ProblemCode.NO_WEBHOOK: _Kind(
        HTTPStatus.CONFLICT,
        "There is no webhook to test",
        "Set `webhook_url` in the notification settings first.",
    ),
    ProblemCode.TOO_MANY_CHANNELS: _Kind(
        HTTPStatus.CONFLICT,
        "This user has as many channels as a user can have",
        "Change one of them, or remove it first.",
    ),
    ProblemCode.TOO_MANY_SHARES: _Kind(
        HTTPStatus.CONFLICT,
        "This user shares as many addresses as a user can",
        "Revoke one of them first.",
    ),
    ProblemCode.CHANNEL_OFF: _Kind(
        HTTPStatus.CONFLICT,
        "Nothing is sent to this channel",
        "Set `enabled` to true first.",
    ),
    ProblemCode.CHECKED_LATELY: _Kind(
        HTTPStatus.TOO_MANY_REQUESTS,
        "The repository was looked at, or is to be, a moment ago",
        "Ask for its status; a check can be asked for again after `Retry-After`.",
        retry_after=int(limits.CHECK_NOW_INTERVAL.total_seconds()),
    ),
    ProblemCode.LIMIT_REACHED: _Kind(
        HTTPStatus.TOO_MANY_REQUESTS,
        "This user has used up what one user may ask for in an hour",
        "Nothing was done. Send the request again after `Retry-After`, or ask for less at once.",
        retry_after=3600,
    ),
    ProblemCode.WATCHLIST_FULL: _Kind(
        HTTPStatus.TOO_MANY_REQUESTS,
        "This user watches as many repositories as one user may",
        "Nothing was added. Stop watching some, or ask the operator; what was just removed counts for some minutes at "
        "most.",
        retry_after=int(limits.HOLDINGS_COUNTED_AGAIN.total_seconds()),
    ),
    ProblemCode.REQUEST_IN_PROGRESS: _Kind(
        HTTPStatus.CONFLICT,
        "The same request is being served",
        "A request with this Idempotency-Key is being served: send it again with the same key a little later.",
        retry_after=2,
    ),
    ProblemCode.IDEMPOTENCY_KEY_REUSED: _Kind(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "This Idempotency-Key came with another request before",
        "Send another key with another request.",
    ),
    ProblemCode.NOT_DONE: _Kind(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The time of the batch was up before this item",
        "Nothing was done for it. Send the items that were not done again, as another request: with an Idempotency-Key "
        "of its own.",
    ),
    ProblemCode.UNAVAILABLE: _Kind(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The service cannot do this now",
        "Send the same request again later; that is safe for every route.",
        retry_after=5,
    ),
    ProblemCode.INTERNAL_ERROR: _Kind(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "The service has failed",
        "The error was logged. Try again; if it stays, tell the operator the time and, behind API Gateway, the "
        "answer's header `apigw-requestid`.",
    ),
}


class FieldError(BaseModel):
    """One field at fault."""

    field: Annotated[
        str,
        Field(description="Path of the field, or the name of the parameter.", examples=["alerts.inactivity.days"]),
    ]
    message: Annotated[str, Field(description="What is wrong with it.", examples=["must be at most 365"])]


class Problem(BaseModel):
    """Problem details (RFC 9457). Members without a value are left out."""

    type: Annotated[
        str,
        Field(
            description=f"`{TYPE_PREFIX}` and the code; stable.", examples=[TYPE_PREFIX + ProblemCode.ALREADY_WATCHING]
        ),
    ]
    code: Annotated[ProblemCode, Field(description="What went wrong, stable: docs/problems.md explains each.")]
    title: Annotated[str, Field(description="The code in words.")]
    status: Annotated[int, Field(description="The HTTP status again.", examples=[HTTPStatus.CONFLICT])]
    detail: Annotated[str, Field(description="What went wrong this time, for a person.")]
    errors: Annotated[list[FieldError] | None, Field(description="The fields at fault, with `invalid_fields`.")] = None
    watchlist_id: Annotated[
        str | None,
        Field(
            description="The entry that the request is about, with `already_watching` and `not_failed`.",
            examples=["watchlist_pallets_flask_1764000000"],
        ),
    ] = None


def status_of(code: ProblemCode) -> HTTPStatus:
    """Return the HTTP status of a problem."""
    return _KINDS[code].status


def title_of(code: ProblemCode) -> str:
    """Return the code in words."""
    return _KINDS[code].title


def advice_on(code: ProblemCode) -> str:
    """Return what whoever gets the problem can do."""
    return _KINDS[code].advice


def retry_after(code: ProblemCode) -> int | None:
    """Return after how many seconds the same request can succeed; None where it must change first."""
    return _KINDS[code].retry_after


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
    pause = retry_after(details.code)
    return Response(
        details.status,
        PROBLEM_JSON,
        details.model_dump_json(exclude_none=True),
        headers=None if pause is None else {"Retry-After": str(pause)},
    )
