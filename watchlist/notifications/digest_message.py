"""What a digest says: the body of a webhook call, and the text of an e-mail."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from watchlist import clock, limits
from watchlist.alerts.alert import Alert
from watchlist.alerts.kind import AlertLevel
from watchlist.alerts.settings import AlertKind
from watchlist.storage.records import AlertRecord

Moment = Annotated[datetime, PlainSerializer(clock.to_json, return_type=str)]


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


class DigestMessage(BaseModel):
    """The alerts of one user entry since the digest before."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    type: Literal["alerts.digest"] = "alerts.digest"
    id: Annotated[str, Field(description="The same when the same digest is delivered again.")]
    created_at: Moment
    user_watchlist_id: str
    watchlist_id: str
    repository_url: str
    alerts: Annotated[tuple[ToldAlert, ...], Field(description="The newest ones, newest first.")]
    more_alerts: Annotated[int, Field(description="How many there are besides; the HTTP API has them all.")]

    @property
    def subject(self) -> str:
        """The subject of an e-mail: at most 100 printable ASCII characters, as SNS demands."""
        number = len(self.alerts) + self.more_alerts
        return f"{number} alert{'' if number == 1 else 's'}: {self.repository_url}"[:100]

    @property
    def text(self) -> str:
        """The text of an e-mail."""
        lines = [f"[{alert.level}] {clock.to_json(alert.raised_at)} {alert.message}" for alert in self.alerts]
        more = [f"... and {self.more_alerts} more."] if self.more_alerts else []
        return "\n".join((self.repository_url, "", *lines, *more)) + "\n"


def compose(  # noqa: PLR0913 - the parts of one message, each by its name
    *,
    digest_id: str,
    created_at: datetime,
    user_watchlist_id: str,
    watchlist_id: str,
    repository_url: str,
    alerts: Sequence[AlertRecord],
) -> DigestMessage:
    """Return the message for these alerts, newest first."""
    shown = alerts[: limits.DIGEST_ALERTS]
    return DigestMessage(
        id=digest_id,
        created_at=created_at,
        user_watchlist_id=user_watchlist_id,
        watchlist_id=watchlist_id,
        repository_url=repository_url,
        alerts=tuple(ToldAlert.of(record) for record in shown),
        more_alerts=len(alerts) - len(shown),
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
