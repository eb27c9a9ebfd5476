"""What must be true after the run: pure functions of what was observed."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from tests.e2e.chaos.observation import Entry, Item, Observation
from tests.e2e.chaos.sources import Host, Source
from watchlist import limits
from watchlist.errors import ErrorCode, meaning_of


class Kind(StrEnum):
    """What is wrong; the first three are counted in the last line of the report."""

    LOST = "lost"
    STUCK = "stuck"
    DOUBLED = "doubled"
    DEAD_LETTERS = "dead letters"
    OUTCOME = "outcome"
    LEFT_OVER = "left over"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that must not be, in words."""

    kind: Kind
    text: str


_NO_ATTEMPT_FAILED = {ErrorCode.PROCESSING_TIMED_OUT}
"""Retryable reasons for which a job fails without having used up its attempts."""

_FOR_GOOD = {Host.MISSING: {ErrorCode.REPOSITORY_NOT_FOUND}}
"""Reasons that end a job at its first attempt, by the only behaviour of a host that justifies them."""


def judge(seen: Observation) -> list[Finding]:
    """Return everything that must not be."""
    return [
        *_adds(seen),
        *_entries(seen),
        *_histories(seen),
        *_one_entry_each(seen),
        *_dead_letters(seen),
        *_queues(seen),
    ]


def _adds(seen: Observation) -> Iterator[Finding]:
    for outcome in seen.outcomes:
        if outcome.watchlist_id is None:
            if outcome.wish.insists:
                yield Finding(Kind.LOST, f"{outcome.wish} was never accepted: {outcome.refusals}")
            continue
        entry = seen.entries[outcome.watchlist_id]
        if entry is None:
            yield Finding(Kind.LOST, f"{outcome.watchlist_id} was answered and is gone")
        elif outcome.wish.user not in {watch["added_by"] for watch in entry.status["user_watchlists"]}:
            yield Finding(Kind.LOST, f"{outcome.wish.user} was accepted and does not watch {outcome.watchlist_id}")


def _entries(seen: Observation) -> Iterator[Finding]:
    for watchlist_id, entry in seen.entries.items():
        if entry is None:
            continue
        source = seen.sources[entry.status["package"]["url"]]
        match entry.status["status"]:
            case "ready":
                yield from _ready(watchlist_id, entry, source)
            case "failed":
                yield from _failed(watchlist_id, entry, source)
            case status:
                yield Finding(Kind.STUCK, f"{watchlist_id} is {status}: {entry.status}")


def _ready(watchlist_id: str, entry: Entry, source: Source) -> Iterator[Finding]:
    if not source.host.recovers:
        yield Finding(Kind.OUTCOME, f"{watchlist_id} is ready, but its host is {source.host}")
    shown, real = Counter(entry.commits), set(source.commits)
    for sha in real - shown.keys():
        yield Finding(Kind.LOST, f"{watchlist_id} lacks commit {sha}")
    for sha, times in shown.items():
        if times > 1 or sha not in real:
            yield Finding(Kind.DOUBLED, f"{watchlist_id} shows commit {sha} {times} times")
    if entry.status["commits"] != len(real):
        yield Finding(Kind.OUTCOME, f"{watchlist_id} says that it has {entry.status['commits']} of {len(real)} commits")


def _histories(seen: Observation) -> Iterator[Finding]:
    """Find histories of which a part is missing, or left over.

    What does not count and is not older than the last attempt waits for the next job, which removes it.
    """
    for watchlist_id, history in seen.histories.items():
        named = {segment.id: segment.commits for segment in history.manifest.segments}
        for segment_id, commits in named.items():
            readable = history.segments.get(segment_id, 0)
            if readable < commits:
                yield Finding(Kind.LOST, f"segment {segment_id} of {watchlist_id} has {readable} of {commits} commits")
        if len(named) != len(history.manifest.segments):
            yield Finding(Kind.DOUBLED, f"the manifest of {watchlist_id} names a segment twice")
        entry = seen.entries.get(watchlist_id)
        if entry is None:
            left = set(history.segments)
        elif entry.status["status"] == "ready":
            left = {each for each in history.segments.keys() - named.keys() if history.written_by.is_after(each)}
            if history.manifest.commits != entry.status["commits"]:
                counts = f"{history.manifest.commits}, the entry {entry.status['commits']}"
                yield Finding(Kind.OUTCOME, f"the manifest of {watchlist_id} counts {counts} commits")
        else:
            left = set()
        for segment_id in sorted(left):
            yield Finding(Kind.LEFT_OVER, f"segment {segment_id} of {watchlist_id} counts for nothing")


def _failed(watchlist_id: str, entry: Entry, source: Source) -> Iterator[Finding]:
    error = entry.error
    if error is None:
        yield Finding(Kind.LOST, f"{watchlist_id} failed without a reason")
        return
    code = ErrorCode(error["code"])
    if not meaning_of(code).retryable and code not in _FOR_GOOD.get(source.host, ()):
        yield Finding(Kind.OUTCOME, f"{watchlist_id} failed for good, but its host is {source.host}: {error}")


def _one_entry_each(seen: Observation) -> Iterator[Finding]:
    entries = Counter(entry.status["package"]["url"] for entry in seen.entries.values() if entry is not None)
    for url, number in entries.items():
        if number > 1:
            yield Finding(Kind.DOUBLED, f"{url} has {number} entries")


def _dead_letters(seen: Observation) -> Iterator[Finding]:
    """Find differences between the dead letters and the jobs that used up their attempts.

    A job that was retried before SQS moved its message is superseded: nobody has to look at it, and it may be missing.
    """
    used_up = {str(job["job_id"]): job for job in seen.failed_jobs if _used_up_its_attempts(job)}
    letters = Counter(letter.job_id for letter in seen.dead_letters.values())
    if seen.dead_letter_depth != len(seen.dead_letters):
        yield Finding(
            Kind.DEAD_LETTERS, f"the API counts {seen.dead_letter_depth}, the queues hold {len(seen.dead_letters)}"
        )
    for job_id, job in used_up.items():
        if job_id not in letters and job["generation"] == seen.generations.get(job["watchlist_id"]):
            yield Finding(Kind.DEAD_LETTERS, f"{job['watchlist_id']} used up its attempts, but job {job_id} is missing")
        if job["attempts"] != limits.MAX_ATTEMPTS:
            yield Finding(Kind.OUTCOME, f"job {job_id} failed with its attempts used up after {job['attempts']}: {job}")
    for job_id, number in letters.items():
        if job_id not in used_up:
            yield Finding(Kind.DEAD_LETTERS, f"job {job_id} is dead, but has not used up its attempts")
        elif number > 1:
            yield Finding(Kind.DOUBLED, f"job {job_id} is {number} dead letters")


def _used_up_its_attempts(job: Item) -> bool:
    code = ErrorCode(job["error"]["code"])
    return meaning_of(code).retryable and code not in _NO_ATTEMPT_FAILED


def _queues(seen: Observation) -> Iterator[Finding]:
    if seen.left_in_queues:
        yield Finding(Kind.LEFT_OVER, f"{seen.left_in_queues} messages are left in the job queues")
