"""How long jobs wait for a task, and how many time out, when more are added than there are tasks for.

Usage: python -m bench.waiting_jobs [--burst 5000] [--rate 1000] [--hours 24] [--slots 40] [--task-seconds 120]

One user adds `burst` repositories within the first hour; after it 50 users add `rate` an hour together. The decisions
are the product's own: `dispatching.decide` on each message, `waiting.next_in_turn` when a task ends, and
`reconciling.decide` every five minutes. Modelled is only what they are about: tasks that take their time, and the line.

For comparison, `lottery` is what a service does that asks again about once a minute for each job that waits, and counts
its bound from the moment at which the job was queued.
"""

import argparse
import heapq
import random
from bisect import bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median, quantiles

from watchlist import limits
from watchlist.job_kinds import JobKind
from watchlist.jobs import dispatching, reconciling, waiting
from watchlist.jobs import protocol as job_protocol
from watchlist.jobs.dispatching import ReceivedMessage, Start
from watchlist.jobs.reconciling import TimeOut
from watchlist.jobs.waiting import Place
from watchlist.states import JobState, Share
from watchlist.storage.records import ENTRY_KEY, Entry, user_hash

_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_ASK_AGAIN = timedelta(minutes=1)
BURSTING = "burst"


@dataclass(frozen=True, slots=True)
class Load:
    """What is added, and what there is to work on it."""

    burst: int = 5000
    rate: int = 1000
    hours: int = 24
    slots: int = 40
    task: timedelta = timedelta(minutes=2)

    def jobs(self, dice: random.Random) -> list[tuple[datetime, str]]:
        """Return when which user adds something."""
        adds = [(_BEGIN + dice.random() * _HOUR, BURSTING) for _ in range(self.burst)]
        later = self.rate * (self.hours - 1)
        adds += [
            (_BEGIN + _HOUR + dice.random() * (self.hours - 1) * _HOUR, f"user-{number % 50}")
            for number in range(later)
        ]
        return sorted(adds)


@dataclass(slots=True)
class Result:
    """What became of the jobs: how long each that started had waited, by its user; how many timed out."""

    minutes: dict[str, list[float]] = field(default_factory=dict)
    timed_out: int = 0
    writes: int = 0

    def started(self, user: str, after: timedelta) -> None:
        """Count a job that started `after` it was queued."""
        self.minutes.setdefault(user, []).append(after / timedelta(minutes=1))


@dataclass(slots=True)
class ListedLine:
    """The line of `waiting`, in memory."""

    places: list[tuple[str, str]] = field(default_factory=list)

    def first_after(self, key: str) -> Place | None:
        """Return the first place whose key is greater than `key`."""
        index = bisect_right(self.places, (key, "\U0010ffff"))
        return Place(self.places[index][1], self.places[index][0]) if index < len(self.places) else None

    def join(self, entry: Entry) -> None:
        """Let the entry's job wait."""
        entry.waits_in = Share.SETUP
        entry.turn = waiting.key_of(entry.asked_by, entry.job_queued_at)
        insort(self.places, (entry.turn, entry.watchlist_id))

    def leave(self, place: Place, entry: Entry, now: datetime) -> None:
        """Let the job be called."""
        self.places.remove((place.key, place.watchlist_id))
        entry.waits_in = entry.turn = None
        entry.called_at = now


class InTurn:
    """The product: users in turn, of each the oldest first."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._line = ListedLine()
        self._served = waiting.NO_LANE
        self._free = load.slots
        self._ends: list[tuple[datetime, str]] = []
        self._entries: dict[str, Entry] = {}
        self._users: dict[str, str] = {}
        self.result = Result()

    def run(self, dice: random.Random) -> Result:
        """Run until the last job has started, or timed out."""
        arrivals = iter([*self._load.jobs(dice)])
        next_add = next(arrivals, None)
        next_look = _BEGIN + limits.RECONCILE_INTERVAL
        while next_add is not None or self._line.places or self._ends:
            moments = [self._ends[0][0] if self._ends else None, next_add and next_add[0], next_look]
            now = min(moment for moment in moments if moment is not None)
            if next_add is not None and now == next_add[0]:
                self._receive(self._add(next_add[1], now), now)
                next_add = next(arrivals, None)
            elif now == next_look:
                self._look(now)
                next_look += limits.RECONCILE_INTERVAL
            else:
                self._end(heapq.heappop(self._ends)[1])
                self._call(now)
        return self.result

    def _add(self, user: str, now: datetime) -> Entry:
        name = f"{len(self._users):06d}"
        entry = Entry(
            name,
            ENTRY_KEY,
            watchlist_id=name,
            generation=1,
            job_kind=str(JobKind.REPOSITORY_SETUP),
            asked_by=user_hash(user),
        )
        job_protocol.queued(entry, name, name, now)
        self._entries[name], self._users[name] = entry, user
        return entry

    def _receive(self, entry: Entry, now: datetime) -> None:
        message = ReceivedMessage(job_protocol.message_of(entry), "id", 1, "receipt", now)
        if not isinstance(dispatching.decide(message, entry, now), Start):
            raise TypeError("a queued job is to be started")
        is_called = entry.called_at is not None
        if is_called or (self._free and not waiting.somebody_waits(self._line)):
            self._free -= not is_called
            entry.attempt = entry.claimed_attempt = 1
            heapq.heappush(self._ends, (now + self._load.task, entry.watchlist_id))
            self.result.started(self._users[entry.watchlist_id], now - entry.job_queued_at)
        else:
            self._line.join(entry)
            self.result.writes += 1
            self._call(now)

    def _call(self, now: datetime) -> None:
        while self._free and (place := waiting.next_in_turn(self._line, self._served)) is not None:
            self._served, self._free = place.lane, self._free - 1
            entry = self._entries[place.watchlist_id]
            self._line.leave(place, entry, now)
            self.result.writes += 1
            self._receive(entry, now)

    def _end(self, name: str) -> None:
        self._free += 1
        self._entries.pop(name).job_state = JobState.COMPLETED

    def _look(self, now: datetime) -> None:
        for entry in self._entries.values():
            if not entry.awaits_claim and entry.attempt == 0 and isinstance(reconciling.decide(entry, now), TimeOut):
                self.result.timed_out += 1


def lottery(load: Load, dice: random.Random) -> Result:
    """Let each job that waits ask again about once a minute, and time out by when it was queued."""
    result = Result()
    ends: list[datetime] = []
    asks = [(at, at, user) for at, user in load.jobs(dice)]
    heapq.heapify(asks)
    while asks:
        now, queued_at, user = heapq.heappop(asks)
        while ends and ends[0] <= now:
            heapq.heappop(ends)
        if now - queued_at >= limits.PROCESSING_BOUND:
            result.timed_out += 1
        elif len(ends) < load.slots:
            heapq.heappush(ends, now + load.task)
            result.started(user, now - queued_at)
        else:
            result.writes += 1
            heapq.heappush(asks, (now + _ASK_AGAIN * dice.uniform(0.5, 1.5), queued_at, user))
    return result


def rows(load: Load, seed: int) -> Iterator[str]:
    """Yield the table, a row for each way to choose."""
    yield (
        "| who gets a freed slot | jobs | timed out | writes while waiting | others wait: median | 99 % | longest "
        "| the burst waits: median | longest |"
    )
    yield "|---|---:|---:|---:|---:|---:|---:|---:|---:|"
    found = {
        "whoever asks first (lottery)": lottery(load, random.Random(seed)),  # noqa: S311 - a simulation
        "users in turn, oldest first": InTurn(load).run(random.Random(seed)),  # noqa: S311 - a simulation
    }
    for name, result in found.items():
        others = [wait for user, waits in result.minutes.items() if user != BURSTING for wait in waits]
        burst = result.minutes[BURSTING]
        jobs = len(others) + len(burst) + result.timed_out
        yield (
            f"| {name} | {jobs} | {result.timed_out} | {result.writes} | {median(others):.1f} min | "
            f"{quantiles(others, n=100)[-1]:.1f} min | {max(others):.1f} min | {median(burst):.1f} min | "
            f"{max(burst):.1f} min |"
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.waiting_jobs", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    for name in ("burst", "rate", "hours", "slots"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Load(), name))
    parser.add_argument("--task-seconds", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    load = Load(
        arguments.burst,
        arguments.rate,
        arguments.hours,
        arguments.slots,
        timedelta(seconds=arguments.task_seconds),
    )
    for row in rows(load, arguments.seed):
        print(row)


if __name__ == "__main__":
    main()
