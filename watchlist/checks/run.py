"""The check of one entry: tell the watchers what is to be told, ask for HEAD if that is due, write what follows."""

import random
import threading
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, assert_never

from aws_lambda_powertools import Logger

from watchlist import clock
from watchlist.alerts import telling as alerting
from watchlist.alerts.occasions import Gone, Returned, VerdictFound
from watchlist.alerts.setup_news import tell_of_setup
from watchlist.alerts.silence import tell_of_silence
from watchlist.checks import decisions as checking
from watchlist.checks.decisions import AskHead, Forget, Policy, Rest, Start, Unchanged
from watchlist.checks.published_health import PublishedHealth
from watchlist.errors import JobError
from watchlist.git.answers import GONE
from watchlist.git.protocol import Head
from watchlist.git.remote import HeadReader
from watchlist.health.verdict import Thresholds, Verdict, VerdictState, verdict_of
from watchlist.history.last_commits import LastCommits
from watchlist.job_kinds import JobKind
from watchlist.jobs import protocol as job_protocol
from watchlist.jobs.host_back_off import Hosts
from watchlist.jobs.protocol import SupersededError
from watchlist.jobs.queue import JobQueue
from watchlist.metrics import Metric
from watchlist.states import CheckOutcome, DueKind
from watchlist.storage.last_check import LastCheck
from watchlist.storage.records import Entry
from watchlist.watching import names

Seen = dict[str, Any]
"""Attributes of an entry that a check has found out; None removes one."""


@dataclass
class Tally:
    """What a run has done."""

    counts: Counter[Metric] = field(
        default_factory=lambda: Counter(
            {
                Metric.ENTRIES_CHECKED: 0,
                Metric.REFRESHES_STARTED: 0,
                Metric.REFRESHES_PUT_OFF: 0,
                Metric.CHECKS_FAILED: 0,
                Metric.ALERTS_RAISED: 0,
            }
        )
    )
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, metric: Metric, number: int = 1) -> None:
        """Count one, or so many."""
        with self._lock:
            self.counts[metric] += number


class OpenRefreshes:
    """How many refresh jobs are open, so that no more are started than can be done in time."""

    def __init__(self, most: int) -> None:
        self._lock = threading.Lock()
        self._left = most
        for kind in (kind for kind in JobKind if kind.is_refresh):
            self._left -= sum(1 for _ in Entry.by_queue.query(kind, limit=max(self._left, 1)))

    @property
    def room(self) -> int:
        """How many more may be started."""
        return max(self._left, 0)

    def take(self) -> bool:
        """Count one more, if there is room."""
        with self._lock:
            if not self.room:
                return False
            self._left -= 1
            return True


class Checks:
    """The checks of one run; `check` may be called by several threads at once.

    Attributes:
        tally: what was done.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - all that a check needs
        self,
        policy: Policy,
        thresholds: Thresholds,
        queue: JobQueue,
        reader: HeadReader,
        hosts: Hosts,
        published: PublishedHealth,
        most_open: int,
        logger: Logger,
    ) -> None:
        self._policy = policy
        self._thresholds = thresholds
        self._queue = queue
        self._reader = reader
        self._hosts = hosts
        self._published = published
        self._open = OpenRefreshes(most_open)
        self._logger = logger
        self.tally = Tally()

    @property
    def room(self) -> int:
        """How many more refreshes may be started."""
        return self._open.room

    def check(self, entry: Entry) -> None:
        """Check the entry, or start the refresh that it waits for; what cannot be dealt with waits for the next run."""
        now = clock.now()
        try:
            match entry.due_kind:
                case DueKind.CHECK:
                    self._check(entry, now)
                case DueKind.REFRESH:
                    self._start(entry, Start.of(entry.put_off), {}, now)
                case _:
                    return
        except SupersededError:
            self._logger.info("the entry has moved on", watchlist_id=entry.watchlist_id)
        except Exception:
            self._logger.exception("check broke off", watchlist_id=entry.watchlist_id)
            self.tally.add(Metric.CHECKS_FAILED)
        else:
            self.tally.add(Metric.ENTRIES_CHECKED)

    def _check(self, entry: Entry, now: datetime) -> None:
        seen: Seen = {}
        if not entry.kind.is_refresh and entry.announced_job_id != entry.job_id:
            self.tally.add(Metric.ALERTS_RAISED, tell_of_setup(entry, now))
            seen["announced_job_id"] = entry.job_id
        plan = checking.plan(entry, now, self._policy, random.random)
        match plan:
            case Forget():
                self._settle(entry, None, seen, now)
            case Rest(until):
                self._settle(entry, until, seen, now)
            case Start(JobKind.HEALTH_ANALYSIS):
                self._renew_health(entry, plan, seen, {}, now)
            case Start():
                self._start(entry, plan, seen, now)
            case AskHead():
                self._ask(entry, seen, now)
            case _:
                assert_never(plan)

    def _ask(self, entry: Entry, seen: Seen, now: datetime) -> None:
        paused_until = self._hosts.paused_until(entry.origin, now)
        if paused_until is not None:
            next_at = now + self._policy.spread(paused_until - now, random.random)
            self._settle(entry, next_at, seen, now)
            return
        asked_at = clock.now()
        try:
            head, tags = self._look(entry)
        except JobError as error:
            self._hosts.failed(entry.origin, error, clock.now())
            self._failed(entry, error, seen, now)
        else:
            answered_at = clock.now()
            self._hosts.answered(entry.origin, answered_at, answered_at - asked_at)
            self._answered(entry, checking.Looked(head, tags), seen, now)

    def _look(self, entry: Entry) -> tuple[Head, str | None]:
        if checking.asks_for_tags(entry):
            return self._reader.head_and_tags(entry.repository)
        return self._reader.head(entry.repository), None

    def _answered(self, entry: Entry, looked: checking.Looked, seen: Seen, now: datetime) -> None:
        head = looked.head
        if head.renamed_to is not None:
            self.tally.add(Metric.ALERTS_RAISED, names.follow(entry, head.renamed_to, now))
        self.tally.add(Metric.ALERTS_RAISED, _tell_of_return(entry, now))
        if head.sha == entry.head_sha:
            self.tally.add(Metric.ALERTS_RAISED, tell_of_silence(entry.watchlist_id, _last_commits(entry), now))
        seen |= {"checked_at": now, "gone_since": None}
        unchanged = {
            "default_branch": head.branch,
            "check_failures": 0,
            "last_check": LastCheck(at=now, outcome=CheckOutcome.UNCHANGED),
        }
        verdict = checking.judge(entry, looked, now, self._policy, random.random)
        match verdict:
            case Start(JobKind.HEALTH_ANALYSIS):
                self._renew_health(entry, verdict, seen, unchanged, now)
            case Start():
                self._start(entry, verdict, seen, now)
            case Unchanged(next_at):
                self._settle(entry, next_at, seen | unchanged, now)
            case _:
                assert_never(verdict)

    def _failed(self, entry: Entry, error: JobError, seen: Seen, now: datetime) -> None:
        self._logger.warning("HEAD cannot be told", watchlist_id=entry.watchlist_id, code=error.code)
        self.tally.add(Metric.CHECKS_FAILED)
        failed = checking.judge_failure(entry, error, now, self._policy, random.random)
        if error.code in GONE and checking.is_gone_for_sure(failed):
            self.tally.add(Metric.ALERTS_RAISED, _tell_of_absence(entry, failed, error, now))
        seen |= {
            "check_failures": failed.check_failures,
            "gone_since": failed.gone_since,
            "last_check": LastCheck.failed(now, error.code, error.message),
        }
        self._settle(entry, failed.next_at, seen, now)

    def _settle(self, entry: Entry, next_at: datetime | None, seen: Seen, now: datetime) -> None:
        """Write what was seen and the verdict that follows from it; a verdict that changed is told first."""
        verdict = self._verdict(entry, seen, now)
        if verdict is not None:
            if entry.verdict is not None and entry.verdict != verdict.state:
                self.tally.add(Metric.ALERTS_RAISED, _tell_of_verdict(entry, verdict, now))
            seen = seen | {"verdict": str(verdict.state)}
        job_protocol.settle_check(entry, next_at, seen)

    def _verdict(self, entry: Entry, seen: Seen, now: datetime) -> Verdict | None:
        """Return the verdict, or None where an error of our own is in the way: the check goes on without."""
        try:
            return verdict_of(_as_seen(entry, seen), self._thresholds, now)
        except Exception:
            self._logger.exception("no verdict could be found", watchlist_id=entry.watchlist_id)
            return None

    def _renew_health(self, entry: Entry, start: Start, seen: Seen, unchanged: Seen, now: datetime) -> None:
        """Renew the health by what is published, or start the job; `unchanged` is seen where no job is needed."""
        renewed = self._published.renew(entry, now)
        if renewed is None:
            self._start(entry, start, seen, now)
            return
        self.tally.add(Metric.ALERTS_RAISED, renewed.alerts)
        seen = seen | unchanged | dict(renewed.attributes)
        match checking.plan(_as_seen(entry, seen), now, self._policy, random.random):
            case Rest(until):
                self._settle(entry, until, seen, now)
            case _:  # something else has become due meanwhile
                self._settle(entry, now, seen, now)

    def _start(self, entry: Entry, start: Start, seen: Mapping[str, Any], now: datetime) -> None:
        """Start the job and send its message; if sending fails, the reconciler sends it.

        Beyond the refreshes that may be open it waits, since the moment at which its check was due.
        """
        if not self._open.take():
            if entry.due_kind != DueKind.REFRESH:
                job_protocol.put_off(entry, start.to_json(), seen)
                self.tally.add(Metric.REFRESHES_PUT_OFF)
            return
        job_id = uuid.uuid4().hex
        if start.kind.is_refresh:
            seen = {**seen, "with_health": start.with_health or None}
            message = job_protocol.start_refresh(entry, start.kind, seen, job_id, now)
            self.tally.add(Metric.REFRESHES_STARTED)
        else:  # no request stands behind it, so its own id correlates what it does
            message = job_protocol.start_generation(entry, job_id, job_id, now, seen)
        self._queue.send(message)


def _tell_of_absence(entry: Entry, failed: checking.Failed, error: JobError, now: datetime) -> int:
    """Tell the watchers that the repository is gone; return how many alerts are new, as the functions below do."""
    gone = Gone(gone_since=failed.gone_since or now, reason=error.message, failures=failed.check_failures)
    return alerting.tell(entry.watchlist_id, gone, now)


def _tell_of_return(entry: Entry, now: datetime) -> int:
    """Tell the watchers that the repository is back, if they were told that it was gone."""
    if not checking.is_gone_for_sure(entry):
        return 0
    return alerting.tell(entry.watchlist_id, Returned(gone_since=entry.gone_since), now)


def _last_commits(entry: Entry) -> LastCommits:
    return LastCommits.model_validate(entry.last_commits or {})


def _tell_of_verdict(entry: Entry, verdict: Verdict, now: datetime) -> int:
    found = VerdictFound(before=VerdictState(entry.verdict), verdict=verdict, at=now)
    return alerting.tell(entry.watchlist_id, found, now)


def _as_seen(entry: Entry, seen: Seen) -> Entry:
    """Return the entry as it will be when what was seen is written."""
    return Entry(**{**entry.attribute_values, **seen})
