"""What people do with entries that are there: look at one, retry a failed one, have it checked now."""

import contextlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from pynamodb.exceptions import UpdateError

from watchlist import limits
from watchlist.errors import JobError, RequestRefusedError
from watchlist.jobs import protocol as job_protocol
from watchlist.jobs.message import JobMessage
from watchlist.jobs.queue import JobQueue
from watchlist.states import DueKind, EntryStatus
from watchlist.storage import batches
from watchlist.storage.failures import is_refused
from watchlist.storage.records import ENTRY_KEY, USER_PREFIX, Entry, UserEntry, WatchlistItem, user_hash
from watchlist.watching import names


class EntryNotFoundError(RequestRefusedError):
    """There is no such entry."""


class _EntryIsNotSoError(RequestRefusedError):
    """What is asked for is not for an entry that is as `entry` is."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.watchlist_id)
        self.entry = entry


class AlreadyWatchingError(_EntryIsNotSoError):
    """The user watches this repository already; `entry` is what they watch."""


class NotFailedError(_EntryIsNotSoError):
    """Only a failed entry can be retried; `entry` is not."""


class NotReadyError(_EntryIsNotSoError):
    """Only what was analysed once can be checked; `entry` was not."""


class CheckedLatelyError(RequestRefusedError):
    """It was looked at, or is to be, too short a time ago; `wait` is how long until it can be asked for again."""

    wait: timedelta

    def __init__(self, wait: timedelta) -> None:
        super().__init__(str(wait))
        self.wait = wait


@dataclass(frozen=True, slots=True)
class EntryWithWatchers:
    """An entry with (some of) its user entries."""

    entry: Entry
    user_entries: tuple[UserEntry, ...]


def retry(watchlist_id: str, queue: JobQueue, correlation_id: str, at: datetime, user: str | None = None) -> Entry:
    """Start a new generation of a failed entry for `user`. If its message cannot be sent now, the reconciler sends it.

    Raises:
        EntryNotFoundError: there is no such entry.
        NotFailedError: it is processing or ready.
    """
    message = _start_over(watchlist_id, correlation_id, at, user)
    with contextlib.suppress(JobError):
        queue.send(message)
    return find(watchlist_id)


def _start_over(watchlist_id: str, correlation_id: str, at: datetime, user: str | None) -> JobMessage:
    entry = find(watchlist_id)
    if entry.entry_status is not EntryStatus.FAILED:
        raise NotFailedError(entry)
    try:
        # Asked for: if it fails the watchers are told, and the pauses between the service's own tries begin anew.
        seen = {"check_failures": 0} | ({} if user is None else {"asked_by": user_hash(user)})
        return job_protocol.start_generation(entry, uuid.uuid4().hex, correlation_id, at, seen)
    except job_protocol.SupersededError:
        return _start_over(watchlist_id, correlation_id, at, user)


def failed_of(user: str, most: int) -> list[str]:
    """Return the ids of the failed entries that a user watches: the `most` whose watches are the newest.

    A read of the watches, and one for each 100 of them; as many at a time as one look at a watchlist counts, until
    `most` are found.
    """
    watches = UserEntry.by_user.query(user, scan_index_forward=False, page_size=limits.WATCHLIST_LOOKED_AT)
    found: list[str] = []
    while len(found) < most and (ids := [each.watchlist_id for each in islice(watches, limits.WATCHLIST_LOOKED_AT)]):
        keys = [(each, ENTRY_KEY) for each in ids]
        states = batches.get(Entry, keys, batches.REQUEST, consistent=False, only=["pk", "sk", "type", "status"])
        failed = {state.pk for state in states if state.status == EntryStatus.FAILED}
        found += [each for each in ids if each in failed]
    return found[:most]


def retry_all(
    watchlist_ids: Sequence[str], queue: JobQueue, correlation_id: str, at: datetime, user: str | None = None
) -> list[str]:
    """Start a new generation of each entry, as `retry` does, and return the ids of those that were still failed."""
    messages = {}
    for watchlist_id in watchlist_ids:
        with contextlib.suppress(EntryNotFoundError, NotFailedError):
            messages[watchlist_id] = _start_over(watchlist_id, correlation_id, at, user)
    queue.send_batch(dict(enumerate(messages.values())))  # what is not sent now, the reconciler sends
    return list(messages)


def check_now(watchlist_id: str, at: datetime) -> Entry:
    """Let the next run of checks look at the entry, whenever its check was due.

    Raises:
        EntryNotFoundError: there is no such entry.
        NotReadyError: its first analysis has not ended well; it is looked at anyway, or can be retried.
        CheckedLatelyError: it was asked for, or done, too short a time ago.
    """
    entry = find(watchlist_id)
    if entry.entry_status is not EntryStatus.READY:
        raise NotReadyError(entry)
    latest = max((moment for moment in (entry.check_requested_at, entry.checked_at) if moment), default=None)
    if latest is not None and at - latest < limits.CHECK_NOW_INTERVAL:
        raise CheckedLatelyError(limits.CHECK_NOW_INTERVAL - (at - latest))
    try:
        entry.update(
            actions=[Entry.check_requested_at.set(at), Entry.due_at.set(at)],
            condition=(Entry.due_kind == DueKind.CHECK) & (Entry.generation == entry.generation),
        )
    except UpdateError as error:
        if not is_refused(error):
            raise
        return find(watchlist_id)  # a job runs for it: it is being looked at
    return entry


def status_of(watchlist_id: str, user: str | None) -> EntryWithWatchers:
    """Return the entry with the user's entry, or with the first `WATCHERS_SHOWN` of all if no user is named.

    One call, strongly consistent, so that an entry is seen as soon as it was added: a Query without a user; a BatchGet
    with one, since their entry can lie anywhere among thousands.

    An entry that was merged answers as the one that it was merged into, by further calls. While its watchers are moved,
    those who are not see it as it was.

    Raises:
        EntryNotFoundError: there is no such entry.
    """
    items: list[WatchlistItem]
    if user is None:
        items = WatchlistItem.first_of(watchlist_id, 1 + limits.WATCHERS_SHOWN)
    else:
        keys = [(watchlist_id, ENTRY_KEY), (watchlist_id, UserEntry.sk_of(user))]
        items = list(batches.get(WatchlistItem, keys, batches.REQUEST))
    entry = next((item for item in items if isinstance(item, Entry)), None)
    watches = tuple(item for item in items if isinstance(item, UserEntry))
    if entry is None:
        raise EntryNotFoundError(watchlist_id)
    if entry.is_merged and not (user and watches):
        survivor = names.survivor_of(entry)
        if survivor is None:
            raise EntryNotFoundError(watchlist_id)
        return status_of(survivor.watchlist_id, user)
    if entry.is_removed:
        raise EntryNotFoundError(watchlist_id)
    return EntryWithWatchers(entry, watches)


def find_for(watchlist_id: str, user: str | None) -> Entry:
    """Return the entry if `user` watches it; None stands for somebody who may see all.

    Raises:
        EntryNotFoundError: there is no such entry, or the user does not watch it.
    """
    if user is None:
        return find(watchlist_id)
    shown = status_of(watchlist_id, user)
    if not shown.user_entries:
        raise EntryNotFoundError(watchlist_id)
    return shown.entry


def find_all_for(watchlist_ids: Sequence[str], user: str | None) -> list[Entry]:
    """Return the entries if `user` watches each, in order, in one read; None stands for somebody who may see all.

    One that was merged takes reads of its own.

    Raises:
        EntryNotFoundError: one of them is not there, or the user does not watch it.
    """
    sks = [ENTRY_KEY] if user is None else [ENTRY_KEY, UserEntry.sk_of(user)]
    keys = [(watchlist_id, sk) for watchlist_id in dict.fromkeys(watchlist_ids) for sk in sks]
    found = {(item.pk, item.sk): item for item in batches.get(WatchlistItem, keys, batches.REQUEST, consistent=False)}
    shown: list[Entry] = []
    for watchlist_id in watchlist_ids:
        entry = found.get((watchlist_id, ENTRY_KEY))
        if isinstance(entry, Entry) and entry.is_merged:
            shown.append(find_for(watchlist_id, user))
            continue
        if not isinstance(entry, Entry) or entry.is_removed or any((watchlist_id, sk) not in found for sk in sks):
            raise EntryNotFoundError(watchlist_id)
        shown.append(entry)
    return shown


def first_watchers(watchlist_id: str) -> tuple[UserEntry, ...]:
    """Return the first `WATCHERS_SHOWN` user entries of a repository."""
    prefix = UserEntry.sk.startswith(USER_PREFIX)
    return tuple(UserEntry.query(watchlist_id, prefix, consistent_read=True, limit=limits.WATCHERS_SHOWN))


def find(watchlist_id: str) -> Entry:
    """Return the entry, or the one that it was merged into.

    Raises:
        EntryNotFoundError: there is no such entry.
    """
    entry = job_protocol.find_entry(watchlist_id)
    survivor = None if entry is None else names.survivor_of(entry)
    if survivor is None:
        raise EntryNotFoundError(watchlist_id)
    return survivor


def user_watchlist_id_of(watchlist_id: str, user: str) -> str:
    """Return the id of a user's entry; the entry can be found by its parts."""
    return f"user_{user_hash(user)}_{watchlist_id}"
