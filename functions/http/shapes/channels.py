"""What is shown of a user's channels."""

from typing import Annotated

from pydantic import BaseModel, Field

from functions.http.shapes.fields import Moment
from watchlist.notifications import channels
from watchlist.notifications.channels import ChannelSettings, ChannelState
from watchlist.notifications.formats import WebhookFormat
from watchlist.notifications.webhook_delivery import DeliveryOutcome
from watchlist.storage.records import Channel


class LastDelivery(BaseModel):
    """How the last call of a webhook, or the last hand-over to the topic, went."""

    at: Annotated[Moment, Field(description="When.")]
    outcome: Annotated[
        DeliveryOutcome,
        Field(
            description="`failed` is tried again; `given_up` is not: see to the address. `switched_off`: it answered "
            "that it is gone, so it is called no more.",
            examples=[DeliveryOutcome.DELIVERED],
        ),
    ]
    error: Annotated[
        str | None, Field(description="Why it failed; else null.", examples=["it answered with status 404"])
    ]


class ChannelAnswer(BaseModel):
    """One channel as it is now."""

    channel_id: Annotated[
        str,
        Field(description="Names it.", examples=["channel_cfe00dde46ef942601ffafb9e2825e80_0_9b1f0c6a2e4d8073"]),
    ]
    created_at: Annotated[Moment, Field(description="When it was made.")]
    settings: Annotated[ChannelSettings, Field(description="What was chosen, with every default filled in.")]
    format: Annotated[
        WebhookFormat | None,
        Field(description="Who reads the body; null for e-mail.", examples=[WebhookFormat.SLACK]),
    ]
    state: Annotated[
        ChannelState,
        Field(
            description="`new` before the first message; `working` and `failing` by the last one; `switched_off` where "
            "the address said that it is gone: enable it to go on; `off` where it is not enabled.",
            examples=[ChannelState.WORKING],
        ),
    ]
    last_delivery: Annotated[LastDelivery | None, Field(description="Null before the first.")]
    webhook_secret: Annotated[
        str | None,
        Field(
            description="What calls of the webhook are signed with. It is shown once, when the address is new; null "
            "otherwise."
        ),
    ]

    @classmethod
    def of(cls, channel: Channel, *, with_secret: bool = False) -> "ChannelAnswer":
        """Show a channel."""
        settings = channels.settings_of(channel)
        return cls(
            channel_id=channel.channel_id,
            created_at=channel.created_at,
            settings=settings,
            format=settings.format,
            state=channels.state_of(channel),
            last_delivery=LastDelivery.model_validate(channel.last_delivery) if channel.last_delivery else None,
            webhook_secret=channel.secret if with_secret else None,
        )


class ChannelsAnswer(BaseModel):
    """All channels of a user."""

    items: Annotated[list[ChannelAnswer], Field(description="There are few, so there is one page.")]
    most: Annotated[int, Field(description="How many a user can have.", examples=[10])]


class TestAnswer(BaseModel):
    """That a test is under way."""

    delivery_id: Annotated[str, Field(description="Stands in the test's header `webhook-id`.", examples=["test_1f"])]
    message: Annotated[str, Field(description="For a person.", examples=["A test is on its way."])]
