"""Time as the service reads and writes it: aware and UTC; given to those who need it, so that tests control it."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def to_json(moment: datetime) -> str:
    """Return `moment` as UTC ISO-8601 with milliseconds and `Z`, as all JSON of the service has it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
