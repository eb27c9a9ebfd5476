"""Parameters that several routes share."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path
from pydantic import StringConstraints

from watchlist import limits

WatchlistId = Annotated[str, Path(description="The id that adding the repository answered with.", max_length=300)]

UserName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=limits.USER_CHARACTERS, strict=True)
]
"""Who watches: any text, since identity providers use email addresses, ids and names."""
