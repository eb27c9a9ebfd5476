"""What a page of alerts shows."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from functions.http.shapes.fields import Moment, NextCursor, RepositoryUrl, UserWatchlistId, WatchlistId
from watchlist import limits
from watchlist.alerts.alert import Alert
from watchlist.storage.records import AlertRecord
from watchlist.watching import links
from watchlist.watching.user_alerts import ListedAlert


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


class UserAlertAnswer(AlertAnswer):
    """One alert in the list of a user's alerts."""

    repository_url: RepositoryUrl
    name: Annotated[str, Field(description="The repository's owner and name.", examples=["pallets/flask"])]
    link: Annotated[
        str | None,
        Field(
            description="Where to look: the commit on its host, or what the Scorecard check means; null where there is "
            "neither.",
            examples=["https://github.com/pallets/flask/commit/8d3a1c1e6f0b4c7d9e2f5a6b7c8d9e0f1a2b3c4d"],
        ),
    ]

    @classmethod
    def listed(cls, alert: ListedAlert) -> "UserAlertAnswer":
        """Show an alert with its repository."""
        record = alert.record
        return cls(
            **AlertAnswer.of(record).model_dump(),
            repository_url=alert.repository.url,
            name=f"{alert.repository.owner}/{alert.repository.name}",
            link=links.of_alert(alert.repository, record.alert.get("commit_sha"), record.alert.get("check")),
        )


class UserAlertPage(BaseModel):
    """A user's alerts, open ones first, then the newest, and where the next page begins."""

    items: Annotated[list[UserAlertAnswer], Field(description="Can be fewer than `limit` on any page.")]
    next_cursor: NextCursor


class AlertsRequest(BaseModel):
    """Alerts that something is done to."""

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[
        list[Annotated[str, Field(strict=True, min_length=1, max_length=100)]],
        Field(
            min_length=1,
            max_length=limits.ALERTS_PAGE_MAX,
            description="Their ids.",
            examples=[["alert_7f3c1f0d2a9b4e5c8d6f7a8b9c0d1e2f"]],
        ),
    ]


class AlertsAnswer(BaseModel):
    """What became of each."""

    changed: Annotated[
        list[str],
        Field(
            description="Those that are so now, whether they were before or not.",
            examples=[["alert_7f3c1f0d2a9b4e5c8d6f7a8b9c0d1e2f"]],
        ),
    ]
    not_found: Annotated[list[str], Field(description="Those that the caller does not have.", examples=[[]])]


class AlertPage(BaseModel):
    """Alerts, newest first, and where the next page begins."""

    items: Annotated[list[AlertAnswer], Field(description="At most `limit`.")]
    next_cursor: NextCursor
