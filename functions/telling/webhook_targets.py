"""Whose webhook a delivery is for, by now: a channel's, or that of a user entry with settings of its own."""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from watchlist import clock
from watchlist.alerts import telling as alerting
from watchlist.alerts.occasions import WebhookGone
from watchlist.notifications import channels, webhooks
from watchlist.notifications.channels import ChannelNotFoundError
from watchlist.notifications.formats import WebhookFormat, format_of
from watchlist.notifications.settings import StoredNotifications
from watchlist.notifications.webhook_delivery import DeliveryOutcome, WebhookDelivery
from watchlist.storage.records import Channel, UserEntry
from watchlist.text import shorten
from watchlist.watching import user_entries
from watchlist.watching.user_entries import UserEntryNotFoundError

Noted = Mapping[str, str | None]


@dataclass(frozen=True)
class Webhook:
    """What is called.

    Attributes:
        url: address.
        secret: what calls are signed with.
        format: who reads the body.
    """

    url: str
    secret: str
    format: WebhookFormat


class Target(ABC):
    """What a webhook belongs to.

    Attributes:
        user: whose it is.
        name: of what it belongs to, for its owner.
        channel_id: None for a user entry's.
    """

    user: str
    name: str
    channel_id: str | None = None

    @property
    @abstractmethod
    def webhook(self) -> Webhook | None:
        """What is to be called; None where the owner wants no call any more."""

    def note(self, outcome: DeliveryOutcome, error: str | None) -> bool:
        """Note how a call went, for the owner; whether it is the first that was given up since one was taken.

        Whoever has left meanwhile has no use for it.
        """
        with contextlib.suppress(UserEntryNotFoundError, ChannelNotFoundError):
            return self._note(_noted(outcome, error))
        return False

    def switch_off(self, error: str) -> bool:
        """Call the webhook no more, and note why; False if the owner has changed the settings or left."""
        return self._switch_off(_noted(DeliveryOutcome.SWITCHED_OFF, error))

    @abstractmethod
    def _note(self, noted: Noted) -> bool: ...

    @abstractmethod
    def _switch_off(self, noted: Noted) -> bool: ...


class ChannelTarget(Target):
    """A channel's webhook."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._settings = channels.settings_of(channel)
        self.user, self.name, self.channel_id = channel.user, self._settings.name, channel.channel_id

    @property
    def webhook(self) -> Webhook | None:
        """What is to be called."""
        chosen, secret = self._settings, self._channel.secret
        if not chosen.enabled or chosen.webhook_url is None or chosen.format is None or secret is None:
            return None
        return Webhook(chosen.webhook_url, secret, chosen.format)

    def _note(self, noted: Noted) -> bool:
        return channels.note_delivery(self._channel, noted, clock.now())

    def _switch_off(self, noted: Noted) -> bool:
        return channels.switch_off(self._channel, noted)


class UserEntryTarget(Target):
    """The webhook of a user entry."""

    def __init__(self, user_entry: UserEntry) -> None:
        self._user_entry = user_entry
        self._chosen = StoredNotifications.of(user_entry.notifications)
        self.user, self.name = user_entry.user, user_entry.watchlist_id

    @property
    def webhook(self) -> Webhook | None:
        """What is to be called."""
        url, secret = self._chosen.webhook_url, self._chosen.webhook_secret
        return Webhook(url, secret, format_of(url, self._chosen.webhook_format)) if url and secret else None

    def _note(self, noted: Noted) -> bool:
        before = self._user_entry.last_delivery or {}
        user_entries.note_delivery(self._user_entry, noted)
        given_up = DeliveryOutcome.GIVEN_UP
        return noted["outcome"] == given_up and before.get("outcome") != given_up

    def _switch_off(self, noted: Noted) -> bool:
        without = self._chosen.without_webhook().model_dump(mode="json")
        if not user_entries.switch_webhook_off(self._user_entry, without, noted):
            return False
        now, url = clock.now(), self._chosen.webhook_url
        gone = WebhookGone(host=webhooks.parse(url).host if url else "", reason=noted["error"] or "", at=now)
        alerting.tell_watcher(self._user_entry, gone, now)
        return True


def target_of(delivery: WebhookDelivery) -> Target | None:
    """Return whose webhook it is; None for whoever has left or removed it."""
    try:
        if delivery.channel_id is not None:
            return ChannelTarget(channels.find(delivery.channel_id, None))
        return UserEntryTarget(user_entries.find(delivery.user_watchlist_id or "", None))
    except (ChannelNotFoundError, UserEntryNotFoundError):
        return None


def _noted(outcome: DeliveryOutcome, error: str | None) -> Noted:
    return {"at": clock.to_json(clock.now()), "outcome": str(outcome), "error": error and shorten(error)}
