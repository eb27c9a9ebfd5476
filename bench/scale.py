"""How far the service goes: a day of 10 000, 100 000 and 1 000 000 repositories, and what gives way first.

Usage: python -m bench.scale > docs/scale.md

The decisions are the product's own: `checks.decisions` says what is asked for and what follows, `dispatching` what
becomes of a message, `waiting` whose turn it is, `reconciling` who is out of time. Modelled is what they are about:
repositories that move, hosts that answer, tasks that take their time, and what AWS allows. Of large sizes one simulated
repository stands for many, and what is allowed is divided alike.
"""

import heapq
import math
import random
from bisect import bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from infra.environments import PROD, Environment
from infra.operations import cost
from watchlist import limits
from watchlist.checks import decisions as checking
from watchlist.checks.decisions import AskHead, Forget, Looked, Policy, Rest, Start, Unchanged
from watchlist.git.protocol import Head
from watchlist.job_kinds import JobKind
from watchlist.jobs import dispatching, reconciling, waiting
from watchlist.jobs import protocol as job_protocol
from watchlist.jobs.dispatching import ReceivedMessage
from watchlist.jobs.reconciling import TimeOut
from watchlist.jobs.waiting import Place
from watchlist.states import EntryStatus, JobState, Share
from watchlist.storage.records import ENTRY_KEY, Entry, user_hash

SIZES = (10_000, 100_000, 1_000_000)
MOVES_A_DAY = 0.3
BURST = 5_000
"""Repositories that are added within one hour, the thirteenth of the measured day."""

_SIMULATED = 20_000
"""Repositories of a simulation at most."""

_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_DAY, _HOUR, _MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
_WARM_UP = timedelta(hours=12)

_HEAD_SECONDS = 0.2
"""Of one request for HEAD, over a connection that is kept."""

_REST_REQUESTS = 40
"""Of one run of Scorecard (10 to 70), of 5 000 that a token of GitHub has in an hour."""

_TOKEN_REQUESTS = 5_000
_RUN_TASKS_A_SECOND = 20
"""Launches of Fargate tasks that AWS sustains (ECS service quotas)."""

_KEY_WRITES, _KEY_READS = 1_000, 3_000
"""Units a second of one key (DynamoDB developer guide, partitions)."""

_TABLE_WRITES = 40_000
"""Units a second of an on-demand table, unless the quota was raised."""

_SLOT_BYTES = 120
_READ_UNIT_BYTES = 4096

LIFTED: Mapping[int, Environment] = {
    10_000: replace(PROD, max_setup_tasks=200),
    100_000: replace(PROD, max_setup_tasks=200, max_refresh_tasks=80, max_open_refreshes=2_000),
    1_000_000: replace(
        PROD,
        max_setup_tasks=200,
        max_refresh_tasks=600,
        max_open_refreshes=20_000,
        checks_at_once=32,
        checks_a_second=60,
    ),
}
"""Settings with which each size holds; a burst of adds waits for nobody."""


class _Line:
    """The line of a share, in memory."""

    def __init__(self) -> None:
        self.places: list[tuple[str, str]] = []

    def first_after(self, key: str) -> Place | None:
        index = bisect_right(self.places, (key, "\U0010ffff"))
        return Place(self.places[index][1], self.places[index][0]) if index < len(self.places) else None

    def join(self, entry: Entry, lane: str) -> None:
        entry.waits_in, entry.turn = Share.of(entry.kind), waiting.key_of(lane, entry.job_queued_at)
        insort(self.places, (entry.turn, entry.watchlist_id))

    def leave(self, place: Place, entry: Entry, now: datetime) -> None:
        self.places.remove((place.key, place.watchlist_id))
        entry.waits_in = entry.turn = None
        entry.called_at = now


@dataclass
class Measured:
    """What a day took; numbers are of the whole size, not of what was simulated."""

    checks: int = 0
    refreshes: int = 0
    setups: int = 0
    timed_out: int = 0
    lag: timedelta = timedelta(0)
    setup_wait: timedelta = timedelta(0)
    tasks: dict[Share, int] = field(default_factory=lambda: dict.fromkeys(Share, 0))
    open_refreshes: int = 0
    checks_of_a_run: int = 0
    launches: Counter[datetime] = field(default_factory=Counter)
    scorecards: Counter[datetime] = field(default_factory=Counter)
    table: Counter[datetime] = field(default_factory=Counter)
    keys: dict[str, Counter[datetime]] = field(default_factory=lambda: defaultdict(Counter))

    def hottest(self) -> tuple[str, float]:
        """Return the key that is written most within a minute, and its writes a second."""
        return max(((key, _a_second(minutes)) for key, minutes in self.keys.items()), key=lambda each: each[1])


class World:
    """Some repositories, an environment, and AWS."""

    def __init__(self, size: int, environment: Environment, seed: int = 1) -> None:
        self._weight = max(1, size // _SIMULATED)
        self._environment = environment
        self._dice = random.Random(seed)  # noqa: S311 - a simulation
        self._policy = Policy(
            limits.COMMITS_INTERVAL, limits.HEALTH_INTERVAL, limits.UNCHANGED_HEALTH_INTERVAL, limits.CHECK_JITTER
        )
        self._entries: dict[str, Entry] = {}
        self._due: list[tuple[datetime, str]] = []
        self._put_off: list[tuple[datetime, str, Start]] = []
        self._open: set[str] = set()
        self._lines = {share: _Line() for share in Share}
        self._served = dict.fromkeys(Share, waiting.NO_LANE)
        self._free = {
            Share.SETUP: self._slots(environment.max_setup_tasks),
            Share.REFRESH: self._slots(environment.max_refresh_tasks),
        }
        self._all = dict(self._free)
        self._ends: list[tuple[datetime, str]] = []
        self._measuring = False
        self.measured = Measured()
        for number in range(size // self._weight):
            self._add_old(f"{number:06d}")

    def _slots(self, tasks: int) -> int:
        return max(1, round(tasks / self._weight))

    def _add_old(self, name: str) -> None:
        """Add one that has been watched for long: its last check and health lie anywhere within their intervals."""
        checked_at = _BEGIN - self._dice.random() * limits.COMMITS_INTERVAL
        entry = _entry(name, checked_at - timedelta(days=30), JobKind.HEALTH_ANALYSIS)
        entry.status, entry.job_state = EntryStatus.READY, JobState.COMPLETED
        entry.head_sha = entry.scorecard_head_sha = "0"
        entry.checked_at = checked_at
        entry.scorecard_checked_at = _BEGIN - self._dice.random() * limits.UNCHANGED_HEALTH_INTERVAL
        self._entries[name] = entry
        heapq.heappush(self._due, (checked_at + limits.COMMITS_INTERVAL, name))

    def day(self) -> Measured:
        """Let half a day pass, then measure one."""
        ends = _BEGIN + _WARM_UP + _DAY
        burst = [
            (_BEGIN + _WARM_UP + (12 + self._dice.random()) * _HOUR, number) for number in range(BURST // self._weight)
        ]
        adds, now = iter(sorted(burst)), _BEGIN
        next_add = next(adds, None)
        while now < ends:
            self._measuring = now >= _BEGIN + _WARM_UP
            while next_add is not None and next_add[0] <= now:
                self._add_new(next_add[1], now)
                next_add = next(adds, None)
            while self._ends and self._ends[0][0] <= now:
                self._end(heapq.heappop(self._ends)[1], now)
            if (now - _BEGIN) % limits.SCHEDULE_INTERVAL == timedelta(0):
                self._schedule(now)
                self._reconcile(now)
            for share in Share:
                running = self._all[share] - self._free[share]
                self._write(f"slots of {share}s", running, now)  # heartbeats
                self._write("the index of what is due: jobs", 2 * running, now)
                if self._measuring:
                    self.measured.tasks[share] = max(self.measured.tasks[share], running * self._weight)
            now += _MINUTE
        return self.measured

    def _add_new(self, number: int, now: datetime) -> None:
        entry = _entry(f"new-{number:06d}", now, JobKind.REPOSITORY_SETUP)
        entry.status, entry.asked_by = EntryStatus.PROCESSING, user_hash(f"user-{number % 50}")
        self._entries[entry.watchlist_id] = entry
        self._queue(entry, now)

    def _schedule(self, now: datetime) -> None:
        seconds = (limits.SCHEDULER_TIMEOUT - limits.SCHEDULER_STOPS_BEFORE).total_seconds()
        pace = min(self._environment.checks_a_second, self._environment.checks_at_once / _HEAD_SECONDS)
        left = min(limits.CHECKS_OF_ONE_RUN, seconds * pace) / self._weight
        while self._put_off and self._has_room():
            _, name, start = heapq.heappop(self._put_off)
            self._start(self._entries[name], start, now)
        checked = 0
        while self._due and self._due[0][0] <= now and left > 0:
            due_at, name = heapq.heappop(self._due)
            entry = self._entries[name]
            plan = checking.plan(entry, now, self._policy, self._dice.random)
            if isinstance(plan, AskHead):
                left, checked = left - 1, checked + 1
                elapsed = (now - (entry.checked_at or now)) / _DAY
                has_moved = self._dice.random() < 1 - (1 - MOVES_A_DAY) ** elapsed
                head = Head(str(int(entry.head_sha) + has_moved), "main", "sha1")
                entry.checked_at = now
                self._follow(
                    entry, checking.judge(entry, Looked(head), now, self._policy, self._dice.random), due_at, now
                )
            else:
                self._follow(entry, plan, due_at, now)
            self._write("the index of what is due: checks", 2, now)
            self._count(self.measured.table, cost.WRITES_OF_CHECK, now)
        if self._measuring:
            waits = [queue[0][0] for queue in (self._due, self._put_off) if queue]
            measured = self.measured
            measured.checks += checked * self._weight
            measured.checks_of_a_run = max(measured.checks_of_a_run, checked * self._weight)
            measured.open_refreshes = max(measured.open_refreshes, len(self._open) * self._weight)
            measured.lag = max(measured.lag, now - min(waits, default=now))

    def _has_room(self) -> bool:
        return len(self._open) < max(1, self._environment.max_open_refreshes / self._weight)

    def _follow(self, entry: Entry, plan: Forget | Rest | Start | Unchanged, due_at: datetime, now: datetime) -> None:
        match plan:
            case Start() if self._has_room():
                self._start(entry, plan, now)
            case Start():
                heapq.heappush(self._put_off, (due_at, entry.watchlist_id, plan))
            case Rest(until) | Unchanged(until):
                heapq.heappush(self._due, (until, entry.watchlist_id))
            case Forget():
                pass

    def _start(self, entry: Entry, start: Start, now: datetime) -> None:
        entry.job_kind, entry.generation, entry.with_health = str(start.kind), entry.generation + 1, start.with_health
        self._open.add(entry.watchlist_id)
        self._queue(entry, now)

    def _queue(self, entry: Entry, now: datetime) -> None:
        job_protocol.queued(entry, f"{entry.watchlist_id}-{entry.generation}", "scale", now)
        entry.called_at = None
        self._write("the index of what is due: jobs", 2, now)
        self._write(f"the index of open jobs: {entry.kind}", 1, now)
        self._receive(entry, now)

    def _receive(self, entry: Entry, now: datetime) -> None:
        message = ReceivedMessage(job_protocol.message_of(entry), "id", 1, "receipt", now)
        if not isinstance(dispatching.decide(message, entry, now), dispatching.Start):
            raise TypeError("a queued job is to be started")
        share, is_called = Share.of(entry.kind), entry.called_at is not None
        if is_called or (self._free[share] and not waiting.somebody_waits(self._lines[share])):
            self._free[share] -= not is_called
            self._launch(entry, share, now)
        else:
            lane = waiting.NO_LANE if entry.kind.is_refresh else entry.asked_by
            self._lines[share].join(entry, lane)
            self._write(f"the line of {share}s", 1, now)
            self._call(share, now)

    def _launch(self, entry: Entry, share: Share, now: datetime) -> None:
        use = cost.PER_REPOSITORY
        entry.attempt = entry.claimed_attempt = 1
        entry.job_state = JobState.RUNNING
        minutes = use.refresh_minutes if entry.kind.is_refresh else use.setup_minutes
        heapq.heappush(self._ends, (now + minutes * _MINUTE, entry.watchlist_id))
        self._write(f"slots of {share}s", 2, now)
        self._write("the index of what is due: jobs", 2 * 5, now)
        found = 0 if entry.kind.is_refresh else use.units_of_setup
        self._count(self.measured.table, cost.WRITES_OF_REFRESH + found, now)
        self._count(self.measured.launches, 1, now)
        if entry.kind is not JobKind.COMMIT_BACKFILL or entry.with_health:
            self._count(self.measured.scorecards, 1, now)
        if self._measuring and not entry.kind.is_refresh:
            self.measured.setups += self._weight
            self.measured.setup_wait = max(self.measured.setup_wait, now - entry.job_queued_at)
        elif self._measuring:
            self.measured.refreshes += self._weight

    def _call(self, share: Share, now: datetime) -> None:
        line = self._lines[share]
        while self._free[share] and (place := waiting.next_in_turn(line, self._served[share])) is not None:
            self._served[share] = place.lane
            self._free[share] -= 1
            entry = self._entries[place.watchlist_id]
            line.leave(place, entry, now)
            self._write(f"whose turn it is of {share}s", 1, now)
            self._write(f"the line of {share}s", 1, now)
            self._receive(entry, now)

    def _end(self, name: str, now: datetime) -> None:
        entry = self._entries[name]
        share = Share.of(entry.kind)
        if entry.kind is not JobKind.COMMIT_BACKFILL or entry.with_health:
            entry.scorecard_checked_at, entry.scorecard_head_sha = now, entry.head_sha
        if not entry.kind.is_refresh:
            entry.head_sha = entry.scorecard_head_sha = "0"
            entry.processing_completed_at = now
        entry.status, entry.job_state, entry.checked_at = EntryStatus.READY, JobState.COMPLETED, now
        self._open.discard(name)
        self._write(f"jobs that ended: {entry.kind}", 1, now)
        heapq.heappush(self._due, (now, name))
        self._free[share] += 1
        self._call(share, now)

    def _reconcile(self, now: datetime) -> None:
        for line in self._lines.values():
            for _, name in line.places:
                if isinstance(reconciling.decide(self._entries[name], now), TimeOut) and self._measuring:
                    self.measured.timed_out += self._weight

    def _write(self, key: str, units: float, now: datetime) -> None:
        self._count(self.measured.keys[key], units, now)

    def _count(self, counter: Counter[datetime], number: float, now: datetime) -> None:
        if self._measuring:
            counter[now] += round(number * self._weight)


def _entry(name: str, created_at: datetime, kind: JobKind) -> Entry:
    return Entry(
        name,
        ENTRY_KEY,
        watchlist_id=name,
        created_at=created_at,
        processing_completed_at=created_at,
        generation=1,
        job_kind=str(kind),
    )


def _a_second(minutes: Counter[datetime]) -> float:
    return max(minutes.values(), default=0) / 60


def _an_hour(minutes: Counter[datetime]) -> int:
    hours: Counter[datetime] = Counter()
    for minute, number in minutes.items():
        hours[minute.replace(minute=0)] += number
    return max(hours.values(), default=0)


@dataclass(frozen=True, slots=True)
class Part:
    """What can give way.

    Attributes:
        used: what a day takes of it at most.
        allowed: what there is, by an environment's settings or AWS's limits.
        lifted_by: what makes it more.
    """

    name: str
    used: Callable[[Measured], float]
    allowed: Callable[[Environment], float]
    lifted_by: str


def _slot_reads(measured: Measured) -> float:
    """Read units a second of the slots of refreshes: each launch looks at all of them."""
    of_a_look = math.ceil(measured.tasks[Share.REFRESH] * _SLOT_BYTES / _READ_UNIT_BYTES)
    return 2 * of_a_look * _a_second(measured.launches)


PARTS = (
    Part(
        "checks of one run",
        lambda measured: measured.checks_of_a_run,
        lambda environment: min(limits.CHECKS_OF_ONE_RUN, 255 * environment.checks_a_second),
        "`checks_a_second`, `checks_at_once`",
    ),
    Part(
        "refreshes that run at once",
        lambda measured: measured.tasks[Share.REFRESH],
        lambda environment: environment.max_refresh_tasks,
        "`max_refresh_tasks`, and the account's quota of Fargate Spot",
    ),
    Part(
        "refreshes that are open",
        lambda measured: measured.open_refreshes,
        lambda environment: environment.max_open_refreshes,
        "`max_open_refreshes`",
    ),
    Part(
        "setups that run at once (a burst waits in line)",
        lambda measured: measured.tasks[Share.SETUP],
        lambda environment: environment.max_setup_tasks,
        "`max_setup_tasks`, and the account's quota of Fargate",
    ),
    Part(
        "launches a second",
        lambda measured: _a_second(measured.launches),
        lambda _: _RUN_TASKS_A_SECOND,
        "AWS, on request",
    ),
    Part(
        "write units a second of the hottest key",
        lambda measured: measured.hottest()[1],
        lambda _: _KEY_WRITES,
        "a change: the key is spread over several",
    ),
    Part(
        "read units a second of the slots",
        _slot_reads,
        lambda _: _KEY_READS,
        "a change: each launch looks at some slots",
    ),
    Part(
        "write units a second of the table",
        lambda measured: _a_second(measured.table),
        lambda _: _TABLE_WRITES,
        "AWS, on request",
    ),
    Part(
        "GitHub's requests an hour with one token",
        lambda measured: _an_hour(measured.scorecards) * _REST_REQUESTS,
        lambda _: _TOKEN_REQUESTS,
        "more tokens in the secret",
    ),
)


def of_settings(measured: Measured, environment: Environment) -> list[tuple[float, Part]]:
    """Return the share of each part that is used, the largest first."""
    return sorted(
        ((part.used(measured) / part.allowed(environment), part) for part in PARTS), key=lambda each: -each[0]
    )


def document(sizes: tuple[int, ...] = SIZES) -> Iterator[str]:
    """Yield the lines of docs/scale.md."""
    yield "# How far it goes"
    yield ""
    yield (
        f"Written by `make scale`: a simulated day of so many repositories, {MOVES_A_DAY:.0%} of which move, looked at "
        f"once a day, with {BURST} adds by 50 users within one hour. What is decided is decided by the product's own "
        "scheduler, dispatcher, line and reconciler; AWS's limits, times and tokens are a model "
        "(`bench/scale.py` names each number). Nothing here was measured on AWS. Tokens are counted as if "
        "Scorecard ran for every analysis; where none is left, the published score is taken, or one of fewer checks."
    )
    yield ""
    lifted = {size: World(size, LIFTED[size]).day() for size in sizes}
    usual = {size: World(size, PROD).day() for size in sizes}
    yield "## What a day takes"
    yield ""
    yield "With settings that hold (below):"
    yield ""
    yield from _table(
        ("", *(f"{size:,}" for size in sizes)),
        [
            ("checks", *(f"{lifted[size].checks:,}" for size in sizes)),
            ("requests for HEAD a second, on average", *(f"{lifted[size].checks / 86400:.1f}" for size in sizes)),
            ("refreshes", *(f"{lifted[size].refreshes:,}" for size in sizes)),
            ("tasks at once: refreshes", *(f"{lifted[size].tasks[Share.REFRESH]:,}" for size in sizes)),
            ("tasks at once: setups", *(f"{lifted[size].tasks[Share.SETUP]:,}" for size in sizes)),
            ("write units a second, most", *(f"{_a_second(lifted[size].table):,.0f}" for size in sizes)),
            ("hottest key", *(lifted[size].hottest()[0] for size in sizes)),
            ("its write units a second, of 1,000", *(f"{lifted[size].hottest()[1]:,.0f}" for size in sizes)),
            ("tokens of GitHub", *(f"{_tokens(lifted[size])}" for size in sizes)),
            ("longest lag of a check or refresh", *(_minutes(lifted[size].lag) for size in sizes)),
            ("a burst's longest wait", *(_minutes(lifted[size].setup_wait) for size in sizes)),
            ("jobs that timed out", *(str(lifted[size].timed_out) for size in sizes)),
            ("dollars a month, without fixed costs", *(f"{_dollars(lifted[size], size):,.0f}" for size in sizes)),
        ],
    )
    for size in sizes:
        yield ""
        yield f"## {size:,} repositories"
        yield ""
        yield from _of_size(size, lifted[size], usual[size])


def _of_size(size: int, lifted: Measured, usual: Measured) -> Iterator[str]:
    shares = of_settings(lifted, PROD)
    beyond = [(share, part) for share, part in shares if share >= 1]
    if beyond:
        share, part = beyond[0]
        yield f"With the settings of `prod` the first to give way: **{part.name}**, {share:.1f} times what there is."
    else:
        yield f"The settings of `prod` hold; closest to its limit: {shares[0][1].name}, {shares[0][0]:.0%}."
    yield (
        f"After a day with them the oldest check or refresh is {_minutes(usual.lag)} late, a burst has waited "
        f"{_minutes(usual.setup_wait)}, and {usual.timed_out} jobs have timed out."
    )
    yield ""
    yield from _table(
        ("part", "used", "of `prod`", "with what holds", "lifted by"),
        [
            (
                part.name,
                f"{part.used(lifted):,.0f}",
                f"{part.used(lifted) / part.allowed(PROD):.0%}",
                f"{part.used(lifted) / part.allowed(LIFTED[size]):.0%}",
                part.lifted_by,
            )
            for part in PARTS
        ],
    )
    changed = {
        name: getattr(LIFTED[size], name)
        for name in ("max_setup_tasks", "max_refresh_tasks", "max_open_refreshes", "checks_at_once", "checks_a_second")
        if getattr(LIFTED[size], name) != getattr(PROD, name)
    }
    yield ""
    yield (
        "What holds: "
        + ", ".join(f"`{name}={value}`" for name, value in changed.items())
        + (f", and {_tokens(lifted)} tokens.")
    )


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|---|{'---:|' * (len(head) - 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _minutes(duration: timedelta) -> str:
    return f"{duration / _MINUTE:.0f} min" if duration < 3 * _HOUR else f"{duration / _HOUR:.0f} h"


def _tokens(measured: Measured) -> int:
    return max(1, math.ceil(_an_hour(measured.scorecards) * _REST_REQUESTS / _TOKEN_REQUESTS))


def _dollars(measured: Measured, size: int) -> float:
    use = replace(cost.PER_REPOSITORY, refreshes=measured.refreshes / size * cost.DAYS)
    return sum(item.dollars for item in cost.month_of(size, PROD, use))


def main() -> None:
    """Print the document."""
    for line in document():
        print(line)


if __name__ == "__main__":
    main()
