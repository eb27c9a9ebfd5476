"""The names of a watched repository: hosts rename them, and whoever adds one by any of its names joins one entry.

An entry has the name under which its host gave the repository last. Its former names stay its keys
(`Entry.known_as`), until another repository takes one of them. docs/decisions/0013-renamed-repositories.md says why.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from watchlist import limits
from watchlist.alerts import telling as alerting
from watchlist.alerts.occasions import Renamed
from watchlist.errors import JobError
from watchlist.jobs import protocol as job_protocol
from watchlist.repository_url import Repository
from watchlist.states import EntryStatus
from watchlist.storage.records import ENTRY_KEY, Entry, RepositoryKey
from watchlist.storage.transactions import retried, transaction


class NameReader(Protocol):
    """Asks a host what one of its repositories is called now."""

    def present_name(self, repository: Repository) -> Repository:
        """Return the name to which the host redirects, or the same one; raise JobError if it does not say."""


def entry_named(repository: Repository) -> Entry | None:
    """Return the entry that is reached by this name, its present one or a former one."""
    watchlist_id = _holder_of(RepositoryKey.pk_of(repository))
    return None if watchlist_id is None else job_protocol.find_entry(watchlist_id)


def follow(entry: Entry, name: Repository, at: datetime, check: Callable[[], None] = lambda: None) -> int:
    """Give the entry the name that its host redirects to, and tell its watchers once; return how many alerts are new.

    `entry` has the new name afterwards. They are told before it is written: if this breaks off, whoever sees the
    redirect next tells the same.

    Args:
        entry: as it was when its host was asked.
        name: what the host calls the repository now.
        at: now.
        check: called for each watcher; it raises when the job was taken away.
    """
    renamed = Renamed(before=entry.repository, after=name, previous=entry.renamed_at)
    alerts = alerting.tell(entry.watchlist_id, renamed, at, check)
    check()
    retried(lambda _: _take(entry, name, at))
    entry.owner, entry.name = name.owner, name.name
    return alerts


def free_if_taken(entry: Entry, name: Repository, reader: NameReader) -> bool:
    """Let a former name of the entry go if another repository has it by now; whether it is free.

    A host that does not answer leaves the name to the entry.
    """
    if entry.repository.key == name.key:
        return False
    try:
        present = reader.present_name(name)
    except JobError:
        return False
    if present.key != name.key:
        return False
    key = RepositoryKey.pk_of(name)
    with transaction() as writes:
        _delete_keys(writes, entry, [key])
        _update(writes, entry, Entry.known_as.set([known for known in keys_of(entry) if known != key]))
    return True


def delete_keys(writes: TransactWrite, entry: Entry) -> None:
    """Free all names of the entry, in a transaction that changes the entry if `unchanged` holds."""
    _delete_keys(writes, entry, keys_of(entry))


def keys_of(entry: Entry) -> list[str]:
    """Return the hash keys of the names that lead to the entry, the present one first."""
    known: list[str] | None = entry.known_as
    return [RepositoryKey.pk_of(entry.repository)] if known is None else list(known)


def former_names(entry: Entry) -> list[str]:
    """Return the names under which it was known before, as `host/owner/name`, the latest first."""
    present = RepositoryKey.pk_of(entry.repository)
    return [key.removeprefix(RepositoryKey.PREFIX) for key in keys_of(entry) if key != present]


def unchanged(entry: Entry) -> Condition:
    """Return the condition that the entry has the names that it had when it was read."""
    known = Entry.known_as.does_not_exist() if entry.known_as is None else Entry.known_as == list(entry.known_as)
    condition: Condition = (Entry.owner == entry.owner) & (Entry.name == entry.name) & known
    return condition


def _take(seen: Entry, name: Repository, at: datetime) -> None:
    entry = job_protocol.find_entry(seen.watchlist_id)
    if entry is None or entry.is_removed or entry.repository != seen.repository:
        return  # it left, or somebody else has seen the redirect, too
    key = RepositoryKey.pk_of(name)
    holder = _holder_of(key)
    other = None if holder in {None, entry.watchlist_id} else job_protocol.find_entry(str(holder))
    keys = keys_of(entry)
    with transaction() as writes:
        if other is None:
            names = [key, *(known for known in keys if known != key)]
            _save_keys(writes, entry, [key], RepositoryKey.pk.does_not_exist())
            _delete_keys(writes, entry, names[limits.NAMES_OF_A_REPOSITORY :])
            names = names[: limits.NAMES_OF_A_REPOSITORY]
        else:
            names = []  # the other one was added by the new name: from now on every name leads there
            room = max(0, limits.NAMES_OF_A_REPOSITORY - len(keys_of(other)))
            _hand_over(writes, entry, other, keys[:room])
            _delete_keys(writes, entry, keys[room:])
        _update(writes, entry, *_present(entry, name, at), Entry.known_as.set(names))


def _present(entry: Entry, name: Repository, at: datetime) -> list[Any]:
    present = [Entry.owner.set(name.owner), Entry.name.set(name.name), Entry.renamed_at.set(at)]
    if entry.package:
        renamed = {"name": f"{name.owner}/{name.name}", "url": name.url, "renamed_to": None}
        present.append(Entry.package.set(entry.package.model_copy(update=renamed)))
    return present


def _save_keys(writes: TransactWrite, entry: Entry, keys: Sequence[str], may: Condition) -> None:
    for key in keys:
        item = RepositoryKey(key, RepositoryKey.SK, watchlist_id=entry.watchlist_id)
        writes.save(item, condition=may | (RepositoryKey.watchlist_id == entry.watchlist_id))


def _hand_over(writes: TransactWrite, entry: Entry, other: Entry, keys: Sequence[str]) -> None:
    _save_keys(writes, other, keys, RepositoryKey.watchlist_id == entry.watchlist_id)
    _update(writes, other, Entry.known_as.set([*keys_of(other), *keys]))


def _delete_keys(writes: TransactWrite, entry: Entry, keys: Sequence[str]) -> None:
    for key in keys:
        item = RepositoryKey(key, RepositoryKey.SK)
        writes.delete(item, condition=RepositoryKey.watchlist_id == entry.watchlist_id)


def _update(writes: TransactWrite, entry: Entry, *actions: Any) -> None:  # noqa: ANN401 - PynamoDB's actions have no common type
    there = unchanged(entry) & (Entry.status != EntryStatus.REMOVED)
    writes.update(Entry(entry.watchlist_id, ENTRY_KEY), actions=list(actions), condition=there)


def _holder_of(key: str) -> str | None:
    try:
        watchlist_id: str = RepositoryKey.get(key, RepositoryKey.SK, consistent_read=True).watchlist_id
    except DoesNotExist:
        return None
    return watchlist_id
