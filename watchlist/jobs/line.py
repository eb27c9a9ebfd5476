"""The line of each share in DynamoDB: jobs step into it, and are called out of it when a task may start.

To be called is to have a slot kept and a new message sent. Whoever frees a slot calls (the task at its end, the
task-stopped function), and so does the dispatcher when it lets a job wait; the reconciler calls for whoever could not.
"""

import contextlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchlist.errors import JobError
from watchlist.job_kinds import JobKind
from watchlist.jobs import protocol as job_protocol
from watchlist.jobs import task_slots, waiting
from watchlist.jobs.protocol import Launch, SupersededError
from watchlist.jobs.queue import JobQueue
from watchlist.jobs.waiting import Place
from watchlist.settings import CallSettings
from watchlist.states import Share
from watchlist.storage.records import Entry, Turn

_STALE_PLACES = 5
"""Places that one call passes over because their jobs have left the line: the index lags behind by moments."""


@dataclass(frozen=True, slots=True)
class StoredLine:
    """The line of `share`, read from its index."""

    share: Share

    def first_after(self, key: str) -> Place | None:
        """Return the first place whose key is greater than `key`."""
        for entry in Entry.by_turn.query(self.share, Entry.turn > key if key else None, limit=1):
            return Place(entry.pk, entry.turn)
        return None


def slot_for(launch: Launch, settings: CallSettings, now: datetime, *, behind_others: bool) -> int | None:
    """Take the slot that is kept for the launch's job, or a free one if nobody waits; None if the job has to wait.

    Args:
        launch: of the job.
        settings: how many slots there are, and how long one is kept.
        now: the time.
        behind_others: whether somebody is known to wait, whom the index of the line may not show yet.
    """
    share, job_id = Share.of(launch.message.kind), launch.message.job_id
    lapses_at = now + settings.launch_timeout
    kept = task_slots.kept_slot(share, job_id, now)
    if kept is not None and task_slots.hand_over(share, kept, job_id, launch.owner, lapses_at):
        return kept
    if behind_others or waiting.somebody_waits(StoredLine(share)):
        return None
    return task_slots.take_slot(share, launch.owner, settings.max_tasks(launch.message.kind), lapses_at, now)


def call(share: Share, settings: CallSettings, queue: JobQueue, now: datetime) -> int:
    """Call as many jobs out of the line as there are free slots; return how many."""
    called = passed_over = 0
    line, served = StoredLine(share), Turn.last_served(share)
    while passed_over < _STALE_PLACES and (place := waiting.next_in_turn(line, served)) is not None:
        served = place.lane
        entry = job_protocol.find_entry(place.watchlist_id)
        if entry is None or not entry.waits:
            passed_over += 1
            continue
        slot = task_slots.take_slot(
            share, entry.job_id, settings.max_tasks(entry.kind), now + settings.send_timeout, now
        )
        if slot is None:
            break
        try:
            message = job_protocol.call(entry, now)
        except SupersededError:
            # Somebody else has called it, and the slot is kept for it: the name is the job's. Otherwise it lapses.
            passed_over += 1
            continue
        Turn.remember(share, served)
        called += 1
        # A message that is not sent now is sent by the reconciler, as one of a new job is.
        with contextlib.suppress(JobError, SupersededError):
            job_protocol.adopt(message, queue.send(message), now + settings.queue_timeout)
    return called


def keep_slot(launch: Launch, slot: int, duration: timedelta, now: datetime) -> None:
    """Keep a launch's slot for its job, whose next launch takes it over."""
    task_slots.hand_over(Share.of(launch.message.kind), slot, launch.owner, launch.message.job_id, now + duration)


def free_slot(launch: Launch, slot: int, settings: CallSettings, queue: JobQueue, now: datetime) -> None:
    """Give a launch's slot back, and let the next job have it."""
    share = Share.of(launch.message.kind)
    task_slots.free_slot(share, slot, launch.owner)
    call(share, settings, queue, now)


def longest_wait(now: datetime) -> timedelta:
    """Return how long ago the oldest of all jobs that wait was queued; zero if none waits."""
    oldest = [
        entry.job_queued_at
        for kind in JobKind
        for entry in Entry.by_queue.query(kind, None, Entry.waits_in.exists(), limit=1)
    ]
    return now - min(oldest, default=now)
