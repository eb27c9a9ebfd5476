"""What is shown of a user's settings for one repository, and what can be changed in part."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from functions.http.parameters import Labels, Notes
from functions.http.responses import stored_as
from functions.http.shapes.fields import Alerts, UserWatchlistId
from watchlist.alerts.settings import AlertSettings
from watchlist.storage.records import UserEntry

MergePatch = Annotated[
    dict[str, Any],
    Field(
        description="A JSON merge patch (RFC 7396): what it states is changed, null takes a choice back, and what it "
        "leaves out stays as it is.",
        examples=[{"inactivity": {"days": 30}}],
    ),
]


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
