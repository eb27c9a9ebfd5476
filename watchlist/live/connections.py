"""Which WebSocket connections watch which entry, and in whose name."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from pynamodb.expressions.condition import size

from watchlist import limits
from watchlist.storage import batches
from watchlist.storage.records import (
    ENTRY_KEY,
    USER_PREFIX,
    Entry,
    LiveConnection,
    OpenConnections,
    Subscription,
    Usage,
    UserEntry,
    UserSubscription,
    user_hash,
)
from watchlist.storage.updates import update
from watchlist.watching import entries
from watchlist.watching.entries import EntryWithWatchers

Connection = TypeVar("Connection", Subscription, UserSubscription)

_READ_AT_ONCE = 100
"""Items of one BatchGetItem."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at an entry through a connection.

    Attributes:
        user: whose user entry is shown; None for the first ones of all users.
        while_watching: whether the entry may be seen only as long as that user watches it, as with a token; somebody
            who may act for every user sees it in any case.
        stays: whether the connection goes on when the entry is ready or has failed.
    """

    user: str | None = None
    while_watching: bool = False
    stays: bool = False


class TooManyConnectionsError(Exception):
    """The user has as many connections open as one user may."""


def register(connection_id: str, watchlist_id: str | None, viewer: Viewer, most: int, at: datetime) -> None:
    """Note what a connection that is being opened watches, and for whom, who may have `most` of them.

    Without a `watchlist_id` it is all that the viewer's user watches.

    The subscription comes last: it is what the live publisher acts on.

    Raises:
        TooManyConnectionsError: the user has as many already; nothing is noted.
    """
    connection = LiveConnection(
        LiveConnection.pk_of(connection_id),
        LiveConnection.SK,
        watchlist_id=watchlist_id,
        user=viewer.user,
        while_watching=viewer.while_watching,
        stays=viewer.stays,
        expires_at=at + limits.LIVE_CONNECTION,
    )
    connection.save()
    if connection.holder is not None and not _has_place(connection.holder, connection_id, most, at):
        connection.delete()
        raise TooManyConnectionsError
    (Subscription if watchlist_id else UserSubscription).of(connection, at).save()


def find(connection_id: str) -> LiveConnection | None:
    """Return what a connection watches, or None for one that is not registered (any more)."""
    try:
        return LiveConnection.get(LiveConnection.pk_of(connection_id), LiveConnection.SK, consistent_read=True)
    except LiveConnection.DoesNotExist:
        return None


def forget(connection: Subscription | UserSubscription | LiveConnection) -> None:
    """Delete what was noted of a connection, if anything."""
    connection_id = connection.connection_id
    if isinstance(connection, UserSubscription) or not connection.watchlist_id:
        UserSubscription(UserSubscription.PK, UserSubscription.sk_of(connection.user, connection_id)).delete()
    else:
        Subscription(Subscription.pk_of(connection.watchlist_id), connection_id).delete()
    LiveConnection(LiveConnection.pk_of(connection_id), LiveConnection.SK).delete()
    if connection.holder is not None:
        places = _places(connection.holder)
        update(places, [OpenConnections.ids.delete({connection_id})], OpenConnections.ids.contains(connection_id))


def _has_place(user: str, connection_id: str, most: int, at: datetime) -> bool:
    """Count the connection as one of its user's; those whose end nobody has told of are counted no more."""
    if _takes_place(user, connection_id, most, at):
        return True
    try:
        ids = OpenConnections.get(_places(user).pk, OpenConnections.SK, consistent_read=True).ids or set()
    except OpenConnections.DoesNotExist:
        ids = set()
    keys = [(LiveConnection.pk_of(each), LiveConnection.SK) for each in ids]
    noted = {each.pk for each in batches.get(LiveConnection, keys, batches.FUNCTION) if each.expires_at > at}
    gone = {each for each in ids if LiveConnection.pk_of(each) not in noted}
    if not gone:
        return False
    update(_places(user), [OpenConnections.ids.delete(gone)], OpenConnections.pk.exists())
    return _takes_place(user, connection_id, most, at)


def _takes_place(user: str, connection_id: str, most: int, at: datetime) -> bool:
    ids = OpenConnections.ids
    actions = [
        ids.add({connection_id}),
        OpenConnections.expires_at.set(at + limits.LIVE_CONNECTION),
        OpenConnections.type.set(OpenConnections),
    ]
    return update(_places(user), actions, ids.does_not_exist() | (size(ids) < most))  # type: ignore[no-untyped-call] # PynamoDB's


def _places(user: str) -> OpenConnections:
    return OpenConnections(Usage.pk_of(user), OpenConnections.SK)


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


def of_users(at: datetime) -> list[UserSubscription]:
    """Return all connections that show all of a user's, without those that have expired.

    One Query for some thousands of them: so many users look at once, not so many watch.
    """
    found = UserSubscription.query(UserSubscription.PK, consistent_read=True)
    return [each for each in found if each.expires_at > at]


def watching(entry: Entry, subscriptions: Sequence[UserSubscription]) -> list[tuple[UserSubscription, UserEntry]]:
    """Return those whose user watches the entry, each with the watch: one read for 100 users who look.

    Reads are consistent. Few of those who look watch any one repository, and few who watch it look: whichever are fewer
    are asked.
    """
    hashes = {user_hash(each.user) for each in subscriptions}
    if len(hashes) <= max(int(entry.watchers), _READ_AT_ONCE):
        keys = [(entry.watchlist_id, USER_PREFIX + each) for each in sorted(hashes)]
        watches = list(batches.get(UserEntry, keys, batches.FUNCTION))
    else:
        watches = list(UserEntry.query(entry.watchlist_id, UserEntry.sk.startswith(USER_PREFIX), consistent_read=True))
    by_user = {watch.user: watch for watch in watches}
    return [(each, by_user[each.user]) for each in subscriptions if each.user in by_user]


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


def registered(subscriptions: Sequence[Connection]) -> list[Connection]:
    """Return those that are still noted: of a connection that was closed nothing is left."""
    keys = [(each.pk, each.sk) for each in subscriptions]
    return list(batches.get(type(subscriptions[0]), keys, batches.FUNCTION)) if subscriptions else []


def read_entries(watchlist_ids: Collection[str]) -> Mapping[str, Entry]:
    """Return the entries that exist, as they are now, by their ids."""
    keys = [(watchlist_id, ENTRY_KEY) for watchlist_id in watchlist_ids]
    return {entry.watchlist_id: entry for entry in batches.get(Entry, keys, batches.FUNCTION)}
