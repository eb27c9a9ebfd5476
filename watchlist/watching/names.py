"""The names of a watched repository: hosts rename them, and whoever adds one by any of its names joins one entry.

An entry has the name under which its host gave the repository last. Its former names stay its keys
(`Entry.known_as`), until another repository takes one of them. Where the new name has an entry already, that one stays
and the other is merged into it (`watchlist.watching.merging`). docs/decisions/0013-renamed-repositories.md says why.
"""

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from watchlist import limits
from watchlist.alerts import telling as alerting
from watchlist.alerts.occasions import Renamed
from watchlist.errors import JobError
from watchlist.jobs import protocol as job_protocol
from watchlist.jobs.protocol import SupersededError
from watchlist.repository_url import Repository
from watchlist.states import DueKind, EntryStatus
from watchlist.storage.records import ENTRY_KEY, Entry, RepositoryKey
from watchlist.storage.transactions import retried, transaction
from watchlist.storage.updates import unchanged


class MergedError(SupersededError):
    """The repository has an entry under its new name, into which this one is to be merged."""


class NameReader(Protocol):
    """Asks a host what one of its repositories is called now."""

    def present_name(self, repository: Repository) -> Repository:
        """Return the name to which the host redirects, or the same one; raise JobError if it does not say."""


def entry_named(repository: Repository) -> Entry | None:
    """Return the entry that is reached by this name, its present one or a former one."""
    try:
        key = RepositoryKey.get(RepositoryKey.pk_of(repository), RepositoryKey.SK, consistent_read=True)
    except DoesNotExist:
        return None
    return job_protocol.find_entry(key.watchlist_id)


def survivor_of(entry: Entry) -> Entry | None:
    """Return the entry that this one was merged into in the end, itself if it was not; None if that one has gone."""
    present: Entry | None = entry
    while present is not None and present.is_merged:
        present = job_protocol.find_entry(present.merged_into)
    return None if present is None or present.is_removed else present


def follow(entry: Entry, name: Repository, at: datetime, check: Callable[[], None] = lambda: None) -> int:
    """Give the entry the name that its host redirects to, and tell its watchers once; return how many alerts are new.

    `entry` has the new name afterwards. They are told before it is written: if this breaks off, whoever sees the
    redirect next tells the same. If the new name has an entry already, this one is to be merged into it and has no
    jobs and checks any more.

    Args:
        entry: as it was when its host was asked.
        name: what the host calls the repository now.
        at: now.
        check: called for each watcher; it raises when the job was taken away.

    Raises:
        MergedError: the entry is to be merged; whoever had it has it no longer.
    """
    renamed = Renamed(before=entry.repository, after=name, previous=entry.renamed_at)
    alerts = alerting.tell(entry.watchlist_id, renamed, at, check)
    check()
    if retried(lambda _: _take(entry, name, at)):
        raise MergedError(entry.watchlist_id)
    entry.owner, entry.name = name.owner, name.name
    return alerts


def lead_again(entry: Entry, at: datetime) -> None:
    """Give an entry its name again after the one that it was to be merged into has gone, or let it follow the next one.

    Raises:
        ServiceUnavailableError: too many others change these entries at the same instant.
    """
    retried(lambda _: _take(entry, entry.repository, at))


def still_leads_to(entry: Entry, name: Repository, reader: NameReader) -> bool:
    """Whether the name that reached the entry is one of the same repository still.

    A former name that another repository has by now is let go. A host that does not answer leaves it to the entry.
    """
    if name.key == entry.repository.key:
        return True
    try:
        is_another = reader.present_name(name).key == name.key  # it redirects nowhere any more
    except JobError:
        return True
    if is_another:
        _let_go(entry, name)
    return not is_another


def _let_go(entry: Entry, name: Repository) -> None:
    key = RepositoryKey.pk_of(name)
    with transaction() as writes:
        _delete_keys(writes, entry, [key])
        _update(writes, entry, [Entry.known_as.set([known for known in keys_of(entry) if known != key])])


def delete_keys(writes: TransactWrite, entry: Entry) -> None:
    """Free all names of the entry, in a transaction that changes the entry if `is_as_read` holds."""
    _delete_keys(writes, entry, keys_of(entry))


def keys_of(entry: Entry) -> list[str]:
    """Return the hash keys of the names that lead to the entry, the present one first."""
    known: list[str] | None = entry.known_as
    return [RepositoryKey.pk_of(entry.repository)] if known is None else list(known)


def former_names(entry: Entry) -> list[str]:
    """Return the names under which it was known before, as `host/owner/name`, the latest first."""
    present = RepositoryKey.pk_of(entry.repository)
    return [key.removeprefix(RepositoryKey.PREFIX) for key in keys_of(entry) if key != present]


def is_as_read(entry: Entry) -> Condition:
    """Return the condition that the entry has the names that it had when it was read, and is merged no further."""
    known = unchanged(Entry.known_as, None if entry.known_as is None else list(entry.known_as))
    merged = unchanged(Entry.merged_into, entry.merged_into)
    condition: Condition = (Entry.owner == entry.owner) & (Entry.name == entry.name) & known & merged
    return condition


def _take(seen: Entry, name: Repository, at: datetime) -> bool:
    """Let the entry have the name, or be merged into the one that has it; whether it is merged."""
    entry = job_protocol.find_entry(seen.watchlist_id)
    if entry is None or entry.is_removed:
        return False
    if (entry.repository, entry.merged_into) != (seen.repository, seen.merged_into):
        return entry.is_merged  # somebody else has seen the redirect, too
    holder = entry_named(name)
    with transaction() as writes:
        if holder is None or holder.watchlist_id == entry.watchlist_id:
            _name(writes, entry, name, at)
            return False
        _merge(writes, entry, holder, name, at)
        return True


def _name(writes: TransactWrite, entry: Entry, name: Repository, at: datetime) -> None:
    key = RepositoryKey.pk_of(name)
    names = [key, *(known for known in keys_of(entry) if known != key)]
    _save_keys(writes, entry, [key], RepositoryKey.pk.does_not_exist())
    _delete_keys(writes, entry, names[limits.NAMES_OF_A_REPOSITORY :])
    actions: list[Action] = [*_present(entry, name, at), Entry.known_as.set(names[: limits.NAMES_OF_A_REPOSITORY])]
    if entry.is_merged:
        actions += [Entry.merged_into.remove(), *_goes_on(entry, at)]
    _update(writes, entry, actions)


def _goes_on(entry: Entry, at: datetime) -> list[Action]:
    """Return what an entry without a job needs to be looked at again: a check, or the setup that was ended."""
    if entry.entry_status is EntryStatus.PROCESSING:
        job_id = uuid.uuid4().hex
        return job_protocol.begun_again(entry, job_id, job_id, at)
    return [Entry.due_kind.set(DueKind.CHECK), Entry.due_at.set(at)]


def _merge(writes: TransactWrite, entry: Entry, other: Entry, name: Repository, at: datetime) -> None:
    """Let every name lead to the other entry, which was added by the new one, and the watchers be moved to it.

    Nothing else of the other entry changes, unless its setup has failed: the host has just answered under its name.
    """
    keys = keys_of(entry)
    room = max(0, limits.NAMES_OF_A_REPOSITORY - len(keys_of(other)))
    _save_keys(writes, other, keys[:room], RepositoryKey.watchlist_id == entry.watchlist_id)
    _delete_keys(writes, entry, keys[room:])
    actions: list[Action] = [Entry.known_as.set([*keys_of(other), *keys[:room]])]
    if other.entry_status is EntryStatus.FAILED:
        job_id = uuid.uuid4().hex
        actions += [Entry.check_failures.set(0), *job_protocol.begun_again(other, job_id, job_id, at)]
    _update(writes, other, actions, (Entry.status == other.status) & (Entry.generation == other.generation))
    merged: list[Action] = [Entry.known_as.set([]), Entry.merged_into.set(other.watchlist_id)]
    stopped = job_protocol.ended(DueKind.MERGE, at + limits.MERGE_SETTLES)
    _update(writes, entry, [*_present(entry, name, at), *merged, *stopped])


def _present(entry: Entry, name: Repository, at: datetime) -> list[Action]:
    present: list[Action] = [Entry.owner.set(name.owner), Entry.name.set(name.name), Entry.renamed_at.set(at)]
    if entry.package:
        renamed = {"name": f"{name.owner}/{name.name}", "url": name.url, "renamed_to": None}
        present.append(Entry.package.set(entry.package.model_copy(update=renamed)))
    return present


def _save_keys(writes: TransactWrite, entry: Entry, keys: Sequence[str], may: Condition) -> None:
    for key in keys:
        item = RepositoryKey(key, RepositoryKey.SK, watchlist_id=entry.watchlist_id)
        writes.save(item, condition=may | (RepositoryKey.watchlist_id == entry.watchlist_id))


def _delete_keys(writes: TransactWrite, entry: Entry, keys: Sequence[str]) -> None:
    for key in keys:
        item = RepositoryKey(key, RepositoryKey.SK)
        writes.delete(item, condition=RepositoryKey.watchlist_id == entry.watchlist_id)


def _update(writes: TransactWrite, entry: Entry, actions: Sequence[Action], also: Condition | None = None) -> None:
    there = is_as_read(entry) & (Entry.status != EntryStatus.REMOVED)
    writes.update(
        Entry(entry.watchlist_id, ENTRY_KEY), actions=list(actions), condition=there if also is None else there & also
    )
