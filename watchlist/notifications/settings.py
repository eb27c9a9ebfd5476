"""How a person wants to be told of the alerts of one watched repository."""

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from watchlist.notifications import webhooks
from watchlist.notifications.formats import WebhookFormat


def _is_webhook(url: str) -> str:
    webhooks.parse(url)
    return url


WebhookAddress = Annotated[str, AfterValidator(_is_webhook), Field(json_schema_extra={"format": "webhook-url"})]


class NotificationSettings(BaseModel):
    """What the person chooses."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    email: Annotated[
        bool,
        Field(strict=True, description="Whether digests go to the SNS topic, which sends e-mail.", examples=[True]),
    ] = False
    webhook_url: Annotated[
        WebhookAddress | None,
        Field(
            description="An https address that digests are posted to; null for none.",
            examples=["https://hooks.example.org/watchlist"],
        ),
    ] = None
    webhook_format: Annotated[
        WebhookFormat | None,
        Field(
            description="Who reads the body; null for the chat service that the address belongs to (Slack, Microsoft "
            "Teams, Discord), otherwise `standard`, a signed digest.",
            examples=[None],
        ),
    ] = None


class StoredNotifications(NotificationSettings):
    """What is stored on the user entry: the choice, and the secret that the service made for the webhook."""

    webhook_secret: Annotated[str | None, Field(repr=False)] = None

    @property
    def wants_any(self) -> bool:
        """Whether there is anybody to tell."""
        return self.email or self.webhook_url is not None

    def without_webhook(self) -> Self:
        """Return the settings with neither the webhook's address nor its secret."""
        return self.model_copy(update={"webhook_url": None, "webhook_secret": None})

    @classmethod
    def of(cls, stored: object) -> Self:
        """Read the user entry's attribute; a person who never chose is told nothing."""
        return cls() if stored is None else cls.model_validate(stored)
