"""How a user is told of one repository, where not by their channels: by e-mail, by a webhook, or not at all."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body
from pydantic import BaseModel, Field

from functions import outgoing, startup
from functions.http import api as http_api
from functions.http import responses
from functions.http.callers import caller_of
from functions.http.merge_patch import patched
from functions.http.parameters import UserWatchlistId
from functions.http.problems import ProblemCode, problem
from functions.http.shapes.channels import LastDelivery, TestAnswer
from functions.http.shapes.settings import NotificationsPatch
from watchlist import clock
from watchlist.deployment import routes
from watchlist.notifications import digest_message, webhooks
from watchlist.notifications.formats import WebhookFormat, format_of
from watchlist.notifications.settings import NotificationSettings, StoredNotifications
from watchlist.notifications.webhook_delivery import WebhookDelivery
from watchlist.storage.records import UserEntry
from watchlist.storage.transactions import retried
from watchlist.watching import entries, user_entries

function = startup.Function(routes.CHANGE_NOTIFICATIONS.function)
outbox = function.part(outgoing.outbox)
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
    overrides: Annotated[
        bool,
        Field(
            description="Whether these settings were chosen, and hold for this repository instead of the user's "
            "channels. Without a choice the channels tell of it.",
            examples=[True],
        ),
    ]
    email: Annotated[bool, Field(description="Whether alerts are sent by email.", examples=[True])]
    webhook_url: Annotated[
        str | None,
        Field(description="Where alerts are sent to; null for nowhere.", examples=["https://hooks.example.org/alerts"]),
    ]
    webhook_format: Annotated[
        WebhookFormat | None,
        Field(
            description="Who reads the body: the choice, or what the address' host tells; null without an address.",
            examples=[WebhookFormat.STANDARD],
        ),
    ]
    webhook_secret: Annotated[
        str | None,
        Field(
            description="What calls of the webhook are signed with. It is shown once, when the address is new; to have "
            "another one, remove the address and set it again.",
        ),
    ]
    last_delivery: Annotated[LastDelivery | None, Field(description="Null before the first.")]

    @classmethod
    def of(cls, entry: UserEntry, secret: str | None = None) -> "NotificationsAnswer":
        """Show the settings, how the last delivery went, and the secret if it is to be shown."""
        stored, last_delivery = StoredNotifications.of(entry.notifications), entry.last_delivery
        return cls(
            user_watchlist_id=entry.user_watchlist_id,
            overrides=entry.notifications is not None,
            email=stored.email,
            webhook_url=stored.webhook_url,
            webhook_format=format_of(stored.webhook_url, stored.webhook_format) if stored.webhook_url else None,
            webhook_secret=secret,
            last_delivery=LastDelivery.model_validate(last_delivery) if last_delivery else None,
        )


_SHOWN = (ProblemCode.INVALID_FIELDS, ProblemCode.NOT_FOUND, ProblemCode.NOT_YOURS)
_CHANGED = (ProblemCode.MALFORMED_JSON, ProblemCode.UNSUPPORTED_MEDIA_TYPE, *_SHOWN)
_NEW = "The new settings, with the webhook's secret if its address is new."


@router.get(
    http_api.rule(routes.SHOW_NOTIFICATIONS),
    summary="Show the notification settings of a user entry",
    operation_id="showNotifications",
    tags=["alerts"],
    responses=responses.of({200: {"description": "The settings, without the secret."}}, *_SHOWN),
)
def show_notifications(user_watchlist_id: UserWatchlistId) -> NotificationsAnswer:
    """Show how alerts of this repository are told."""
    entry = user_entries.find(user_watchlist_id, caller_of(router))
    return NotificationsAnswer.of(entry)


@router.put(
    http_api.rule(routes.CHANGE_NOTIFICATIONS),
    summary="Replace the notification settings of a user entry",
    operation_id="changeNotifications",
    tags=["alerts"],
    responses=responses.of({200: {"description": _NEW}}, *_CHANGED),
)
def change_notifications(
    user_watchlist_id: UserWatchlistId, notifications: Annotated[NotificationSettings, Body()]
) -> NotificationsAnswer:
    """Replace all settings: what is left out is off."""
    return _changed(user_watchlist_id, lambda _: notifications)


@router.patch(
    http_api.rule(routes.PATCH_NOTIFICATIONS),
    summary="Change some notification settings of a user entry",
    operation_id="patchNotifications",
    tags=["alerts"],
    responses=responses.of({200: {"description": _NEW}}, *_CHANGED),
)
def patch_notifications(
    user_watchlist_id: UserWatchlistId, patch: Annotated[NotificationsPatch, Body()]
) -> NotificationsAnswer:
    """Change what the patch states; null switches off."""

    def after(before: StoredNotifications) -> NotificationSettings:
        return patched(NotificationSettings, before.model_dump(mode="json", exclude={"webhook_secret"}), patch)

    return _changed(user_watchlist_id, after)


@router.delete(
    http_api.rule(routes.FORGET_NOTIFICATIONS),
    summary="Forget the notification settings of a user entry",
    operation_id="forgetNotifications",
    tags=["alerts"],
    responses=responses.of({200: {"description": "The settings, which override nothing."}}, *_SHOWN),
)
def forget_notifications(user_watchlist_id: UserWatchlistId) -> NotificationsAnswer:
    """Let the user's channels tell of this repository again, as before the first choice."""
    entry = user_entries.find(user_watchlist_id, caller_of(router))
    return NotificationsAnswer.of(user_entries.forget_notifications(entry))


def _changed(
    user_watchlist_id: str, after: Callable[[StoredNotifications], NotificationSettings]
) -> NotificationsAnswer:
    """Store the settings that are to be after those before; it begins anew if somebody else came first."""

    def change(_: int) -> NotificationsAnswer:
        entry = user_entries.find(user_watchlist_id, caller_of(router))
        before = StoredNotifications.of(entry.notifications)
        return _store(entry, before, after(before))

    return retried(change)


def _store(entry: UserEntry, before: StoredNotifications, notifications: NotificationSettings) -> NotificationsAnswer:
    """Store the settings, with a new secret for a new address."""
    is_new = notifications.webhook_url not in {None, before.webhook_url}
    secret = webhooks.new_secret() if is_new else before.webhook_secret
    stored = StoredNotifications(
        **notifications.model_dump(), webhook_secret=secret if notifications.webhook_url else None
    )
    changed = user_entries.change_notifications(entry, stored.model_dump(mode="json"), is_new_webhook=is_new)
    return NotificationsAnswer.of(changed, secret if is_new else None)


@router.post(
    http_api.rule(routes.TEST_NOTIFICATIONS),
    summary="Send a test to the webhook of a user entry",
    operation_id="testNotifications",
    tags=["alerts"],
    responses=responses.of({202: {"description": "It is on its way."}}, *_SHOWN, ProblemCode.NO_WEBHOOK),
)
def test_notifications(user_watchlist_id: UserWatchlistId) -> Response[TestAnswer]:
    """Deliver a message as a digest would be; `last_delivery` of the settings says how that went."""
    entry = user_entries.find(user_watchlist_id, caller_of(router))
    if StoredNotifications.of(entry.notifications).webhook_url is None:
        raise NoWebhookError
    watched = entries.find(entry.watchlist_id)
    message = digest_message.compose_test(user_watchlist_id, watched.watchlist_id, watched.repository.url, clock.now())
    delivery = WebhookDelivery(
        user_watchlist_id=user_watchlist_id, delivery_id=message.id, body=message.model_dump_json()
    )
    outbox().to_webhook(delivery, entry.user)
    answer = TestAnswer(delivery_id=message.id, message="A test is on its way.")
    return Response(HTTPStatus.ACCEPTED, "application/json", answer)


class NoWebhookError(Exception):
    """There is nowhere to send a test to."""


def _no_webhook(_: NoWebhookError) -> Response[str]:
    return problem(ProblemCode.NO_WEBHOOK, "This user entry has no webhook.")


router.exception_handler(NoWebhookError)(_no_webhook)


handler = http_api.handler(function, router)
