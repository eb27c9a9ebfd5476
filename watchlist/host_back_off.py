"""Hosts that ask for fewer requests, or do not answer, are left alone for a while; the state outlives one run."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchlist import limits
from watchlist.checking import HOST_TROUBLE, Random
from watchlist.errors import JobError
from watchlist.git_remote import HostBusyError
from watchlist.records import HostPause


@dataclass(frozen=True, slots=True)
class BackOff:
    """How often in a row a host was left alone, and until when."""

    times: int
    until: datetime

    @classmethod
    def after(cls, before: "BackOff | None", asked: timedelta | None, now: datetime, random: Random) -> "BackOff":
        """Return the next pause: as long as the host asked for, or twice the one before, with jitter."""
        times = before.times + 1 if before else 1
        pause = min(limits.HOST_BACK_OFF * 2 ** min(times - 1, 16), limits.HOST_BACK_OFF_MAX)
        return cls(times, now + max(pause, asked or pause) * (1 + random() / 4))


class Hosts:
    """The hosts of one run; may be used by several threads at once."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._lock = threading.Lock()
        self._in_a_row: dict[str, int] = {}
        self._pauses = {pause.sk: BackOff(int(pause.times), pause.until) for pause in HostPause.query(HostPause.PK)}

    def paused_until(self, origin: str, now: datetime) -> datetime | None:
        """Return until when the host is to be left alone, None if it may be asked."""
        pause = self._pauses.get(origin)
        return pause.until if pause and pause.until > now else None

    def answered(self, origin: str, now: datetime) -> None:
        """Note that the host answers."""
        with self._lock:
            self._in_a_row.pop(origin, None)
            if origin not in self._pauses or self.paused_until(origin, now):
                return
            del self._pauses[origin]
        HostPause(HostPause.PK, origin).delete()

    def failed(self, origin: str, error: JobError, now: datetime) -> None:
        """Note why the host gave no answer: it is left alone when it asks for that, or after a few in a row."""
        if error.code not in HOST_TROUBLE:
            self.answered(origin, now)
            return
        with self._lock:
            self._in_a_row[origin] = self._in_a_row.get(origin, 0) + 1
            is_busy = isinstance(error, HostBusyError)
            enough = is_busy or self._in_a_row[origin] >= limits.HOST_FAILURES_IN_A_ROW
            if not enough or self.paused_until(origin, now):  # requests that were under way tell nothing more
                return
            asked = error.retry_after if isinstance(error, HostBusyError) else None
            pause = BackOff.after(self._pauses.get(origin), asked, now, self._random)
            self._pauses[origin] = pause
            self._in_a_row[origin] = 0
        HostPause(
            HostPause.PK,
            origin,
            times=pause.times,
            until=pause.until,
            expires_at=pause.until + limits.HOST_BACK_OFF_REMEMBERED,
        ).save()
