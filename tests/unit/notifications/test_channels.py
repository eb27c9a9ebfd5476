from datetime import UTC, datetime
from typing import Any

from watchlist.notifications import channels
from watchlist.storage.records import Channel

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def channel(channel_id: str, broken_since: datetime | None = None, **settings: Any) -> Channel:
    return Channel(
        "user", channel_id, channel_id=channel_id, settings={"name": "a"} | settings, broken_since=broken_since
    )


def test_a_failure_is_told_where_somebody_can_hear_of_it() -> None:
    all_of_them = [channel("works"), channel("off", enabled=False), channel("broken", NOON), channel("failed")]

    assert [each.channel_id for each in channels.that_work(all_of_them, but=["failed"])] == ["works"]
