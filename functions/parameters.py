"""Parameters that several routes share."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from pydantic import StringConstraints

from watchlist import limits

WatchlistId = Annotated[str, Path(description="The id that adding the repository answered with.", max_length=300)]

UserName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=limits.USER_CHARACTERS, strict=True)
]
"""Who watches: any text, since identity providers use email addresses, ids and names."""

UserWatchlistId = Annotated[str, Path(description="The `user_watchlist_id` of the status answer.", max_length=400)]

AlertId = Annotated[str, Path(description="The `id` of the alert.", max_length=100)]

Cursor = Annotated[
    str | None, Query(max_length=limits.CURSOR_CHARACTERS, description="The `next_cursor` of the page before.")
]
