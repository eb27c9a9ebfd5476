"""The messages to a user's channels, and all messages that the webhook queue carries."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from watchlist import limits
from watchlist.health.verdict import VerdictState
from watchlist.notifications.chat_text import ChatText, Line, Link
from watchlist.notifications.digest_message import (
    DigestMessage,
    MoreAlerts,
    MoreAlertsIsLeast,
    ToldAlert,
    alerts_in_words,
)
from watchlist.notifications.message import Message, Moment
from watchlist.storage.records import AlertRecord, Entry


class ToldRepositoryAlert(ToldAlert):
    """One alert of a user's digest, with the repository that it is of."""

    watchlist_id: str
    user_watchlist_id: str
    repository_url: str
    verdict: Annotated[VerdictState | None, Field(description="Of the repository now; null where not judged.")]

    @classmethod
    def of_repository(cls, record: AlertRecord, entry: Entry, verdict: VerdictState) -> Self:
        """Show a stored alert of this entry."""
        return cls(
            **dict(ToldAlert.of(record)),
            watchlist_id=record.watchlist_id,
            user_watchlist_id=record.user_watchlist_id,
            repository_url=entry.repository.url,
            verdict=verdict,
        )


class UserDigestMessage(Message):
    """A user's alerts, of all repositories, since the digest before."""

    schema_version: Literal[1] = 1
    type: Literal["alerts.user_digest"] = "alerts.user_digest"
    channel_id: str
    alerts: Annotated[tuple[ToldRepositoryAlert, ...], Field(description="The newest ones, newest first.")]
    more_alerts: MoreAlerts
    more_alerts_is_least: MoreAlertsIsLeast = False

    @property
    def chat_text(self) -> ChatText:
        """The alerts, each with its repository, and the way to the one repository if it is one."""
        number, is_least = len(self.alerts) + self.more_alerts, self.more_alerts_is_least
        urls = list(dict.fromkeys(alert.repository_url for alert in self.alerts))
        where = urls[0] if len(urls) == 1 else f"{len(urls)} repositories"
        return ChatText(
            f"{alerts_in_words(number, is_least=is_least)}: {where}",
            [alert.line(_short(alert.repository_url)) for alert in self.alerts],
            self.more_alerts,
            is_least,
            (Link("Open the repository", urls[0]),) if len(urls) == 1 else (),
        )


class ChannelTestMessage(Message):
    """A test of a channel, on request."""

    schema_version: Literal[1] = 1
    type: Literal["channel.test"] = "channel.test"
    channel_id: str
    name: str

    @property
    def chat_text(self) -> ChatText:
        """That alerts will come here."""
        return ChatText(
            f"Test of the channel {self.name}", [Line("TEST", "This is a test: what the channel's rules let through.")]
        )


class ChannelFailedMessage(Message):
    """Another channel of the same user does not work any more; told in those that do."""

    schema_version: Literal[1] = 1
    type: Literal["channel.failed"] = "channel.failed"
    name: Annotated[str, Field(description="Of the channel that failed; a repository's address for its own webhook.")]
    error: str
    switched_off: Annotated[bool, Field(description="Whether it is called no more; otherwise the next message tries.")]

    @property
    def chat_text(self) -> ChatText:
        """Which channel, and why."""
        end = "It is switched off." if self.switched_off else "What it was to say is lost to it; see the alerts."
        return ChatText(
            f"Notifications no longer reach {self.name}",
            [Line("CHANNEL", f"{self.name} failed in all its tries: {self.error}. {end}", is_urgent=True)],
        )


class ReportedRepository(BaseModel):
    """One repository that changed in the week."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    watchlist_id: str
    user_watchlist_id: str
    repository_url: str
    verdict: VerdictState
    reason: Annotated[str, Field(description="The verdict's first reason.")]
    changes: Annotated[tuple[str, ...], Field(description="The newest ones, newest first.")]
    more_changes: int
    has_critical: Annotated[bool, Field(description="Whether one of the changes is critical.")]


class WeeklyReportMessage(Message):
    """What changed in the week among all that a user watches, the worst first."""

    schema_version: Literal[1] = 1
    type: Literal["report.weekly"] = "report.weekly"
    channel_id: str
    since: Moment
    watched: Annotated[int, Field(description="How many repositories the user watches.")]
    verdicts: Annotated[dict[VerdictState, int], Field(description="How many of each verdict there are.")]
    changed: tuple[ReportedRepository, ...]
    more_changed: int
    leave_url: Annotated[str | None, Field(description="Leads to a page that ends these reports; null if not known.")]

    @property
    def chat_text(self) -> ChatText:
        """The repositories that changed; that there is nothing to do where none did."""
        number = len(self.changed) + self.more_changed
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in self.verdicts.items())
        summary = Line("WATCHED", f"{self.watched} repositories: {verdicts}" if self.watched else "nothing")
        return ChatText(
            f"Weekly report: {number} of {self.watched} repositories changed"
            if number
            else "Weekly report: nothing to do",
            [*(_reported(each) for each in self.changed), summary],
            self.more_changed,
            links=(Link("Stop these reports", self.leave_url),) if self.leave_url else (),
        )


def _reported(each: ReportedRepository) -> Line:
    more = f" And {each.more_changes} more." if each.more_changes else ""
    text = f"{_short(each.repository_url)}: {' '.join(each.changes)}{more}"
    return Line(each.verdict.upper(), text, is_urgent=each.has_critical)


AnyMessage = Annotated[
    DigestMessage | UserDigestMessage | ChannelTestMessage | ChannelFailedMessage | WeeklyReportMessage,
    Field(discriminator="type"),
]
_ANY: TypeAdapter[Message] = TypeAdapter(AnyMessage)


def read(body: str) -> Message:
    """Return the message whose JSON this is.

    Raises:
        ValidationError: it is none.
    """
    return _ANY.validate_json(body)


def compose_user_digest(
    digest_id: str,
    channel_id: str,
    created_at: datetime,
    alerts: Sequence[ToldRepositoryAlert],
    *,
    is_full: bool = False,
) -> UserDigestMessage:
    """Return the message for these alerts, newest first; the same for the same digest and channel.

    `is_full` says that more may have come than were collected.
    """
    shown = tuple(alerts[: limits.DIGEST_ALERTS])
    told = hashlib.sha256(f"{digest_id}\n{channel_id}".encode()).hexdigest()[:32]
    return UserDigestMessage(
        id=f"digest_{told}",
        created_at=created_at,
        channel_id=channel_id,
        alerts=shown,
        more_alerts=len(alerts) - len(shown),
        more_alerts_is_least=is_full,
    )


def _short(url: str) -> str:
    """Return owner and name."""
    return "/".join(url.split("/")[3:]) or url
