"""A user's channels: where alerts of all their repositories are told, by which rules, and whether that works."""

import secrets
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from functions import outgoing, startup
from functions.http import api as http_api
from functions.http import responses
from functions.http.callers import acting_as, caller_of
from functions.http.merge_patch import patched
from functions.http.parameters import ChannelId, User
from functions.http.problems import ProblemCode, problem
from functions.http.shapes.channels import ChannelAnswer, ChannelsAnswer, TestAnswer
from functions.http.shapes.settings import ChannelPatch
from watchlist import clock, limits
from watchlist.deployment import routes
from watchlist.notifications import channels
from watchlist.notifications.channels import ChannelSettings
from watchlist.notifications.messages import ChannelTestMessage
from watchlist.notifications.webhook_delivery import DeliveryOutcome
from watchlist.storage.records import Channel
from watchlist.storage.transactions import retried

function = startup.Function(routes.CHANNELS.function)
outbox = function.part(outgoing.outbox)
router = http_api.router()


_FOR_A_USER = (ProblemCode.INVALID_FIELDS, ProblemCode.NOT_YOURS)
_ONE = (*_FOR_A_USER, ProblemCode.NOT_FOUND)
_WITH_BODY = (ProblemCode.MALFORMED_JSON, ProblemCode.UNSUPPORTED_MEDIA_TYPE)
_CHANGED = responses.of(
    {200: {"description": "The channel as it is now, with its secret if its address is new."}}, *_WITH_BODY, *_ONE
)


@router.get(
    http_api.rule(routes.CHANNELS),
    summary="List the channels of a user",
    operation_id="listChannels",
    tags=["notifications"],
    responses=responses.of({200: {"description": "All of them."}}, *_FOR_A_USER),
)
def list_channels(user: User) -> ChannelsAnswer:
    """Show where alerts are told, by which rules, and whether that works."""
    found = channels.of_user(acting_as(router, user))
    return ChannelsAnswer(items=[ChannelAnswer.of(channel) for channel in found], most=limits.CHANNELS)


@router.post(
    http_api.rule(routes.ADD_CHANNEL),
    summary="Add a channel",
    operation_id="addChannel",
    tags=["notifications"],
    responses=responses.of(
        {201: {"description": "The channel, with its secret."}},
        *_WITH_BODY,
        *_FOR_A_USER,
        ProblemCode.TOO_MANY_CHANNELS,
    ),
)
def add_channel(user: User, settings: Annotated[ChannelSettings, Body()]) -> Response[ChannelAnswer]:
    """Tell alerts of all repositories there, but for those that have notification settings of their own."""
    channel = channels.create(acting_as(router, user), settings, clock.now(), _base_url())
    return Response(HTTPStatus.CREATED, "application/json", ChannelAnswer.of(channel, with_secret=True))


@router.get(
    http_api.rule(routes.SHOW_CHANNEL),
    summary="Show a channel",
    operation_id="showChannel",
    tags=["notifications"],
    responses=responses.of({200: {"description": "The channel, without its secret."}}, *_ONE),
)
def show_channel(channel_id: ChannelId) -> ChannelAnswer:
    """Show the settings and whether the channel works."""
    return ChannelAnswer.of(_find(channel_id))


@router.put(
    http_api.rule(routes.CHANGE_CHANNEL),
    summary="Replace the settings of a channel",
    operation_id="changeChannel",
    tags=["notifications"],
    responses=_CHANGED,
)
def change_channel(channel_id: ChannelId, settings: Annotated[ChannelSettings, Body()]) -> ChannelAnswer:
    """Replace all settings: what is left out has its default."""
    return _changed(channel_id, lambda _: settings)


@router.patch(
    http_api.rule(routes.PATCH_CHANNEL),
    summary="Change some settings of a channel",
    operation_id="patchChannel",
    tags=["notifications"],
    responses=_CHANGED,
)
def patch_channel(channel_id: ChannelId, patch: Annotated[ChannelPatch, Body()]) -> ChannelAnswer:
    """Change what the patch states: null gives a setting its default back, and lists are replaced whole."""
    return _changed(channel_id, lambda channel: patched(ChannelSettings, channel.settings, patch))


@router.delete(
    http_api.rule(routes.REMOVE_CHANNEL),
    summary="Remove a channel",
    operation_id="removeChannel",
    tags=["notifications"],
    responses=responses.of({204: {"description": "Removed."}}, *_ONE),
)
def remove_channel(channel_id: ChannelId) -> Response[None]:
    """Remove the channel; what is on its way to it is dropped."""
    channels.remove(_find(channel_id))
    return Response(HTTPStatus.NO_CONTENT)


@router.post(
    http_api.rule(routes.TEST_CHANNEL),
    summary="Send a test to a channel",
    operation_id="testChannel",
    tags=["notifications"],
    responses=responses.of({202: {"description": "It is on its way."}}, *_ONE, ProblemCode.CHANNEL_OFF),
)
def test_channel(channel_id: ChannelId) -> Response[TestAnswer]:
    """Deliver a message as any other would be; `last_delivery` of the channel says how that went."""
    channel = _find(channel_id)
    settings = channels.settings_of(channel)
    if not settings.enabled:
        raise ChannelOffError
    now = clock.now()
    message = ChannelTestMessage(
        id=f"test_{secrets.token_hex(16)}", created_at=now, channel_id=channel.channel_id, name=settings.name
    )
    if outbox().to_channel(channel, message):
        noted = {"at": clock.to_json(now), "outcome": str(DeliveryOutcome.DELIVERED), "error": None}
        channels.note_delivery(channel, noted, now)
    answer = TestAnswer(delivery_id=message.id, message="A test is on its way.")
    return Response(HTTPStatus.ACCEPTED, "application/json", answer)


def _find(channel_id: str) -> Channel:
    return channels.find(channel_id, caller_of(router))


def _changed(channel_id: str, after: Callable[[Channel], ChannelSettings]) -> ChannelAnswer:
    """Give the channel the settings that it is to have after those before; begin anew if somebody else came first."""

    def change(_: int) -> ChannelAnswer:
        channel = _find(channel_id)
        changed, has_new_secret = channels.change(channel, after(channel), clock.now(), _base_url())
        return ChannelAnswer.of(changed, with_secret=has_new_secret)

    return retried(change)


def _base_url() -> str:
    """Return the API's address as API Gateway says it was called, not as the caller's headers do."""
    domain = router.current_event.raw_event["requestContext"]["domainName"]
    is_local = domain.partition(":")[0] in {"127.0.0.1", "localhost"}
    return f"{'http' if is_local else 'https'}://{domain}"


class ChannelOffError(Exception):
    """A channel that is off sends nothing, and no test."""


def _is_off(error: ChannelOffError) -> Response[str]:
    del error
    return problem(ProblemCode.CHANNEL_OFF, "The channel is not enabled.")


router.exception_handler(ChannelOffError)(_is_off)

handler = http_api.handler(function, router)
