"""What is shown of a user's settings for one repository, and what can be changed in part."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from functions.http.parameters import Labels, Notes
from functions.http.responses import patch_of, stored_as
from functions.http.shapes.fields import Alerts, UserWatchlistId
from watchlist.alerts.settings import AlertSettings
from watchlist.notifications.channels import ChannelSettings
from watchlist.notifications.settings import NotificationSettings
from watchlist.storage.records import UserEntry

AlertSettingsPatch = Annotated[dict[str, Any], patch_of(AlertSettings)]
ChannelPatch = Annotated[dict[str, Any], patch_of(ChannelSettings)]
NotificationsPatch = Annotated[dict[str, Any], patch_of(NotificationSettings)]
"""JSON merge patches of a user's settings, as they were sent."""


class AlertSettingsAnswer(BaseModel):
    """The alert settings of one watch."""

    user_watchlist_id: UserWatchlistId
    chosen: Alerts
    effective: Annotated[
        Annotated[dict[str, Any], stored_as(AlertSettings)],
        Field(description="What holds: the choices, and the defaults of all that was never chosen."),
    ]

    @classmethod
    def of(cls, entry: UserEntry) -> "AlertSettingsAnswer":
        """Show the settings of a user entry."""
        chosen = entry.alerts or {}
        return cls(
            user_watchlist_id=entry.user_watchlist_id,
            chosen=chosen,
            effective=AlertSettings.model_validate(chosen).model_dump(mode="json"),
        )


class WatchDetails(BaseModel):
    """What a user notes of a repository."""

    model_config = ConfigDict(extra="forbid")

    notes: Annotated[Notes | None, Field(description="Why it is watched.", examples=["We depend on it."])] = None
    labels: Annotated[Labels, Field(default_factory=list, description="The user's own.", examples=[["production"]])]


WatchPatch = Annotated[dict[str, Any], patch_of(WatchDetails)]
"""The same of what a user notes."""
