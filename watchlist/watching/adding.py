"""Adding a repository for a user: its entry is made with its first job, or the user joins the entry that is there."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pynamodb.exceptions import PynamoDBException

from watchlist import clock
from watchlist.errors import JobError, RequestRefusedError, ServiceUnavailableError
from watchlist.job_kinds import JobKind
from watchlist.jobs import protocol as job_protocol
from watchlist.jobs.message import JobMessage
from watchlist.jobs.queue import BATCH, JobQueue
from watchlist.repository_url import Repository
from watchlist.states import EntryStatus, JobState
from watchlist.storage.failures import outage_in_words, passes
from watchlist.storage.records import ENTRY_KEY, Entry, RepositoryKey, UserEntry, user_hash
from watchlist.storage.transactions import ContendedError, retried, transaction
from watchlist.watching import names, user_entries
from watchlist.watching.entries import AlreadyWatchingError, user_watchlist_id_of
from watchlist.watching.names import NameReader


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


@dataclass(frozen=True, slots=True)
class Adding:
    """Adds repositories for one request.

    Attributes:
        queue: takes the first jobs.
        correlation_id: of the request.
        at: now.
        reader: asked whether another repository has taken a former name of an entry; None: nobody is asked.
    """

    queue: JobQueue
    correlation_id: str
    at: datetime
    reader: NameReader | None = None

    def add(self, watch: Watch) -> Added:
        """Add the repository, or join the user to its entry.

        At any instant a repository has one entry and one setup job. A former name leads to its entry, too.

        Raises:
            AlreadyWatchingError: the user watches it already; nothing changed.
            ServiceUnavailableError: the job could not be queued; nothing is kept. If others have joined in between,
                the entry stays instead, and the reconciler queues its job.
        """
        admission = self._admit(watch)
        if admission.creation is not None:
            try:
                self.queue.send(admission.creation.message)
            except JobError as error:
                if _undo(admission.creation):
                    raise ServiceUnavailableError(error.message) from error
        return admission.added

    def add_batch(self, watches: Sequence[Watch], ends: datetime) -> list[Added | Refusal]:
        """Add each; the result at an index is what `add` would have returned or raised for the watch at that index.

        As many as fit one call of the queue are written, then sent, then the next ones: if this breaks off, few entries
        wait for the reconciler to send their job. None is begun after `ends`: for those the result is a `NotDoneError`.
        """
        results: list[Added | Refusal] = []
        for start in range(0, len(watches), BATCH):
            some = watches[start : start + BATCH]
            results += self._add_some(some) if clock.now() < ends else [NotDoneError()] * len(some)
        return results

    def _add_some(self, watches: Sequence[Watch]) -> list[Added | Refusal]:
        admissions = [self._try_to_admit(watch) for watch in watches]
        creations = {
            index: admission.creation
            for index, admission in enumerate(admissions)
            if isinstance(admission, _Admission) and admission.creation is not None
        }
        errors = self.queue.send_batch({index: creation.message for index, creation in creations.items()})
        undone = {
            creations[index].entry.watchlist_id: ServiceUnavailableError(error.message)
            for index, error in errors.items()
            if _undo(creations[index])
        }
        return [_result(admission, undone) for admission in admissions]

    def _try_to_admit(self, watch: Watch) -> _Admission | Refusal:
        try:
            return self._admit(watch)
        except (AlreadyWatchingError, ServiceUnavailableError) as refusal:
            return refusal
        except PynamoDBException as error:
            if not passes(error):
                raise
            return ServiceUnavailableError(outage_in_words("The database", error))

    def _admit(self, watch: Watch) -> _Admission:
        def join_or_create(number: int) -> _Admission:
            existing = names.entry_named(watch.repository)
            if existing is not None and self._is_its_entry(existing, watch.repository):
                return self._join(existing, watch)
            # another entry, or one just removed, can have the id of the same second: a later second's is free
            return self._create(watch, watchlist_id_of(watch.repository, self.at + timedelta(seconds=number)))

        return retried(join_or_create)

    def _is_its_entry(self, entry: Entry, name: Repository) -> bool:
        return self.reader is None or names.still_leads_to(entry, name, self.reader)

    def _join(self, entry: Entry, watch: Watch) -> _Admission:
        if user_entries.find_at(entry.watchlist_id, UserEntry.sk_of(watch.user)) is not None:
            raise AlreadyWatchingError(entry)
        user_entry = _user_entry(entry.watchlist_id, watch, self.at)
        with transaction() as writes:
            writes.save(user_entry, condition=UserEntry.pk.does_not_exist())
            writes.update(entry, actions=[Entry.watchers.add(1)], condition=Entry.watchers >= 1)
        return _Admission(Added(entry, is_new=False))

    def _create(self, watch: Watch, watchlist_id: str) -> _Admission:
        entry = Entry(
            watchlist_id,
            ENTRY_KEY,
            watchlist_id=watchlist_id,
            origin=watch.repository.origin,
            owner=watch.repository.owner,
            name=watch.repository.name,
            created_at=self.at,
            watchers=1,
            status=str(EntryStatus.PROCESSING),
            processing_started_at=self.at,
            generation=1,
            job_kind=str(JobKind.REPOSITORY_SETUP),
            asked_by=user_hash(watch.user),
        )
        message = job_protocol.queued(entry, uuid.uuid4().hex, self.correlation_id, self.at)
        key = RepositoryKey(RepositoryKey.pk_of(watch.repository), RepositoryKey.SK, watchlist_id=watchlist_id)
        user_entry = _user_entry(watchlist_id, watch, self.at)
        with transaction() as writes:
            writes.save(key, condition=RepositoryKey.pk.does_not_exist())
            writes.save(entry, condition=Entry.pk.does_not_exist())
            writes.save(user_entry)
        return _Admission(Added(entry, is_new=True), _Creation(entry, key, user_entry, message))


def watchlist_id_of(repository: Repository, at: datetime) -> str:
    """Return the id of an entry created at that second: letters, digits, `.`, `_` and `-` only."""
    owner = repository.owner.replace("/", "_")
    return f"watchlist_{owner}_{repository.name}_{int(at.timestamp())}"


def _result(admission: _Admission | Refusal, undone: Mapping[str, ServiceUnavailableError]) -> Added | Refusal:
    """Return what became of an add, given the entries that were taken back after it."""
    match admission:
        case _Admission(added=added):
            return undone.get(added.entry.watchlist_id, added)
        case AlreadyWatchingError(entry=entry):
            return undone.get(entry.watchlist_id, admission)
        case ServiceUnavailableError() | NotDoneError():
            return admission


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
