"""The message of the webhook queue: what to deliver, and for whom; address and secret are read when it is delivered."""

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from watchlist import limits


class WebhookDelivery(BaseModel):
    """One body for one webhook: that of a channel, or of a user entry. Exactly one of them is named.

    Attributes:
        tries_before: of earlier copies of the message.
        postponed: how often a copy took its place since another delivery to the user was under way.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    user_watchlist_id: str | None = None
    channel_id: str | None = None
    delivery_id: str
    body: str
    tries_before: int = 0
    postponed: int = 0

    def tries(self, receive_count: int) -> int:
        """Return which try (1, 2, ...) the n-th receive of this copy is."""
        return self.tries_before + receive_count

    def postponed_copy(self, receive_count: int) -> "WebhookDelivery":
        """Return the copy that takes the place of this one at its n-th receive, which was no try."""
        return self.model_copy(update={"tries_before": self.tries(receive_count) - 1, "postponed": self.postponed + 1})


class DeliveryOutcome(StrEnum):
    """How a call of a webhook went."""

    DELIVERED = "delivered"
    FAILED = "failed"
    """It is tried again."""

    GIVEN_UP = "given_up"
    """All tries failed: what it said is lost to the webhook, and stands in the list of alerts."""

    SWITCHED_OFF = "switched_off"
    """It said that it is gone: its address is removed from the settings, and it is called no more."""


def outcome_of(receive_count: int, error: str | None) -> DeliveryOutcome:
    """Return how the n-th try (1, 2, ...) of a delivery went."""
    if error is None:
        return DeliveryOutcome.DELIVERED
    return DeliveryOutcome.GIVEN_UP if receive_count >= limits.WEBHOOK_ATTEMPTS else DeliveryOutcome.FAILED


def turn_after(postponed: int, random: Callable[[], float]) -> timedelta:
    """Return how long a delivery waits that was postponed so often, so that its user's others can be done.

    Longer each time, and never the same, since a user may have hundreds.

    Args:
        postponed: 1, 2, ...
        random: returns a number from 0 to 1.
    """
    longest = min(limits.WEBHOOK_TURN * int(2 ** min(postponed, 16)), limits.WEBHOOK_LONGEST_TURN)
    return limits.WEBHOOK_TURN + (longest - limits.WEBHOOK_TURN) * random()


def pause_after(
    receive_count: int, base: timedelta = limits.WEBHOOK_RETRY_BASE, asked: timedelta | None = None
) -> timedelta:
    """Return how long a delivery rests after its n-th failed try (1, 2, ...): the base, twice that, ...

    Args:
        receive_count: n.
        base: pause after the first failed try.
        asked: how long the webhook asks to wait; it is heard up to `limits.WEBHOOK_LONGEST_PAUSE`, and never shortens
            the pause.
    """
    pause = base * int(2 ** (receive_count - 1))
    return max(pause, min(asked or timedelta(0), limits.WEBHOOK_LONGEST_PAUSE))


ALL_TRIES = (
    sum((pause_after(number) for number in range(1, limits.WEBHOOK_ATTEMPTS + 1)), timedelta(0))
    + limits.WEBHOOK_ATTEMPTS * limits.WEBHOOK_TIMEOUT
)
"""How long a delivery is in the queue until its last try has failed and SQS moves it."""
