"""How a user is told of alerts: by e-mail, by a webhook, or not at all."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body
from pydantic import BaseModel, Field

from functions import startup
from functions.http import api as http_api
from functions.http import documented
from functions.http.callers import caller_of
from functions.http.merge_patch import patched
from functions.http.parameters import UserWatchlistId
from functions.http.problems import ProblemCode
from functions.http.shapes.settings import MergePatch
from watchlist.deployment import routes
from watchlist.notifications import webhooks
from watchlist.notifications.settings import NotificationSettings, StoredNotifications
from watchlist.storage.records import UserEntry
from watchlist.watching import user_entries

function = startup.Function(routes.CHANGE_NOTIFICATIONS.function)
router = http_api.router()


class NotificationsAnswer(BaseModel):
    """The settings as they are now."""

    user_watchlist_id: Annotated[
        str,
        Field(
            description="Names the user's watch.",
            examples=["user_cfe00dde46ef942601ffafb9e2825e80_watchlist_pallets_flask_1764000000"],
        ),
    ]
    email: Annotated[bool, Field(description="Whether alerts are sent by email.", examples=[True])]
    webhook_url: Annotated[
        str | None,
        Field(description="Where alerts are sent to; null for nowhere.", examples=["https://hooks.example.org/alerts"]),
    ]
    webhook_secret: Annotated[
        str | None,
        Field(
            description="What calls of the webhook are signed with. It is shown once, when the address is new; to have "
            "another one, remove the address and set it again.",
        ),
    ]

    @classmethod
    def of(cls, user_watchlist_id: str, stored: StoredNotifications, secret: str | None) -> "NotificationsAnswer":
        """Show the settings, and the secret if it is to be shown."""
        return cls(
            user_watchlist_id=user_watchlist_id,
            email=stored.email,
            webhook_url=stored.webhook_url,
            webhook_secret=secret,
        )


_SHOWN = (ProblemCode.INVALID_FIELDS, ProblemCode.NOT_FOUND, ProblemCode.NOT_YOURS)
_CHANGED = (ProblemCode.MALFORMED_JSON, ProblemCode.UNSUPPORTED_MEDIA_TYPE, *_SHOWN)
_NEW = "The new settings, with the webhook's secret if its address is new."


@router.get(
    http_api.rule(routes.SHOW_NOTIFICATIONS),
    summary="Show the notification settings of a user entry",
    operation_id="showNotifications",
    tags=["alerts"],
    responses=documented.responses({200: {"description": "The settings, without the secret."}}, *_SHOWN),
)
def show_notifications(user_watchlist_id: UserWatchlistId) -> NotificationsAnswer:
    """Show how alerts of this repository are told."""
    entry = user_entries.find(user_watchlist_id, caller_of(router))
    return NotificationsAnswer.of(user_watchlist_id, StoredNotifications.of(entry.notifications), secret=None)


@router.put(
    http_api.rule(routes.CHANGE_NOTIFICATIONS),
    summary="Replace the notification settings of a user entry",
    operation_id="changeNotifications",
    tags=["alerts"],
    responses=documented.responses({200: {"description": _NEW}}, *_CHANGED),
)
def change_notifications(
    user_watchlist_id: UserWatchlistId, notifications: Annotated[NotificationSettings, Body()]
) -> NotificationsAnswer:
    """Replace all settings: what is left out is off."""
    return _store(user_entries.find(user_watchlist_id, caller_of(router)), notifications)


@router.patch(
    http_api.rule(routes.PATCH_NOTIFICATIONS),
    summary="Change some notification settings of a user entry",
    operation_id="patchNotifications",
    tags=["alerts"],
    responses=documented.responses({200: {"description": _NEW}}, *_CHANGED),
)
def patch_notifications(
    user_watchlist_id: UserWatchlistId, patch: Annotated[MergePatch, Body()]
) -> NotificationsAnswer:
    """Change what the patch states; null switches off."""
    entry = user_entries.find(user_watchlist_id, caller_of(router))
    before = StoredNotifications.of(entry.notifications).model_dump(mode="json", exclude={"webhook_secret"})
    return _store(entry, patched(NotificationSettings, before, patch))


def _store(entry: UserEntry, notifications: NotificationSettings) -> NotificationsAnswer:
    """Store the settings, with a new secret for a new address."""
    before = StoredNotifications.of(entry.notifications)
    is_new = notifications.webhook_url not in {None, before.webhook_url}
    secret = webhooks.new_secret() if is_new else before.webhook_secret
    stored = StoredNotifications(
        **notifications.model_dump(), webhook_secret=secret if notifications.webhook_url else None
    )
    user_entries.change_notifications(entry, stored.model_dump(mode="json"))
    return NotificationsAnswer.of(entry.user_watchlist_id, stored, secret=secret if is_new else None)


handler = http_api.handler(function, router)
