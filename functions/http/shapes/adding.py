"""What an add or a retry answers."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field

from functions.http.problems import Problem
from functions.http.shapes.fields import ShownStatus, UserWatchlistId, WatchlistId
from watchlist.states import EntryStatus


class AddAnswer(BaseModel):
    """What became of an add or a retry."""

    message: Annotated[
        str,
        Field(
            description="For a person.",
            examples=["Repository added to watchlist. Background processing will begin shortly."],
        ),
    ]
    watchlist_id: WatchlistId
    user_watchlist_id: Annotated[
        UserWatchlistId | None,
        Field(description="Names the user's watch on it; null in the answer to a retry."),
    ] = None
    status: Annotated[ShownStatus, Field(description="The entry's status now.", examples=[EntryStatus.PROCESSING])]


class BatchOutcome(StrEnum):
    """What became of one item of a batch add."""

    ACCEPTED = "accepted"
    JOINED = "joined"
    ALREADY_WATCHING = "already_watching"
    REJECTED = "rejected"
    NOT_DONE = "not_done"


class BatchItemAnswer(BaseModel):
    """The result of one item of a batch add."""

    index: Annotated[int, Field(description="The item's place in the request, from 0.", examples=[0])]
    outcome: Annotated[
        BatchOutcome,
        Field(
            description="`accepted`: the repository is new. `joined`: others watch it already, and now this user too. "
            "`already_watching`: nothing changed. `rejected`: see `problem`. `not_done`: the time of the batch was up; "
            "send the item again in another one.",
            examples=[BatchOutcome.ACCEPTED],
        ),
    ]
    watchlist_id: Annotated[WatchlistId | None, Field(description="The entry; null if rejected.")]
    user_watchlist_id: Annotated[UserWatchlistId | None, Field(description="The user's watch; null if rejected.")] = (
        None
    )
    status: Annotated[ShownStatus | None, Field(description="The entry's status; null if rejected.")]
    problem: Annotated[
        Problem | None,
        Field(description="Why it was not added, as the single add would answer; else null.", examples=[None]),
    ]


class BatchAnswer(BaseModel):
    """One result per item, in the order of the request."""

    results: Annotated[list[BatchItemAnswer], Field(description="As many as there were items.")]
