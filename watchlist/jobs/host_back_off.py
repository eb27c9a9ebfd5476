"""Hosts that ask for fewer requests, or do not answer, or slowly, are left alone for a while, by jobs and checks."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchlist import limits
from watchlist.errors import ErrorCode, JobError
from watchlist.git.answers import HOST_TROUBLE
from watchlist.storage.records import HostPause

Random = Callable[[], float]
"""Returns a number from 0 to 1, another one each time."""

_SHORTEST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class BackOff:
    """How often in a row a host was left alone, and until when."""

    times: int
    until: datetime

    @classmethod
    def after(cls, before: "BackOff | None", asked: timedelta | None, now: datetime, random: Random) -> "BackOff":
        """Return the next pause: as long as the host asked for, twice as long each further time, with jitter."""
        times = before.times + 1 if before else 1
        first = limits.HOST_BACK_OFF if asked is None else max(asked, _SHORTEST)
        pause = max(first, min(first * 2 ** min(times - 1, 16), limits.HOST_BACK_OFF_MAX))
        return cls(times, now + pause * (1 + random() / 4))

    def eased(self, now: datetime) -> "BackOff | None":
        """Return what is left of it once a host answers: the next pause gets shorter as slowly as this one got long.

        A host that has answered for as long as it was last left alone is one step back; None where no step is left.
        """
        if now - self.until < min(limits.HOST_BACK_OFF * 2 ** min(self.times - 1, 16), limits.HOST_BACK_OFF_MAX):
            return self
        return BackOff(self.times - 1, now) if self.times > 1 else None


def paused_until(origin: str, now: datetime) -> datetime | None:
    """Return until when a host is to be left alone, None if it may be asked."""
    pause = _stored(origin)
    return pause.until if pause and pause.until > now else None


def note_busy(origin: str, asked: timedelta | None, now: datetime, random: Random) -> datetime:
    """Note that a host asks a job for fewer requests, and return until when it is left alone.

    Jobs that were under way together hear the same; that does not make the pause longer.
    """
    before = _stored(origin)
    if before is None or before.until <= now:
        pause = BackOff.after(before, asked, now, random)
    else:
        pause = BackOff(before.times, max(before.until, now + (asked or timedelta(0))))
    _store(origin, pause)
    return pause.until


def note_well(origin: str, now: datetime) -> None:
    """Note that a host answers: its next pause is a shorter one if it has done so for a while."""
    pause = _stored(origin)
    if pause is not None and pause.until <= now:
        _ease(origin, pause, pause.eased(now))


def _ease(origin: str, before: BackOff, after: BackOff | None) -> None:
    if after is None:
        HostPause(HostPause.PK, origin).delete()
    elif after != before:
        _store(origin, after)


def _stored(origin: str) -> BackOff | None:
    try:
        pause = HostPause.get(HostPause.PK, origin)
    except HostPause.DoesNotExist:
        return None
    return BackOff(pause.times, pause.until)


def _store(origin: str, pause: BackOff) -> None:
    HostPause(
        HostPause.PK,
        origin,
        times=pause.times,
        until=pause.until,
        expires_at=pause.until + limits.HOST_BACK_OFF_REMEMBERED,
    ).save()


class Hosts:
    """The hosts of one run; may be used by several threads at once."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._lock = threading.Lock()
        self._in_a_row: dict[str, int] = {}
        self._pauses = {pause.sk: BackOff(pause.times, pause.until) for pause in HostPause.query(HostPause.PK)}

    def paused_until(self, origin: str, now: datetime) -> datetime | None:
        """Return until when the host is to be left alone, None if it may be asked."""
        pause = self._pauses.get(origin)
        return pause.until if pause and pause.until > now else None

    def answered(self, origin: str, now: datetime, took: timedelta) -> None:
        """Note that the host answers, and how long it took: a slow one is left alone after a few such answers in a row.

        Its pause does not grow, so that its repositories are checked, if by and by.
        """
        if took >= limits.HOST_SLOW:
            self._trouble(origin, now, lambda _: BackOff.after(None, None, now, self._random))
        else:
            self._is_well(origin, now)

    def failed(self, origin: str, error: JobError, now: datetime) -> None:
        """Note why the host gave no answer: it is left alone when it asks for that, or after a few in a row."""
        if error.code not in HOST_TROUBLE:
            self._is_well(origin, now)
            return
        self._trouble(
            origin,
            now,
            lambda before: BackOff.after(before, error.retry_after, now, self._random),
            at_once=error.code is ErrorCode.HOST_RATE_LIMITED or error.retry_after is not None,
        )

    def _is_well(self, origin: str, now: datetime) -> None:
        with self._lock:
            self._in_a_row.pop(origin, None)
            before = self._pauses.get(origin)
            if before is None or before.until > now:
                return
            after = before.eased(now)
            if after is None:
                del self._pauses[origin]
            else:
                self._pauses[origin] = after
        _ease(origin, before, after)

    def _trouble(
        self, origin: str, now: datetime, next_pause: Callable[[BackOff | None], BackOff], *, at_once: bool = False
    ) -> None:
        with self._lock:
            self._in_a_row[origin] = self._in_a_row.get(origin, 0) + 1
            enough = at_once or self._in_a_row[origin] >= limits.HOST_FAILURES_IN_A_ROW
            if not enough or self.paused_until(origin, now):  # requests that were under way tell nothing more
                return
            pause = next_pause(self._pauses.get(origin))
            self._pauses[origin] = pause
            self._in_a_row[origin] = 0
        _store(origin, pause)
