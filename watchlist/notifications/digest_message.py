"""What a digest says: the body of a webhook call, and the text of an e-mail."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from watchlist import clock, limits
from watchlist.alerts.alert import Alert
from watchlist.alerts.kind import AlertLevel
from watchlist.alerts.settings import AlertKind
from watchlist.health.verdict import VerdictState
from watchlist.notifications.chat_text import ChatText, Line, Link
from watchlist.notifications.message import Message, Moment
from watchlist.storage.records import AlertRecord


class ToldAlert(BaseModel):
    """One alert of a digest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    kind: AlertKind
    level: AlertLevel
    message: str
    commit_sha: str | None
    raised_at: Moment

    @classmethod
    def of(cls, record: AlertRecord) -> Self:
        """Show a stored alert."""
        alert = Alert.model_validate(record.alert)
        return cls(
            id=alert.id,
            kind=alert.kind,
            level=alert.level,
            message=alert.message,
            commit_sha=alert.commit_sha,
            raised_at=record.raised_at,
        )

    def line(self, subject: str = "") -> Line:
        """Return what a chat says of it; `subject` names what it is about."""
        text = f"{subject}: {self.message}" if subject else self.message
        return Line(self.level.upper(), text, is_urgent=self.level is AlertLevel.CRITICAL)


MoreAlerts = Annotated[int, Field(description="How many there are besides; the HTTP API has them all.")]
MoreAlertsIsLeast = Annotated[
    bool,
    Field(
        description=f"Whether there may be more still: at most {limits.DIGEST_COLLECTED} are collected for a digest."
    ),
]


def alerts_in_words(number: int, *, is_least: bool) -> str:
    """Return the number for a title."""
    return f"{number} alert{'' if number == 1 else 's'}{' or more' if is_least else ''}"


class DigestMessage(Message):
    """The alerts of one user entry since the digest before."""

    schema_version: Literal[1] = 1
    type: Literal["alerts.digest"] = "alerts.digest"
    user_watchlist_id: str
    watchlist_id: str
    repository_url: str
    alerts: Annotated[tuple[ToldAlert, ...], Field(description="The newest ones, newest first.")]
    more_alerts: MoreAlerts
    more_alerts_is_least: MoreAlertsIsLeast = False

    verdict: Annotated[VerdictState | None, Field(description="Of the repository now; null where not judged.")] = None

    @property
    def chat_text(self) -> ChatText:
        """The alerts, and the way to the repository."""
        number, is_least = len(self.alerts) + self.more_alerts, self.more_alerts_is_least
        return ChatText(
            f"{alerts_in_words(number, is_least=is_least)}: {self.repository_url}",
            [alert.line() for alert in self.alerts],
            self.more_alerts,
            is_least,
            (Link("Open the repository", self.repository_url),),
        )

    @property
    def text(self) -> str:
        """The text of an e-mail."""
        lines = [f"[{alert.level}] {clock.to_json(alert.raised_at)} {alert.message}" for alert in self.alerts]
        and_more = self.chat_text.and_more(len(lines))
        more = [f"... {and_more}."] if and_more else []
        verdict = [f"Verdict: {self.verdict}"] if self.verdict else []
        return "\n".join((self.repository_url, *verdict, "", *lines, *more)) + "\n"


def compose(  # noqa: PLR0913 - the parts of one message, each by its name
    *,
    digest_id: str,
    created_at: datetime,
    user_watchlist_id: str,
    watchlist_id: str,
    repository_url: str,
    alerts: Sequence[AlertRecord],
    verdict: VerdictState | None,
    is_full: bool = False,
) -> DigestMessage:
    """Return the message for these alerts, newest first; `is_full` says that more may have come than were collected."""
    shown = alerts[: limits.DIGEST_ALERTS]
    return DigestMessage(
        id=digest_id,
        created_at=created_at,
        user_watchlist_id=user_watchlist_id,
        watchlist_id=watchlist_id,
        repository_url=repository_url,
        alerts=tuple(ToldAlert.of(record) for record in shown),
        more_alerts=len(alerts) - len(shown),
        more_alerts_is_least=is_full,
        verdict=verdict,
    )


def compose_test(user_watchlist_id: str, watchlist_id: str, repository_url: str, at: datetime) -> DigestMessage:
    """Return a message that says that it is a test, in the form of a digest."""
    test_id = f"test_{secrets.token_hex(16)}"
    alert = ToldAlert(
        id=test_id,
        kind=AlertKind.PROCESSING_FINISHED,
        level=AlertLevel.MILD,
        message="This is a test: alerts of this repository will come here.",
        commit_sha=None,
        raised_at=at,
    )
    return DigestMessage(
        id=test_id,
        created_at=at,
        user_watchlist_id=user_watchlist_id,
        watchlist_id=watchlist_id,
        repository_url=repository_url,
        alerts=(alert,),
        more_alerts=0,
    )
