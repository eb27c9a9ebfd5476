"""Deletes what is left of an entry that nobody watches any more; can be called again where it broke off."""

from watchlist import job_protocol
from watchlist.records import ActivityItem
from watchlist.states import EntryStatus


def purge(watchlist_id: str) -> None:
    """Delete the commits, the analyses and, last, the entry itself; nothing if the entry is not removed."""
    entry = job_protocol.find_entry(watchlist_id)
    if entry is None or entry.entry_status is not EntryStatus.REMOVED:
        return
    with ActivityItem.batch_write() as batch:
        for item in ActivityItem.query(watchlist_id, attributes_to_get=["pk", "sk", "type"]):
            batch.delete(item)
    entry.delete()
