"""What people do with entries: add a repository or join it, look at its status, retry a failed one."""

import contextlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pynamodb.exceptions import PynamoDBException, UpdateError

from watchlist import clock, limits
from watchlist.errors import JobError, RequestRefusedError, ServiceUnavailableError
from watchlist.job_kinds import JobKind
from watchlist.jobs import protocol as job_protocol
from watchlist.jobs.message import JobMessage
from watchlist.jobs.queue import BATCH, JobQueue
from watchlist.repository_url import Repository
from watchlist.states import DueKind, EntryStatus, JobState
from watchlist.storage import batches
from watchlist.storage.failures import is_refused, outage_in_words, passes
from watchlist.storage.records import ENTRY_KEY, USER_PREFIX, Entry, RepositoryKey, UserEntry, WatchlistItem, user_hash
from watchlist.storage.transactions import ContendedError, retried, transaction
from watchlist.watching import names, user_entries
from watchlist.watching.names import NameReader


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
class Watch:
    """One user's wish to watch one repository."""

    repository: Repository
    user: str
    alerts: Mapping[str, Any]
    notes: str | None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Added:
    """What became of an add: the entry, and whether it is new (or existed and is joined)."""

    entry: Entry
    is_new: bool


class NotDoneError(RequestRefusedError):
    """The time of the batch was up before this one's turn; nothing was done for it."""


Refusal = AlreadyWatchingError | ServiceUnavailableError | NotDoneError
"""Why a repository was not added for a user."""


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
class _Creation:
    """A new entry with what was written together with it, and its job's message, which is still to be sent."""

    entry: Entry
    key: RepositoryKey
    user_entry: UserEntry
    message: JobMessage


@dataclass(frozen=True, slots=True)
class _Admission:
    """A written add."""

    added: Added
    creation: _Creation | None = None


def add(watch: Watch, queue: JobQueue, correlation_id: str, at: datetime, reader: NameReader | None = None) -> Added:
    """Add the repository, or join the user to its entry. At any instant a repository has one entry and one setup job.

    A former name of a repository leads to its entry, too. If a `reader` is given, it is asked first whether another
    repository has taken that name.

    Raises:
        AlreadyWatchingError: the user watches it already; nothing changed.
        ServiceUnavailableError: the job could not be queued; nothing is kept. If others have joined in between, the
            entry stays instead, and the reconciler queues its job.
    """
    admission = _admit(watch, correlation_id, at, reader)
    if admission.creation is not None:
        try:
            queue.send(admission.creation.message)
        except JobError as error:
            if _undo(admission.creation):
                raise ServiceUnavailableError(error.message) from error
    return admission.added


def add_batch(  # noqa: PLR0913, PLR0917 - all that a batch needs
    watches: Sequence[Watch],
    queue: JobQueue,
    correlation_id: str,
    at: datetime,
    ends: datetime,
    reader: NameReader | None = None,
) -> list[Added | Refusal]:
    """Add each; the result at an index is what `add` would have returned or raised for the watch at that index.

    As many as fit one call of the queue are written, then sent, then the next ones: if this breaks off, few entries
    wait for the reconciler to send their job. None is begun after `ends`: for those the result is a `NotDoneError`.
    """
    results: list[Added | Refusal] = []
    for start in range(0, len(watches), BATCH):
        some = watches[start : start + BATCH]
        if clock.now() < ends:
            results += _add_some(some, queue, correlation_id, at, reader)
        else:
            results += [NotDoneError()] * len(some)
    return results


def _add_some(
    watches: Sequence[Watch], queue: JobQueue, correlation_id: str, at: datetime, reader: NameReader | None
) -> list[Added | Refusal]:
    admissions = [_try_to_admit(watch, correlation_id, at, reader) for watch in watches]
    creations = {
        index: admission.creation
        for index, admission in enumerate(admissions)
        if isinstance(admission, _Admission) and admission.creation is not None
    }
    errors = queue.send_batch({index: creation.message for index, creation in creations.items()})
    undone = {
        creations[index].entry.watchlist_id: ServiceUnavailableError(error.message)
        for index, error in errors.items()
        if _undo(creations[index])
    }
    return [_result(admission, undone) for admission in admissions]


def _result(admission: _Admission | Refusal, undone: Mapping[str, ServiceUnavailableError]) -> Added | Refusal:
    """Return what became of an add, given the entries that were taken back after it."""
    match admission:
        case _Admission(added=added):
            return undone.get(added.entry.watchlist_id, added)
        case AlreadyWatchingError(entry=entry):
            return undone.get(entry.watchlist_id, admission)
        case ServiceUnavailableError() | NotDoneError():
            return admission


def _try_to_admit(watch: Watch, correlation_id: str, at: datetime, reader: NameReader | None) -> _Admission | Refusal:
    try:
        return _admit(watch, correlation_id, at, reader)
    except (AlreadyWatchingError, ServiceUnavailableError) as refusal:
        return refusal
    except PynamoDBException as error:
        if not passes(error):
            raise
        return ServiceUnavailableError(outage_in_words("The database", error))


def _admit(watch: Watch, correlation_id: str, at: datetime, reader: NameReader | None) -> _Admission:
    def join_or_create(number: int) -> _Admission:
        existing = names.entry_named(watch.repository)
        if existing is not None and (reader is None or names.still_leads_to(existing, watch.repository, reader)):
            return _join(existing, watch, at)
        # another entry, or one just removed, can have the id of the same second: a later second's is free
        return _create(watch, watchlist_id_of(watch.repository, at + timedelta(seconds=number)), correlation_id, at)

    return retried(join_or_create)


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
        return job_protocol.start_generation(entry, _new_job_id(), correlation_id, at, seen)
    except job_protocol.SupersededError:
        return _start_over(watchlist_id, correlation_id, at, user)


def failed_of(user: str, most: int) -> list[str]:
    """Return the ids of the failed entries that a user watches: the `most` whose watches are the newest.

    A read of the watches, and one for each 100 of them, among as many as one look at a watchlist counts.
    """
    watches = list(UserEntry.by_user.query(user, scan_index_forward=False, limit=limits.WATCHLIST_LOOKED_AT))
    keys = [(watch.watchlist_id, ENTRY_KEY) for watch in watches]
    shown = ["pk", "sk", "type", "status"]
    states = batches.get(Entry, keys, batches.REQUEST, consistent=False, only=shown)
    failed = {state.pk for state in states if state.status == EntryStatus.FAILED}
    return [watch.watchlist_id for watch in watches if watch.watchlist_id in failed][:most]


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


def _join(entry: Entry, watch: Watch, at: datetime) -> _Admission:
    if user_entries.find_at(entry.watchlist_id, UserEntry.sk_of(watch.user)) is not None:
        raise AlreadyWatchingError(entry)
    user_entry = _user_entry(entry.watchlist_id, watch, at)
    with transaction() as writes:
        writes.save(user_entry, condition=UserEntry.pk.does_not_exist())
        writes.update(entry, actions=[Entry.watchers.add(1)], condition=Entry.watchers >= 1)
    return _Admission(Added(entry, is_new=False))


def _create(watch: Watch, watchlist_id: str, correlation_id: str, at: datetime) -> _Admission:
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
        asked_by=user_hash(watch.user),
    )
    message = job_protocol.queued(entry, _new_job_id(), correlation_id, at)
    key = RepositoryKey(RepositoryKey.pk_of(watch.repository), RepositoryKey.SK, watchlist_id=watchlist_id)
    user_entry = _user_entry(watchlist_id, watch, at)
    with transaction() as writes:
        writes.save(key, condition=RepositoryKey.pk.does_not_exist())
        writes.save(entry, condition=Entry.pk.does_not_exist())
        writes.save(user_entry)
    return _Admission(Added(entry, is_new=True), _Creation(entry, key, user_entry, message))


def _undo(creation: _Creation) -> bool:
    """Take back an add whose job could not be queued; False if others rely on the entry by now."""
    untouched = (Entry.watchers == 1) & (Entry.job_id == creation.message.job_id) & (Entry.job_state == JobState.QUEUED)
    try:
        with transaction() as writes:
            writes.delete(creation.entry, condition=untouched)
            writes.delete(creation.key)
            writes.delete(creation.user_entry)
    except ContendedError:
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
        labels=list(watch.labels) or None,
        alerts=dict(watch.alerts),
    )


def user_watchlist_id_of(watchlist_id: str, user: str) -> str:
    """Return the id of a user's entry; the entry can be found by its parts."""
    return f"user_{user_hash(user)}_{watchlist_id}"


def _new_job_id() -> str:
    return uuid.uuid4().hex
