"""One sender at a time for each user: a webhook that does not answer holds up its owner's other deliveries alone."""

from datetime import datetime

from watchlist.storage import rights
from watchlist.storage.records import Sending


def begin(user: str, owner: str, lapses_at: datetime, now: datetime) -> bool:
    """Take the right to call the user's webhooks; False while another sender has it."""
    return rights.take(_sending(user, owner, lapses_at), now)


def end(user: str, owner: str) -> None:
    """Give the right back; harmless when it has lapsed."""
    rights.give_back(_sending(user, owner))


def _sending(user: str, owner: str, lapses_at: datetime | None = None) -> Sending:
    return Sending(Sending.pk_of(user), Sending.SK, owner=owner, lapses_at=lapses_at, expires_at=lapses_at)
