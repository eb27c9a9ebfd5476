"""Deletes what is left of an entry that nobody watches any more; can be called again where it broke off.

Of an entry that was merged into another one the id stays, for as long as there is an entry that it leads to.
"""

from datetime import datetime

from pynamodb.exceptions import DeleteError, PutError

from watchlist import limits
from watchlist.jobs import protocol as job_protocol
from watchlist.states import DueKind, EntryStatus
from watchlist.storage import batches
from watchlist.storage.failures import is_refused
from watchlist.storage.records import ActivityItem, Entry
from watchlist.watching import names


def due_at(entry: Entry, now: datetime) -> datetime:
    """Return when an entry that is removed now can be deleted.

    By then no task can write to it any more, and its id, which holds the second of its making, is nobody else's.
    """
    free_at = now + limits.ID_REUSE_PAUSE
    return max(free_at, entry.lease_expires_at) if entry.has_live_lease(now) else free_at


def purge(watchlist_id: str, now: datetime) -> bool:
    """Delete the commits and analyses of a removed entry and, when it is due, the entry itself; whether all is gone.

    At most `PURGED_ITEMS` go at once; whoever is told that something is left calls again.
    """
    entry = job_protocol.find_entry(watchlist_id)
    if entry is None or not entry.is_removed:
        return True
    some = list(
        ActivityItem.query(
            watchlist_id,
            attributes_to_get=["pk", "sk", "type"],
            consistent_read=True,
            limit=limits.PURGED_ITEMS,
        )
    )
    batches.delete(some, batches.REQUEST)
    if len(some) == limits.PURGED_ITEMS or entry.due_at > now:
        return False
    survivor = names.survivor_of(entry)
    try:
        if survivor is None:
            entry.delete(condition=Entry.status == EntryStatus.REMOVED)
        else:
            _id_of(entry, survivor, now).save(condition=Entry.status == EntryStatus.REMOVED)
    except (DeleteError, PutError) as error:
        if not is_refused(error):
            raise
    return True


def _id_of(entry: Entry, survivor: Entry, now: datetime) -> Entry:
    """Return what is left of a merged entry: that its id leads to the other one, until that is looked at again."""
    attributes = type(entry).get_attributes()
    needed = {name: value for name, value in entry.attribute_values.items() if not attributes[name].null}
    later = now + limits.FORMER_ID_LOOKED_AT
    return Entry(**needed | {"merged_into": survivor.watchlist_id, "due_kind": DueKind.REMOVAL, "due_at": later})
