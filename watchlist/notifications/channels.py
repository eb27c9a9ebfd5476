"""A user's channels: where alerts of all their repositories are told, each with rules of its own.

A repository whose own notification settings were ever chosen goes by these instead. A user has few channels, all in one
partition: one Query reads them.
"""

import hmac
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pynamodb.exceptions import DeleteError, PutError, UpdateError
from pynamodb.expressions.update import Action

from watchlist import limits, text
from watchlist.alerts.kind import AlertLevel
from watchlist.alerts.settings import AlertKind
from watchlist.health.verdict import VerdictState
from watchlist.notifications import webhooks
from watchlist.notifications.formats import WebhookFormat, format_of
from watchlist.notifications.settings import WebhookAddress
from watchlist.notifications.webhook_delivery import DeliveryOutcome
from watchlist.states import DueKind
from watchlist.storage import batches
from watchlist.storage.failures import is_refused
from watchlist.storage.records import Channel, user_hash
from watchlist.storage.transactions import ContendedError
from watchlist.storage.updates import update

_REPORT_HOUR = 6

_ID = re.compile(r"channel_(?P<hash>[0-9a-f]{32})_(?P<slot>\d{1,2})_[0-9a-f]{16}")

Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=limits.CHANNEL_NAME_CHARACTERS, strict=True),
    AfterValidator(text.unicode_text),
    Field(json_schema_extra={"pattern": text.NOT_BLANK}),
]
_Label = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=limits.LABEL_CHARACTERS, strict=True),
    AfterValidator(text.unicode_text),
    Field(json_schema_extra={"pattern": text.NOT_BLANK}),
]


class ChannelNotFoundError(Exception):
    """There is no such channel, or it is not this caller's."""


class TooManyChannelsError(Exception):
    """The user has as many channels as a user can have."""


class ChannelState(StrEnum):
    """Does it work?"""

    NEW = "new"
    """Nothing was sent yet."""

    WORKING = "working"
    """The last message was taken."""

    FAILING = "failing"
    """The last message was not taken in its last try, or in all of them."""

    SWITCHED_OFF = "switched_off"
    """Its address said that it is gone: nothing is sent until it is enabled again."""

    OFF = "off"
    """The user wants nothing sent."""


class Rule(BaseModel):
    """Which alerts; all that is named must hold, and what is empty leaves nothing out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    levels: Annotated[
        tuple[AlertLevel, ...], Field(max_length=len(AlertLevel), description="Alerts of one of these levels.")
    ] = ()
    kinds: Annotated[
        tuple[AlertKind, ...], Field(max_length=len(AlertKind), description="Alerts of one of these kinds.")
    ] = ()
    labels: Annotated[
        tuple[_Label, ...], Field(max_length=limits.LABELS, description="Repositories with one of these labels.")
    ] = ()
    verdicts: Annotated[
        tuple[VerdictState, ...],
        Field(max_length=len(VerdictState), description="Repositories with one of these verdicts when it is told."),
    ] = ()

    def takes(self, alert: "Told") -> bool:
        """Whether the alert is one of them."""
        return (
            (not self.levels or alert.level in self.levels)
            and (not self.kinds or alert.kind in self.kinds)
            and (not self.labels or not alert.labels.isdisjoint(self.labels))
            and (not self.verdicts or alert.verdict in self.verdicts)
        )


@dataclass(frozen=True, slots=True)
class Told:
    """What rules look at of an alert and its repository."""

    level: AlertLevel
    kind: AlertKind
    labels: frozenset[str]
    verdict: VerdictState


class ChannelSettings(BaseModel):
    """What a person chooses of a channel."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[Name, Field(description="For the person.", examples=["team chat"])]
    enabled: Annotated[bool, Field(strict=True, description="Whether anything is sent.", examples=[True])] = True
    webhook_url: Annotated[
        WebhookAddress | None,
        Field(
            description="An https address that messages are posted to; null for e-mail by the SNS topic.",
            examples=["https://hooks.example.org/watchlist"],
        ),
    ] = None
    webhook_format: Annotated[
        WebhookFormat | None,
        Field(description="Who reads the body; null for what the address' host tells.", examples=[None]),
    ] = None
    rules: Annotated[
        tuple[Rule, ...],
        Field(
            max_length=limits.CHANNEL_RULES,
            description="An alert is told that one of them takes; without rules every alert is.",
            examples=[[{"levels": ["critical"]}, {"labels": ["production"]}]],
        ),
    ] = ()

    weekly_report: Annotated[
        bool,
        Field(
            strict=True,
            description="Whether what changed in the week comes here on Monday mornings, whatever the rules are.",
            examples=[True],
        ),
    ] = False

    def takes(self, alert: Told) -> bool:
        """Whether the alert is to be told here."""
        return self.enabled and (not self.rules or any(rule.takes(alert) for rule in self.rules))

    @property
    def format(self) -> WebhookFormat | None:
        """Who reads the body; None for e-mail."""
        return format_of(self.webhook_url, self.webhook_format) if self.webhook_url else None


def settings_of(channel: Channel) -> ChannelSettings:
    """Return what the channel's owner chose."""
    return ChannelSettings.model_validate(channel.settings)


def state_of(channel: Channel) -> ChannelState:
    """Return whether the channel works."""
    outcome = (channel.last_delivery or {}).get("outcome")
    if not settings_of(channel).enabled:
        return ChannelState.SWITCHED_OFF if outcome == DeliveryOutcome.SWITCHED_OFF else ChannelState.OFF
    if outcome is None:
        return ChannelState.NEW
    return ChannelState.WORKING if outcome == DeliveryOutcome.DELIVERED else ChannelState.FAILING


def of_user(user: str) -> list[Channel]:
    """Return a user's channels, in the order of their slots: one Query."""
    return list(Channel.query(Channel.pk_of(user_hash(user)), consistent_read=True))


def find(channel_id: str, caller: str | None) -> Channel:
    """Return the channel; `caller` is whose it must be, None for a caller who may see all.

    Raises:
        ChannelNotFoundError: it does not exist, or is somebody else's.
    """
    parts = _ID.fullmatch(channel_id)
    if parts is None:
        raise ChannelNotFoundError(channel_id)
    try:
        channel = Channel.get(Channel.pk_of(parts["hash"]), parts["slot"], consistent_read=True)
    except Channel.DoesNotExist:
        raise ChannelNotFoundError(channel_id) from None
    if channel.channel_id != channel_id or caller not in {None, channel.user}:
        raise ChannelNotFoundError(channel_id)
    return channel


def create(user: str, settings: ChannelSettings, now: datetime, base_url: str | None = None) -> Channel:
    """Make a channel: a Query for the slots that are taken, and a put. `base_url` is the API's address, for links.

    Raises:
        TooManyChannelsError: all slots are taken, or others take them at the same instant.
    """
    taken = {channel.sk for channel in of_user(user)}
    for slot in (slot for slot in map(str, range(limits.CHANNELS)) if slot not in taken):
        channel = Channel(
            Channel.pk_of(user_hash(user)),
            slot,
            user=user,
            channel_id=f"channel_{user_hash(user)}_{slot}_{secrets.token_hex(8)}",
            created_at=now,
            settings=settings.model_dump(mode="json"),
            secret=webhooks.new_secret() if settings.webhook_url else None,
            **(_report_due(now, base_url) if _wants_report(settings) else {}),
        )
        try:
            channel.save(condition=Channel.pk.does_not_exist())
        except PutError as error:
            if not is_refused(error):
                raise
        else:
            return channel
    raise TooManyChannelsError(user)


def change(
    channel: Channel, settings: ChannelSettings, now: datetime, base_url: str | None = None
) -> tuple[Channel, bool]:
    """Replace the settings that `channel` has; a new address has a new secret, and no calls yet.

    Returns:
        The channel, and whether its secret is new.

    Raises:
        ContendedError: they are others by now, or it was removed; nothing is changed.
    """
    before = settings_of(channel)
    is_new = settings.webhook_url not in {None, before.webhook_url}
    actions: list[Action] = [Channel.settings.set(settings.model_dump(mode="json"))]
    if settings.webhook_url != before.webhook_url or (settings.enabled and not before.enabled):
        actions += [Channel.last_delivery.remove(), Channel.broken_since.remove()]
    if is_new:
        actions.append(Channel.secret.set(webhooks.new_secret()))
    elif settings.webhook_url is None:
        actions.append(Channel.secret.remove())
    if not _wants_report(settings):
        actions += [Channel.due_kind.remove(), Channel.due_at.remove()]
    elif not channel.due_at:
        actions += [getattr(Channel, name).set(value) for name, value in _report_due(now, base_url).items()]
    as_read = (Channel.channel_id == channel.channel_id) & (Channel.settings == channel.settings)
    if not update(channel, actions, as_read):
        raise ContendedError
    return channel, is_new


def due_for_report(at: datetime) -> list[Channel]:
    """Return channels whose weekly report is due, the longest overdue first, at most `limits.REPORTS_AT_ONCE`."""
    keys = Channel.by_due.query(DueKind.REPORT, Channel.due_at <= at, limit=limits.REPORTS_AT_ONCE)
    found = batches.get(Channel, [(key.pk, key.sk) for key in keys], batches.FUNCTION)
    return sorted((each for each in found if each.due_at is not None), key=lambda each: each.due_at)


def note_report(channel: Channel, now: datetime) -> None:
    """Note that this week's report was handed on, unless the owner wants none any more."""
    try:
        channel.update(actions=[Channel.due_at.set(next_report(now))], condition=Channel.due_at == channel.due_at)
    except UpdateError as error:
        if not is_refused(error):
            raise


def find_to_leave(channel_id: str, token: str) -> Channel:
    """Return the channel whose weekly report the token can switch off: one read.

    Raises:
        ChannelNotFoundError: there is none; the message repeats nothing.
    """
    try:
        channel = find(channel_id, None)
    except ChannelNotFoundError:
        raise ChannelNotFoundError from None
    known = channel.leave_token
    if known is None or not hmac.compare_digest(known.encode(), token.encode()):
        raise ChannelNotFoundError
    return channel


def next_report(now: datetime) -> datetime:
    """Return the next Monday, 06:00 UTC."""
    morning = now.replace(hour=_REPORT_HOUR, minute=0, second=0, microsecond=0)
    monday = morning + timedelta(days=-now.weekday() % 7)
    return monday if monday > now else monday + timedelta(weeks=1)


def _wants_report(settings: ChannelSettings) -> bool:
    return settings.enabled and settings.weekly_report


def _report_due(now: datetime, base_url: str | None) -> dict[str, Any]:
    return {
        "due_kind": str(DueKind.REPORT),
        "due_at": next_report(now),
        "leave_token": secrets.token_urlsafe(32),
        **({"base_url": base_url} if base_url else {}),
    }


def remove(channel: Channel) -> None:
    """Remove the channel.

    Raises:
        ChannelNotFoundError: it was removed meanwhile.
    """
    try:
        channel.delete(condition=Channel.channel_id == channel.channel_id)
    except DeleteError as error:
        if is_refused(error):
            raise ChannelNotFoundError(channel.channel_id) from None
        raise


def note_delivery(channel: Channel, delivery: Mapping[str, Any], now: datetime) -> bool:
    """Note how the last call went.

    Returns:
        Whether the channel is newly broken: a delivery was given up, and none before it since the last that was taken.

    Raises:
        ChannelNotFoundError: it was removed meanwhile.
    """
    is_given_up = delivery["outcome"] == DeliveryOutcome.GIVEN_UP
    is_newly_broken = is_given_up and channel.broken_since is None
    actions: list[Action] = [Channel.last_delivery.set(dict(delivery))]
    if is_newly_broken:
        actions.append(Channel.broken_since.set(now))
    elif delivery["outcome"] == DeliveryOutcome.DELIVERED and channel.broken_since is not None:
        actions.append(Channel.broken_since.remove())
    _update(channel, actions)
    return is_newly_broken


def switch_off(channel: Channel, delivery: Mapping[str, Any]) -> bool:
    """Call the channel no more, and note the call that was the reason.

    Returns:
        False if the settings are others than those of `channel` by now, or it was removed: nothing changed.
    """
    settings = settings_of(channel).model_copy(update={"enabled": False})
    try:
        channel.update(
            actions=[
                Channel.settings.set(settings.model_dump(mode="json")),
                Channel.last_delivery.set(dict(delivery)),
                Channel.due_kind.remove(),
                Channel.due_at.remove(),
            ],
            condition=Channel.settings == channel.settings,
        )
    except UpdateError as error:
        if is_refused(error):
            return False
        raise
    return True


def that_work(channels: Sequence[Channel], *, but: Collection[str] = ()) -> list[Channel]:
    """Return those that are enabled and whose last message was not given up, without those of the ids `but`."""
    return [
        channel
        for channel in channels
        if channel.channel_id not in but and settings_of(channel).enabled and channel.broken_since is None
    ]


def _update(channel: Channel, actions: list[Action]) -> None:
    try:
        channel.update(actions=actions, condition=Channel.channel_id == channel.channel_id)
    except UpdateError as error:
        if is_refused(error):
            raise ChannelNotFoundError(channel.channel_id) from None
        raise
