"""What a page of a user's watchlist shows."""

from typing import Annotated

from pydantic import BaseModel, Field

from functions.http.shapes.fields import (
    Alerts,
    Moment,
    NextCursor,
    RepositoryUrl,
    Score,
    ShownStatus,
    UserWatchlistId,
    WatchlistId,
    shown_status,
)
from watchlist.storage.records import Entry, UserEntry


class WatchedAnswer(BaseModel):
    """One entry of a user's watchlist: the watch and, in short, what is watched."""

    user_watchlist_id: UserWatchlistId
    watchlist_id: WatchlistId
    repository_url: RepositoryUrl
    status: Annotated[ShownStatus, Field(description="The entry's status.")]
    score: Score
    analyzed_at: Annotated[Moment | None, Field(description="When the last analysis ended.")]
    added_at: Annotated[Moment, Field(description="When the user added it.")]
    notes: Annotated[str | None, Field(description="Why, in the user's words.", examples=["We depend on it."])]
    alerts: Alerts

    @classmethod
    def of(cls, user_entry: UserEntry, entry: Entry) -> "WatchedAnswer":
        """Show a user entry with its entry."""
        return cls(
            user_watchlist_id=user_entry.user_watchlist_id,
            watchlist_id=entry.watchlist_id,
            repository_url=entry.repository.url,
            status=shown_status(entry.entry_status),
            score=entry.score,
            analyzed_at=entry.analyzed_at,
            added_at=user_entry.added_at,
            notes=user_entry.notes,
            alerts=user_entry.alerts,
        )


class WatchlistPage(BaseModel):
    """A user's entries, newest first, and where the next page begins."""

    items: Annotated[list[WatchedAnswer], Field(description="Can be fewer than `limit` on any page.")]
    next_cursor: NextCursor
