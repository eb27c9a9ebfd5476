"""What a page of alerts shows."""

from typing import Annotated

from pydantic import BaseModel, Field

from functions.http.shapes.fields import Moment, NextCursor, UserWatchlistId, WatchlistId
from watchlist.alerts.alert import Alert
from watchlist.storage.records import AlertRecord


class AlertAnswer(Alert):
    """One alert of a user entry."""

    user_watchlist_id: UserWatchlistId
    watchlist_id: WatchlistId
    raised_at: Annotated[Moment, Field(description="When; 90 days later it is forgotten.")]
    acknowledged_at: Annotated[Moment | None, Field(description="When the user has seen it.", examples=[None])]
    resolved_at: Annotated[Moment | None, Field(description="When the user has dealt with it.", examples=[None])]

    @classmethod
    def of(cls, record: AlertRecord) -> "AlertAnswer":
        """Show an alert."""
        return cls(
            **Alert.model_validate(record.alert).model_dump(),
            user_watchlist_id=record.user_watchlist_id,
            watchlist_id=record.watchlist_id,
            raised_at=record.raised_at,
            acknowledged_at=record.acknowledged_at,
            resolved_at=record.resolved_at,
        )


class AlertPage(BaseModel):
    """Alerts, newest first, and where the next page begins."""

    items: Annotated[list[AlertAnswer], Field(description="At most `limit`.")]
    next_cursor: NextCursor
