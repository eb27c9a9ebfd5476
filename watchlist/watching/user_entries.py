"""What a user does with their own watchlist: list it, change alert settings, stop watching."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from watchlist import limits
from watchlist.alerts import store as alert_store
from watchlist.errors import RequestRefusedError
from watchlist.jobs import protocol as job_protocol
from watchlist.states import DueKind, EntryStatus
from watchlist.storage.failures import is_refused
from watchlist.storage.records import ENTRY_KEY, USER_PREFIX, Entry, UserEntry, user_hash
from watchlist.storage.transactions import ContendedError, retried, transaction
from watchlist.storage.updates import unchanged, update
from watchlist.watching import names, removal
from watchlist.watching.allowances import release

_ID = re.compile(r"user_(?P<hash>[0-9a-f]{32})_(?P<watchlist_id>watchlist_[A-Za-z0-9._-]+)")


class UserEntryNotFoundError(RequestRefusedError):
    """There is no such user entry, or it is not this caller's."""


def find(user_watchlist_id: str, caller: str | None) -> UserEntry:
    """Return the user entry; `caller` is whose it must be, None for a caller who may see all.

    Where the watched entry was merged into another one, it is the user's entry of that one.

    Raises:
        UserEntryNotFoundError: it does not exist, or is somebody else's.
    """
    parts = _ID.fullmatch(user_watchlist_id)
    if parts is None:
        raise UserEntryNotFoundError(user_watchlist_id)
    sk = USER_PREFIX + parts["hash"]
    entry = find_at(parts["watchlist_id"], sk) or _find_merged(parts["watchlist_id"], sk)
    if entry is None or caller not in {None, entry.user}:
        raise UserEntryNotFoundError(user_watchlist_id)
    return entry


def find_at(watchlist_id: str, sk: str) -> UserEntry | None:
    """Return the user entry with these keys, or None."""
    try:
        return UserEntry.get(watchlist_id, sk, consistent_read=True)
    except UserEntry.DoesNotExist:
        return None


def _find_merged(watchlist_id: str, sk: str) -> UserEntry | None:
    entry = job_protocol.find_entry(watchlist_id)
    survivor = entry and entry.is_merged and names.survivor_of(entry)
    return find_at(survivor.watchlist_id, sk) if survivor else None


def present_id(watchlist_id: str, user: str) -> str:
    """Return the id under which the user's watch of the entry is now: another one only if the watch was moved."""
    entry = job_protocol.find_entry(watchlist_id)
    if entry is None or not entry.is_merged or find_at(watchlist_id, UserEntry.sk_of(user)) is not None:
        return watchlist_id
    survivor = names.survivor_of(entry)
    return watchlist_id if survivor is None else str(survivor.watchlist_id)


def is_as_read(entry: UserEntry) -> Condition:
    """Return the condition that the user entry is there with all that its user can change."""
    condition: Condition = UserEntry.pk.exists()
    for name in ("notes", "labels", "alerts", "notifications", "last_delivery"):
        condition &= unchanged(getattr(UserEntry, name), getattr(entry, name))
    return condition


def change_alerts(entry: UserEntry, alerts: Mapping[str, Any]) -> UserEntry:
    """Replace the alert settings that `entry` has.

    Raises:
        ContendedError: they are others by now, or the user entry is elsewhere or gone; nothing is changed.
    """
    as_read = unchanged(UserEntry.alerts, entry.alerts)
    return _replace(entry, as_read, UserEntry.alerts.set(dict(alerts)))


def change_notifications(
    entry: UserEntry, notifications: Mapping[str, Any], *, is_new_webhook: bool = False
) -> UserEntry:
    """Replace the notification settings that `entry` has; how the last call went says nothing of a new webhook.

    Raises:
        ContendedError: they are others by now, or the user entry is elsewhere or gone; nothing is changed.
    """
    as_read = unchanged(UserEntry.notifications, entry.notifications)
    forgotten: list[Action] = [UserEntry.last_delivery.remove()] if is_new_webhook else []
    return _replace(entry, as_read, UserEntry.notifications.set(dict(notifications)), *forgotten)


def forget_notifications(entry: UserEntry) -> UserEntry:
    """Let the user's channels tell of this repository again.

    Raises:
        UserEntryNotFoundError: it was removed meanwhile.
    """
    return _change(entry, UserEntry.notifications.remove(), UserEntry.last_delivery.remove())


def switch_webhook_off(entry: UserEntry, notifications: Mapping[str, Any], delivery: Mapping[str, Any]) -> bool:
    """Replace the notification settings by those without a webhook, and note the call that was the reason.

    Returns:
        False if the settings are others than those of `entry` by now, or the user entry was removed: nothing changed.
    """
    actions: list[Action] = [
        UserEntry.notifications.set(dict(notifications)),
        UserEntry.last_delivery.set(dict(delivery)),
    ]
    try:
        entry.update(actions=actions, condition=UserEntry.notifications == entry.notifications)
    except UpdateError as error:
        if is_refused(error):
            return False
        raise
    return True


def note_delivery(entry: UserEntry, delivery: Mapping[str, Any]) -> None:
    """Note how the last call of the webhook went.

    Raises:
        UserEntryNotFoundError: it was removed meanwhile.
    """
    _change(entry, UserEntry.last_delivery.set(dict(delivery)))


def change_details(entry: UserEntry, notes: str | None, labels: Sequence[str]) -> UserEntry:
    """Replace the notes and labels that `entry` has.

    Raises:
        ContendedError: they are others by now, or the user entry is elsewhere or gone; nothing is changed.
    """
    as_read = unchanged(UserEntry.notes, entry.notes) & unchanged(UserEntry.labels, entry.labels)
    noted = UserEntry.notes.remove() if notes is None else UserEntry.notes.set(notes)
    return _replace(entry, as_read, noted, UserEntry.labels.set(list(labels)))


def _replace(entry: UserEntry, as_read: Condition, *actions: Action) -> UserEntry:
    if not update(entry, actions, UserEntry.pk.exists() & as_read):
        raise ContendedError
    return entry


def _change(entry: UserEntry, *actions: Action) -> UserEntry:
    try:
        entry.update(actions=list(actions), condition=UserEntry.pk.exists())
    except UpdateError as error:
        if not is_refused(error):
            raise
        moved = find(entry.user_watchlist_id, None)
        if moved.watchlist_id == entry.watchlist_id:
            raise UserEntryNotFoundError(entry.user_watchlist_id) from None
        return _change(moved, *actions)
    return entry


def stop_watching(user_entry: UserEntry, now: datetime) -> None:
    """Remove the user entry and its alerts; with the last watcher goes the repository with all its data.

    A job that runs for it is fenced out at once. If this breaks off it can be called again; what it leaves of the
    repository is removed by the reconciler.

    Raises:
        UserEntryNotFoundError: it was removed meanwhile.
        ServiceUnavailableError: too many others join or leave at the same instant; some alerts may be gone.
    """
    alert_store.remove(user_entry.user_watchlist_id, limits.PURGED_ITEMS)
    entry = retried(lambda _: _leave(user_entry, now))
    release(user_entry.user, 1)
    alert_store.remove(user_entry.user_watchlist_id, limits.PURGED_ITEMS)  # a refresh may have raised some since
    if entry.watchers == 1 and not entry.has_live_lease(now):
        removal.purge(entry.watchlist_id, now)


def _leave(user_entry: UserEntry, now: datetime) -> Entry:
    """Remove the user entry in one transaction with what it means for the entry; return the entry as it was before."""
    present = find(user_entry.user_watchlist_id, None)  # raises if somebody else has removed it
    entry = job_protocol.find_entry(present.watchlist_id)
    if entry is None or entry.is_removed:
        raise UserEntryNotFoundError(user_entry.user_watchlist_id)
    with transaction() as writes:
        leave(writes, present, entry, now, UserEntry.pk.exists())
    return entry


def leave(writes: TransactWrite, user_entry: UserEntry, entry: Entry, now: datetime, condition: Condition) -> None:
    """Add to a transaction that a user entry goes, if the condition holds for it, and what that means for `entry`.

    Whoever has left has no turn any more among those who wait, and nothing says that they asked for the setup.
    """
    writes.delete(user_entry, condition=condition)
    if entry.watchers > 1:
        actions: list[Action] = [Entry.watchers.add(-1)]
        others_stay = Entry.watchers > 1
        if entry.asked_by == user_hash(user_entry.user):
            forgetting, is_as_read = job_protocol.without_asker(entry)
            actions += forgetting
            others_stay &= is_as_read
        writes.update(Entry(entry.pk, ENTRY_KEY), actions=actions, condition=others_stay)
    else:
        _remove_entry(writes, entry, now)


def _remove_entry(writes: TransactWrite, entry: Entry, now: datetime) -> None:
    """Free the repository for a new entry, and leave the old one to be purged when no task can write to it any more."""
    names.delete_keys(writes, entry)
    writes.update(
        Entry(entry.pk, ENTRY_KEY),
        actions=[
            Entry.status.set(EntryStatus.REMOVED),
            Entry.watchers.set(0),
            Entry.asked_by.remove(),
            *job_protocol.ended(DueKind.REMOVAL, removal.due_at(entry, now)),
        ],
        condition=(Entry.watchers == 1) & (Entry.status != EntryStatus.REMOVED) & names.is_as_read(entry),
    )
