"""What people do with entries: add a repository or join it, look at its status, retry a failed one."""

import contextlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pynamodb.exceptions import TransactWriteError

from watchlist import job_protocol, limits
from watchlist.errors import JobError
from watchlist.job_message import JobMessage
from watchlist.job_queue import JobQueue
from watchlist.queues import JobKind
from watchlist.records import ENTRY_KEY, Entry, RepositoryKey, UserEntry, WatchlistItem, transaction, user_hash
from watchlist.repository_url import Repository
from watchlist.states import EntryStatus, JobState

_ADD_TRIES = 5
"""Tries of an add against concurrent adds and removals of the same repository; each ends in somebody's success."""


class EntryNotFoundError(Exception):
    """There is no such entry."""


class AlreadyWatchingError(Exception):
    """The user watches this repository already; `entry` is what they watch."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.watchlist_id)
        self.entry = entry


class NotFailedError(Exception):
    """Only a failed entry can be retried; `entry` is not."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.watchlist_id)
        self.entry = entry


class ServiceUnavailableError(Exception):
    """Nothing was kept of the request; the caller can send it again."""


class _ContendedError(Exception):
    """Somebody else changed what a transaction relied on; look again."""


@dataclass(frozen=True, slots=True)
class Watch:
    """One user's wish to watch one repository."""

    repository: Repository
    user: str
    alerts: Mapping[str, Any]
    notes: str | None


@dataclass(frozen=True, slots=True)
class Added:
    """What became of an add: the entry, and whether it is new (or existed and is joined)."""

    entry: Entry
    is_new: bool


@dataclass(frozen=True, slots=True)
class EntryWithWatchers:
    """An entry with (some of) its user entries."""

    entry: Entry
    user_entries: tuple[UserEntry, ...]


def watchlist_id_of(repository: Repository, at: datetime) -> str:
    """Return the id of an entry created at that second: letters, digits, `.`, `_` and `-` only."""
    owner = repository.owner.replace("/", "_")
    return f"watchlist_{owner}_{repository.name}_{int(at.timestamp())}"


@dataclass(frozen=True, slots=True)
class _Admission:
    """A written add: the items that are new with it, and the job's message, which is still to be sent."""

    added: Added
    created: tuple[WatchlistItem, ...] = ()
    message: JobMessage | None = None


def add(watch: Watch, queue: JobQueue, correlation_id: str, at: datetime) -> Added:
    """Add the repository, or join the user to its entry. At any instant a repository has one entry and one setup job.

    Raises:
        AlreadyWatchingError: the user watches it already; nothing changed.
        ServiceUnavailableError: the job could not be queued; nothing is kept. If others have joined in between, the
            entry stays instead, and the reconciler queues its job.
    """
    admission = _admit(watch, correlation_id, at)
    if admission.message is not None:
        try:
            queue.send(admission.message)
        except JobError as error:
            if _undo(admission, admission.message):
                raise ServiceUnavailableError(error.message) from error
    return admission.added


def add_batch(
    watches: Sequence[Watch], queue: JobQueue, correlation_id: str, at: datetime
) -> list[Added | AlreadyWatchingError | ServiceUnavailableError]:
    """Add each; the result at an index is what `add` would have returned or raised for the watch at that index."""
    admissions: dict[int, _Admission] = {}
    results: dict[int, Added | AlreadyWatchingError | ServiceUnavailableError] = {}
    for index, watch in enumerate(watches):
        try:
            admissions[index] = _admit(watch, correlation_id, at)
            results[index] = admissions[index].added
        except (AlreadyWatchingError, ServiceUnavailableError) as refused:
            results[index] = refused
    unsent = {index: admission.message for index, admission in admissions.items() if admission.message is not None}
    for index, error in queue.send_batch(unsent).items():
        if _undo(admissions[index], unsent[index]):
            results[index] = ServiceUnavailableError(error.message)
    return [results[index] for index in range(len(watches))]


def _admit(watch: Watch, correlation_id: str, at: datetime) -> _Admission:
    for attempt in range(_ADD_TRIES):
        with contextlib.suppress(_ContendedError):
            existing = _entry_of(watch.repository)
            if existing is not None:
                return _Admission(Added(_join(existing, watch, at), is_new=False))
            # another repository's entry can have the same id in the same second: the next second's is free
            return _create(watch, correlation_id, at + timedelta(seconds=attempt))
    raise ServiceUnavailableError("too many adds of one repository at the same instant")


def retry(watchlist_id: str, queue: JobQueue, correlation_id: str, at: datetime) -> Entry:
    """Start a new generation of a failed entry. If its message cannot be sent now, the reconciler sends it.

    Raises:
        EntryNotFoundError: there is no such entry.
        NotFailedError: it is processing or ready.
    """
    entry = find(watchlist_id)
    if entry.entry_status is not EntryStatus.FAILED:
        raise NotFailedError(entry)
    try:
        message = job_protocol.start_generation(entry, _new_job_id(), correlation_id, at)
    except job_protocol.SupersededError:
        return retry(watchlist_id, queue, correlation_id, at)
    with contextlib.suppress(JobError):
        queue.send(message)
    return find(watchlist_id)


def status_of(watchlist_id: str, user: str | None) -> EntryWithWatchers:
    """Return the entry with the user's entry, or with the first `WATCHERS_SHOWN` of all if no user is named.

    One Query of at most one read unit without a user (a strongly consistent one, so that an entry is seen as soon as
    it was added); two gets with a user, since their entry can lie anywhere among thousands.

    Raises:
        EntryNotFoundError: there is no such entry.
    """
    if user is not None:
        entry = find(watchlist_id)
        mine = find_user_entry(watchlist_id, user)
        return EntryWithWatchers(entry, (mine,) if mine else ())
    items = list(WatchlistItem.query(watchlist_id, consistent_read=True, limit=1 + limits.WATCHERS_SHOWN))
    if not items or not isinstance(items[0], Entry) or items[0].entry_status is EntryStatus.REMOVED:
        raise EntryNotFoundError(watchlist_id)
    return EntryWithWatchers(items[0], tuple(item for item in items[1:] if isinstance(item, UserEntry)))


def find_user_entry(watchlist_id: str, user: str) -> UserEntry | None:
    """Return the user's entry for a repository, or None."""
    try:
        return UserEntry.get(watchlist_id, UserEntry.sk_of(user), consistent_read=True)
    except UserEntry.DoesNotExist:
        return None


def find(watchlist_id: str) -> Entry:
    """Return the entry.

    Raises:
        EntryNotFoundError: there is no such entry.
    """
    entry = job_protocol.find_entry(watchlist_id)
    if entry is None or entry.entry_status is EntryStatus.REMOVED:
        raise EntryNotFoundError(watchlist_id)
    return entry


def _entry_of(repository: Repository) -> Entry | None:
    try:
        key = RepositoryKey.get(RepositoryKey.pk_of(repository), RepositoryKey.SK, consistent_read=True)
    except RepositoryKey.DoesNotExist:
        return None
    return job_protocol.find_entry(key.watchlist_id)


def _join(entry: Entry, watch: Watch, at: datetime) -> Entry:
    if find_user_entry(entry.watchlist_id, watch.user) is not None:
        raise AlreadyWatchingError(entry)
    user_entry = _user_entry(entry.watchlist_id, watch, at)
    with _contended_if_cancelled(), transaction() as writes:
        writes.save(user_entry, condition=UserEntry.pk.does_not_exist())
        writes.update(entry, actions=[Entry.watchers.add(1)], condition=Entry.watchers >= 1)
    return entry


def _create(watch: Watch, correlation_id: str, at: datetime) -> _Admission:
    watchlist_id = watchlist_id_of(watch.repository, at)
    entry = Entry(
        watchlist_id,
        ENTRY_KEY,
        watchlist_id=watchlist_id,
        origin=watch.repository.origin,
        owner=watch.repository.owner,
        name=watch.repository.name,
        created_at=at,
        watchers=1,
        status=str(EntryStatus.PROCESSING),
        processing_started_at=at,
        generation=1,
        job_kind=str(JobKind.REPOSITORY_SETUP),
    )
    message = job_protocol.queued(entry, _new_job_id(), correlation_id, at)
    key = RepositoryKey(RepositoryKey.pk_of(watch.repository), RepositoryKey.SK, watchlist_id=watchlist_id)
    user_entry = _user_entry(watchlist_id, watch, at)
    with _contended_if_cancelled(), transaction() as writes:
        writes.save(key, condition=RepositoryKey.pk.does_not_exist())
        writes.save(entry, condition=Entry.pk.does_not_exist())
        writes.save(user_entry)
    return _Admission(Added(entry, is_new=True), (entry, key, user_entry), message)


def _undo(admission: _Admission, message: JobMessage) -> bool:
    """Take back an add whose job could not be queued; False if others rely on the entry by now."""
    untouched = (Entry.watchers == 1) & (Entry.job_id == message.job_id) & (Entry.job_state == JobState.QUEUED)
    try:
        with _contended_if_cancelled(), transaction() as writes:
            for item in admission.created:
                writes.delete(item, condition=untouched if isinstance(item, Entry) else None)
    except _ContendedError:
        return False
    return True


def _user_entry(watchlist_id: str, watch: Watch, at: datetime) -> UserEntry:
    return UserEntry(
        watchlist_id,
        UserEntry.sk_of(watch.user),
        watchlist_id=watchlist_id,
        user_watchlist_id=user_watchlist_id_of(watchlist_id, watch.user),
        user=watch.user,
        added_order=f"{at.isoformat()}#{watchlist_id}",
        added_at=at,
        notes=watch.notes,
        alerts=dict(watch.alerts),
    )


def user_watchlist_id_of(watchlist_id: str, user: str) -> str:
    """Return the id of a user's entry; the entry can be found by its parts."""
    return f"user_{user_hash(user)}_{watchlist_id}"


@contextlib.contextmanager
def _contended_if_cancelled() -> Iterator[None]:
    try:
        yield
    except TransactWriteError as error:
        if any(reason is not None for reason in error.cancellation_reasons):
            raise _ContendedError from error
        raise


def _new_job_id() -> str:
    return uuid.uuid4().hex
