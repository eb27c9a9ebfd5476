"""When an entry that is ready is looked at again, and what follows from what is seen: pure decisions.

A check asks the repository for its HEAD. Only a HEAD that moved, or a health that is too old, costs a task.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from watchlist import limits
from watchlist.errors import ErrorCode, JobError
from watchlist.git.answers import GONE, HOST_TROUBLE
from watchlist.git.protocol import Head
from watchlist.job_kinds import JobKind
from watchlist.releases.listing import Listing
from watchlist.settings import CheckSettings
from watchlist.states import EntryStatus
from watchlist.storage.records import Entry

Random = Callable[[], float]
"""Returns a number from 0 to 1, another one each time."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How often entries are checked.

    Attributes:
        commits_interval: from one look at HEAD to the next.
        health_interval: the age from which on a health is renewed when HEAD has moved since.
        unchanged_health_interval: the same when it has not.
        jitter: the share of each interval that is added to it at most, at random, so that entries spread.
    """

    commits_interval: timedelta
    health_interval: timedelta
    unchanged_health_interval: timedelta
    jitter: float

    @classmethod
    def of(cls, settings: CheckSettings) -> "Policy":
        """Return the policy that the settings say."""
        return cls(
            settings.commits_interval,
            settings.health_interval,
            settings.unchanged_health_interval,
            settings.check_jitter,
        )

    def spread(self, interval: timedelta, random: Random) -> timedelta:
        """Return `interval`, or a little more."""
        return interval * (1 + self.jitter * random())


@dataclass(frozen=True, slots=True)
class Forget:
    """Nothing is to be kept current: the setup failed for good."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing is due until then."""

    until: datetime


@dataclass(frozen=True, slots=True)
class AskHead:
    """Ask the repository where its HEAD points."""


@dataclass(frozen=True, slots=True)
class Start:
    """Start a job.

    Attributes:
        kind: of the job.
        with_health: whether a backfill renews the health as well, since that is due, too: one task does both.
    """

    kind: JobKind
    with_health: bool = False

    @classmethod
    def of(cls, put_off: Mapping[str, Any]) -> "Start":
        """Return the start that was put off, from what an entry keeps of it."""
        return cls(JobKind(put_off["kind"]), put_off["with_health"])

    def to_json(self) -> dict[str, Any]:
        """Return what an entry keeps of a start that is put off."""
        return {"kind": str(self.kind), "with_health": self.with_health}


@dataclass(frozen=True, slots=True)
class Unchanged:
    """HEAD is where it was: all that is stored is current."""

    next_at: datetime


@dataclass(frozen=True, slots=True)
class Looked:
    """What the repository says.

    Attributes:
        head: where HEAD points.
        tags: the digest of all tags; None where these were not asked for, or did not come whole.
    """

    head: Head
    tags: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """HEAD cannot be told.

    Attributes:
        check_failures: how many checks in a row, this one included.
        gone_since: since when the repository has been gone; None where it is not.
        next_at: of the next try.
    """

    check_failures: int
    gone_since: datetime | None
    next_at: datetime


def plan(entry: Entry, now: datetime, policy: Policy, random: Random) -> Forget | Rest | AskHead | Start:
    """Return what is to be done for an entry whose job is closed."""
    if entry.entry_status is EntryStatus.FAILED:
        return _plan_after_failed_setup(entry, now, policy, random)
    if entry.entry_status is not EntryStatus.READY:
        return Forget()
    if is_asked_for(entry):
        return AskHead()
    due = max(min(_head_due(entry, policy), _health_due(entry, policy)), _pause_ends(entry, policy))
    if due > now:
        return Rest(now + policy.spread(due - now, random))
    if entry.check_failures or _head_due(entry, policy) <= now:
        return AskHead()
    return Start(JobKind.HEALTH_ANALYSIS)


def _plan_after_failed_setup(entry: Entry, now: datetime, policy: Policy, random: Random) -> Forget | Rest | Start:
    """Try again what failed by something that passes, ever more rarely; leave alone what no retry cures."""
    reason = entry.last_error
    if reason is None or not reason.retryable:
        return Forget()
    pause = min(_doubled(limits.SETUP_AGAIN, max(0, entry.check_failures - 1)), limits.RAREST_SETUP)
    due = reason.at + pause
    return Start(JobKind.REPOSITORY_SETUP) if due <= now else Rest(now + policy.spread(due - now, random))


def is_asked_for(entry: Entry) -> bool:
    """Whether somebody asked for a check since the last one ended."""
    asked_at, last = entry.check_requested_at, entry.last_check
    return asked_at is not None and (last is None or asked_at > last.at)


def asks_for_tags(entry: Entry) -> bool:
    """Whether a check asks for the tags besides HEAD: where a job has found few enough to be compared with.

    After a failure it asks for HEAD alone, which comes fastest.
    """
    listing = Listing.of(entry)
    return listing is not None and listing.total <= limits.TAGS_CHECKED and not entry.check_failures


def judge(entry: Entry, looked: Looked, now: datetime, policy: Policy, random: Random) -> Start | Unchanged:
    """Return what follows from where HEAD points now, and from the tags."""
    if looked.head.sha != entry.head_sha:
        is_due = _or_completion(entry, entry.scorecard_checked_at) + policy.health_interval <= now
        return Start(JobKind.COMMIT_BACKFILL, with_health=is_due)
    health_in = _health_due(entry, policy) - now
    listing = Listing.of(entry)
    if listing is not None and looked.tags not in {None, listing.digest}:
        return Start(JobKind.COMMIT_BACKFILL, with_health=health_in <= timedelta(0))
    if health_in <= timedelta(0):
        return Start(JobKind.HEALTH_ANALYSIS)
    return Unchanged(now + policy.spread(min(policy.commits_interval, health_in), random))


def is_at_rest(entry: Entry) -> bool:
    """Whether the repository stands where it stood when its health was renewed last."""
    return entry.head_sha is not None and bool(entry.scorecard_head_sha == entry.head_sha)


def renews(published: datetime, entry: Entry, now: datetime) -> bool:
    """Whether a score that was published then is news, of a repository that is still being scanned."""
    known = entry.scorecard_date
    return (known is None or published >= known) and now - published <= limits.PUBLISHED_SCORE_AGE


def judge_failure(entry: Entry, error: JobError, now: datetime, policy: Policy, random: Random) -> Failed:
    """Return what follows from HEAD not being told."""
    failures = entry.check_failures + 1
    gone_since = entry.gone_since if is_gone_for_sure(entry) else None
    if error.code in GONE:
        failures = failures if entry.gone_since else 1  # failures for other reasons confirm nothing
        gone_since = entry.gone_since or now
    return Failed(failures, gone_since, now + policy.spread(pause_after(failures, error.code, policy), random))


def is_gone_for_sure(check: Entry | Failed) -> bool:
    """Whether a second look has confirmed that the repository is gone."""
    return check.gone_since is not None and bool(check.check_failures >= limits.GONE_CONFIRMED_AFTER)


def pause_after(failures: int, code: ErrorCode, policy: Policy) -> timedelta:
    """Return how long to wait after so many failures in a row, the last one for `code`.

    Trouble of the host is tried again soon, then at the usual interval. A repository that is gone is looked at once
    more soon, since hosts err; then, and after failed jobs, ever more rarely.
    """
    soon = min(limits.CHECK_AGAIN, policy.commits_interval)
    if code in HOST_TROUBLE:
        return min(_doubled(soon, failures - 1), policy.commits_interval)
    if code in GONE and failures < limits.GONE_CONFIRMED_AFTER:
        return soon
    doublings = failures - (limits.GONE_CONFIRMED_AFTER if code in GONE else 1)
    most = max(limits.RAREST_CHECK, policy.commits_interval)
    return min(_doubled(policy.commits_interval, doublings), most)


def _head_due(entry: Entry, policy: Policy) -> datetime:
    return _or_completion(entry, entry.checked_at) + policy.commits_interval


def _health_due(entry: Entry, policy: Policy) -> datetime:
    has_moved = entry.scorecard_head_sha != entry.head_sha
    interval = policy.health_interval if has_moved else policy.unchanged_health_interval
    return _or_completion(entry, entry.scorecard_checked_at) + interval


def _or_completion(entry: Entry, at: datetime | None) -> datetime:
    """Return `at`, or when the entry became ready, since older entries have no other moment."""
    return at or entry.processing_completed_at or entry.created_at


def _pause_ends(entry: Entry, policy: Policy) -> datetime:
    """Return when the pause after the last failure ends; a moment long past when there was none."""
    last = entry.last_check
    if not entry.check_failures or last is None or last.error is None:
        return entry.created_at
    return last.at + pause_after(entry.check_failures, last.error.code, policy)


def _doubled(interval: timedelta, times: int) -> timedelta:
    return interval * int(2 ** min(times, 16))
