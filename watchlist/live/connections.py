"""Which WebSocket connections watch which entry, and in whose name."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from watchlist import limits
from watchlist.storage import batches
from watchlist.storage.records import ENTRY_KEY, Entry, LiveConnection, Subscription, UserEntry
from watchlist.watching import entries
from watchlist.watching.entries import EntryWithWatchers


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at an entry through a connection.

    Attributes:
        user: whose user entry is shown; None for the first ones of all users.
        while_watching: whether the entry may be seen only as long as that user watches it, as with a token; somebody
            who may act for every user sees it in any case.
    """

    user: str | None = None
    while_watching: bool = False


def register(connection_id: str, watchlist_id: str, viewer: Viewer, at: datetime) -> None:
    """Note what a connection that is being opened watches, and for whom.

    The subscription comes last: it is what the live publisher acts on.
    """
    connection = LiveConnection(
        LiveConnection.pk_of(connection_id),
        LiveConnection.SK,
        watchlist_id=watchlist_id,
        user=viewer.user,
        while_watching=viewer.while_watching,
        expires_at=at + limits.LIVE_CONNECTION,
    )
    connection.save()
    Subscription.of(connection, at).save()


def find(connection_id: str) -> LiveConnection | None:
    """Return what a connection watches, or None for one that is not registered (any more)."""
    try:
        return LiveConnection.get(LiveConnection.pk_of(connection_id), LiveConnection.SK, consistent_read=True)
    except LiveConnection.DoesNotExist:
        return None


def forget(connection_id: str, watchlist_id: str) -> None:
    """Delete what was noted of a connection, if anything."""
    Subscription(Subscription.pk_of(watchlist_id), connection_id).delete()
    LiveConnection(LiveConnection.pk_of(connection_id), LiveConnection.SK).delete()


def pages(watchlist_id: str, at: datetime) -> Iterator[list[Subscription]]:
    """Yield the subscriptions to an entry, at most `limits.LIVE_PAGE` at a time, without those that have expired."""
    last_key = None
    while True:
        found = Subscription.query(
            Subscription.pk_of(watchlist_id),
            consistent_read=True,
            limit=limits.LIVE_PAGE,
            page_size=limits.LIVE_PAGE,
            last_evaluated_key=last_key,
        )
        yield [each for each in found if each.expires_at > at]
        last_key = found.last_evaluated_key
        if last_key is None:
            return


def shown_to(entry: Entry, users: Collection[str | None]) -> Mapping[str | None, EntryWithWatchers]:
    """Return what the status poll would show each of `users` of the entry, None being one who may see all.

    The reads are consistent: a user who has just stopped watching watches no more.
    """
    named = [user for user in users if user is not None]
    keys = [(entry.watchlist_id, UserEntry.sk_of(user)) for user in named]
    mine = {user_entry.user: (user_entry,) for user_entry in batches.get(UserEntry, keys, batches.FUNCTION)}
    shown: dict[str | None, EntryWithWatchers] = {user: EntryWithWatchers(entry, mine.get(user, ())) for user in named}
    if None in users:
        shown[None] = EntryWithWatchers(entry, entries.first_watchers(entry.watchlist_id))
    return shown


def registered(subscriptions: Collection[Subscription]) -> list[Subscription]:
    """Return those that are still noted: of a connection that was closed nothing is left."""
    keys = [(each.pk, each.sk) for each in subscriptions]
    return list(batches.get(Subscription, keys, batches.FUNCTION))


def read_entries(watchlist_ids: Collection[str]) -> Mapping[str, Entry]:
    """Return the entries that exist, as they are now, by their ids."""
    keys = [(watchlist_id, ENTRY_KEY) for watchlist_id in watchlist_ids]
    return {entry.watchlist_id: entry for entry in batches.get(Entry, keys, batches.FUNCTION)}
