"""What an error that a route raised is to whoever sent the request: one row for each."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any, Final

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from functions.http.callers import NotYoursError, OperatorsOnlyError
from functions.http.faults import sentence, with_known_fields
from functions.http.problems import FieldError, Problem, ProblemCode, answer, describe
from watchlist import limits
from watchlist.alerts.store import AlertNotFoundError
from watchlist.errors import RequestRefusedError, ServiceUnavailableError
from watchlist.history.store import HistoryChangedError
from watchlist.notifications.channels import ChannelNotFoundError, TooManyChannelsError
from watchlist.storage.cursors import InvalidCursorError
from watchlist.watching.allowances import LimitReachedError, WatchlistFullError
from watchlist.watching.entries import (
    AlreadyWatchingError,
    CheckedLatelyError,
    EntryNotFoundError,
    NotFailedError,
    NotReadyError,
)
from watchlist.watching.shares import ShareNotFoundError, TooManySharesError
from watchlist.watching.user_entries import UserEntryNotFoundError

MOST_FAULTS = 20
"""Fields at fault that one problem names."""

_FIELD_CHARACTERS = 80
"""Longest path of a field that is repeated to its sender."""


def problem_of(error: Exception) -> Problem:
    """Return the problem of one of the errors in `KNOWN`."""
    return next(describe_it for kind, describe_it in _PROBLEMS.items() if isinstance(error, kind))(error)


def refuse(error: Exception) -> "Response[str]":
    """Return the answer for one of the errors in `KNOWN`; where the error knows how long to wait, that is said."""
    refusal = answer(problem_of(error))
    if isinstance(error, RequestRefusedError) and error.wait is not None:
        refusal.headers["Retry-After"] = str(_seconds(error.wait))
    return refusal


def fields_at_fault(faults: Iterable[tuple[Sequence[object], str]], most: int = MOST_FAULTS) -> Problem:
    """Return the problem for fields, each given by its path and what is wrong with it; no more than `most` are read."""
    errors = [
        FieldError(field=_readable(".".join(map(str, path))), message=message) for path, message in islice(faults, most)
    ]
    names = ", ".join(sorted({item.field for item in errors}))
    return describe(ProblemCode.INVALID_FIELDS, f"See `errors`: {names}.", errors)


def _readable(field: str) -> str:
    return field[:_FIELD_CHARACTERS].encode(errors="replace").decode()


def refuse_fields(error: RequestValidationError, body: object) -> "Response[str]":
    """Return the answer for a request of a route whose body is of that type."""
    return answer(_invalid(error, body))


def _invalid(error: RequestValidationError, body: object = None) -> Problem:
    faults = ((fault, fault["loc"][1:] or fault["loc"]) for fault in error.errors())
    return fields_at_fault((path, sentence(with_known_fields(fault, body, path))) for fault, path in faults)


def _none_with_this_id(what: str) -> Callable[[Exception], Problem]:
    return lambda error: describe(ProblemCode.NOT_FOUND, f"There is no {what} with this id.{_another_kind(str(error))}")


_KINDS_OF_IDS = {
    "watchlist_": "an entry (`watchlist_id`)",
    "user_": "a user's watch (`user_watchlist_id`)",
    "alert_": "an alert",
    "channel_": "a channel",
}


def _another_kind(wrong: str) -> str:
    """Return what an id that was not found looks like; nothing if it looks like none of ours."""
    kind = next((kind for prefix, kind in _KINDS_OF_IDS.items() if wrong.startswith(prefix)), None)
    return "" if kind is None else f" It looks like the id of {kind}."


def _wrong_status(code: ProblemCode) -> Callable[[NotFailedError | NotReadyError], Problem]:
    return lambda error: describe(
        code, f"The entry's status is `{error.entry.status}`.", watchlist_id=error.entry.watchlist_id
    )


def _already_watching(error: AlreadyWatchingError) -> Problem:
    entry = error.entry
    return describe(
        ProblemCode.ALREADY_WATCHING,
        f"{entry.repository.url} is on this user's watchlist already; its status is `{entry.status}`.",
        watchlist_id=entry.watchlist_id,
    )


def _checked_lately(error: CheckedLatelyError) -> Problem:
    wait = _seconds(error.wait)
    return describe(ProblemCode.CHECKED_LATELY, f"A check can be asked for again in {wait} seconds.")


def _limit_reached(error: LimitReachedError) -> Problem:
    wait = _seconds(error.wait)
    return describe(
        ProblemCode.LIMIT_REACHED,
        f"A user may ask for {error.most} {error.allowance} an hour; the next hour begins in {wait} seconds.",
    )


def _watchlist_full(error: WatchlistFullError) -> Problem:
    return describe(ProblemCode.WATCHLIST_FULL, f"A user may watch {error.most} repositories.")


def _seconds(wait: timedelta) -> int:
    return max(1, math.ceil(wait.total_seconds()))


def _says(code: ProblemCode, detail: str) -> Callable[[Exception], Problem]:
    return lambda _: describe(code, detail)


def _says_itself(code: ProblemCode) -> Callable[[Exception], Problem]:
    return lambda error: describe(code, str(error))


_PROBLEMS: Mapping[type[Exception], Callable[[Any], Problem]] = {
    RequestValidationError: _invalid,
    InvalidCursorError: lambda error: fields_at_fault([(("cursor",), str(error))]),
    NotFoundError: _says(ProblemCode.NOT_FOUND, "There is no such route; see /docs."),
    EntryNotFoundError: _none_with_this_id("watchlist entry"),
    UserEntryNotFoundError: _none_with_this_id("user entry"),
    ChannelNotFoundError: _none_with_this_id("channel"),
    TooManyChannelsError: _says(ProblemCode.TOO_MANY_CHANNELS, f"A user can have {limits.CHANNELS} channels."),
    ShareNotFoundError: _says(ProblemCode.NOT_FOUND, "There is no such address, or it was revoked."),
    TooManySharesError: _says(ProblemCode.TOO_MANY_SHARES, f"A user can share {limits.SHARES} addresses."),
    AlertNotFoundError: _none_with_this_id("alert"),
    NotYoursError: _says_itself(ProblemCode.NOT_YOURS),
    OperatorsOnlyError: _says(ProblemCode.OPERATORS_ONLY, "The request's token names a user."),
    AlreadyWatchingError: _already_watching,
    NotFailedError: _wrong_status(ProblemCode.NOT_FAILED),
    NotReadyError: _wrong_status(ProblemCode.NOT_READY),
    HistoryChangedError: _says(
        ProblemCode.HISTORY_CHANGED, "Nothing is known to come after the commit that this cursor points at."
    ),
    CheckedLatelyError: _checked_lately,
    LimitReachedError: _limit_reached,
    WatchlistFullError: _watchlist_full,
    ServiceUnavailableError: _says_itself(ProblemCode.UNAVAILABLE),
}

KNOWN: Final = tuple(_PROBLEMS)
"""The errors that every route may raise."""
