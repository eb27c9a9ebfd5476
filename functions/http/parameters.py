"""Parameters that several routes share."""

import re
from datetime import UTC, datetime
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from watchlist import limits
from watchlist.health.verdict import VerdictState
from watchlist.text import NOT_BLANK, unicode_text

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_NUMBER = re.compile(r"\d{1,9}")


def _written_as_number(value: object) -> object:
    """Refuse what only Python takes for a number, as ` 1_0.0`."""
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise ValueError("must be a whole number in decimal digits")
    return value


def _written_as_moment(value: object) -> object:
    """Refuse what is no moment of RFC 3339, as seconds since 1970 or a day."""
    if isinstance(value, str) and not _MOMENT.fullmatch(value):
        raise ValueError("must be a moment with its offset from UTC, like 2026-01-31T12:00:00Z (write + as %2B)")
    return value


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie in the years 1 to 9999 of UTC") from None


WatchlistId = Annotated[
    str,
    Path(
        description="The `watchlist_id` that adding the repository answered with.",
        max_length=limits.IDENTIFIER_CHARACTERS,
        examples=["watchlist_pallets_flask_1764000000"],
    ),
]

UserName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=limits.USER_CHARACTERS, strict=True),
    AfterValidator(unicode_text),
    Field(json_schema_extra={"pattern": NOT_BLANK}),
]
"""Who watches: any text, since identity providers use email addresses, ids and names."""


User = Annotated[UserName, Query(description="Of whom: with a token it is its subject.", examples=["ada@example.org"])]
"""Of whom a route shows or changes something: of the caller, or with the rights of an operator of anybody."""


def _are_different(labels: list[str]) -> list[str]:
    return list(dict.fromkeys(labels))


Label = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=limits.LABEL_CHARACTERS, strict=True),
    AfterValidator(unicode_text),
    Field(json_schema_extra={"pattern": NOT_BLANK}),
]
Labels = Annotated[list[Label], Field(max_length=limits.LABELS), AfterValidator(_are_different)]
"""Short texts of a user's own; one that is named twice counts once."""

Notes = Annotated[str, Field(strict=True, max_length=limits.NOTES_CHARACTERS), AfterValidator(unicode_text)]
"""Why a repository is watched."""

UserWatchlistId = Annotated[
    str,
    Path(
        description="The `user_watchlist_id` of a status or watchlist answer.",
        max_length=400,
        examples=["user_cfe00dde46ef942601ffafb9e2825e80_watchlist_pallets_flask_1764000000"],
    ),
]

AlertId = Annotated[
    str,
    Path(description="The `id` of the alert.", max_length=100, examples=["alert_7f3c1f0d2a9b4e5c8d6f7a8b9c0d1e2f"]),
]

ChannelId = Annotated[
    str,
    Path(
        description="The `channel_id` of the channel.",
        max_length=100,
        examples=["channel_cfe00dde46ef942601ffafb9e2825e80_0_9b1f0c6a2e4d8073"],
    ),
]

Token = Annotated[
    str,
    Path(
        description="What the address was made with, and cannot be guessed.",
        max_length=100,
        examples=["yD4sbhXr0qM1rJ0Tq1oVd8oMx0F3n0k8Yw2m5s7u9aQ"],
    ),
]
"""Whoever has it may see what the address shows, or do what it is for."""

Cursor = Annotated[
    str | None,
    Query(
        max_length=limits.CURSOR_CHARACTERS,
        description="The `next_cursor` of the page before. It is opaque, and good for the same list only.",
        json_schema_extra={"format": "cursor"},
    ),
]

CommitLimit = Annotated[
    int,
    Field(ge=1, le=limits.COMMITS_PAGE_MAX),
    BeforeValidator(_written_as_number),
    Query(description="Most commits on the page."),
]

WatchlistLimit = Annotated[
    int,
    Field(ge=1, le=limits.WATCHLIST_PAGE_MAX),
    BeforeValidator(_written_as_number),
    Query(description="Most entries on the page."),
]

HealthLimit = Annotated[
    int,
    Field(ge=1, le=limits.HEALTH_PAGE_MAX),
    BeforeValidator(_written_as_number),
    Query(description="Most analyses on the page."),
]

ReleaseLimit = Annotated[
    int,
    Field(ge=1, le=limits.RELEASES_PAGE_MAX),
    BeforeValidator(_written_as_number),
    Query(description="Most releases on the page."),
]

_ID = r"[A-Za-z0-9._-]{1,320}"
_IDS = re.compile(f"{_ID}(,{_ID}){{0,{limits.COMPARED - 1}}}")


def _are_compared(text: str) -> str:
    if not _IDS.fullmatch(text):
        raise ValueError(f"must be at most {limits.COMPARED} ids, with commas between")
    return ",".join(dict.fromkeys(text.split(",")))


ComparedIds = Annotated[
    str,
    AfterValidator(_are_compared),
    Field(max_length=limits.COMPARED * 321, json_schema_extra={"pattern": f"^{_IDS.pattern}$"}),
]
"""Several ids of entries, with commas between."""

AlertLimit = Annotated[
    int,
    Field(ge=1, le=limits.ALERTS_PAGE_MAX),
    BeforeValidator(_written_as_number),
    Query(description="Most alerts on the page."),
]

_VERDICT = "|".join(VerdictState)


def verdicts_in(text: str | None) -> frozenset[VerdictState]:
    """Return the verdicts that `text` names, with commas between."""
    return frozenset(VerdictState(name) for name in text.split(",")) if text else frozenset()


def _are_verdicts(text: str) -> str:
    try:
        verdicts_in(text)
    except ValueError:
        raise ValueError(f"must be one or several of {', '.join(VerdictState)}, with commas between") from None
    return text


Verdicts = Annotated[
    str,
    AfterValidator(_are_verdicts),
    Field(max_length=200, json_schema_extra={"pattern": f"^({_VERDICT})(,({_VERDICT}))*$"}),
]
"""Several verdicts, with commas between."""

Moment = Annotated[datetime, BeforeValidator(_written_as_moment), AfterValidator(_in_utc)]
