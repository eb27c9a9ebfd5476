"""What the service keeps of one person, to be shown to them, or erased: a user, or an author of commits."""

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from pynamodb.exceptions import UpdateError
from pynamodb.models import Model

from watchlist import clock
from watchlist.history import segments
from watchlist.history.pseudonyms import Pseudonyms, hash_of
from watchlist.jobs import waiting
from watchlist.states import Share
from watchlist.storage.failures import is_refused
from watchlist.storage.records import (
    ActivityItem,
    AlertRecord,
    Channel,
    Digest,
    Entry,
    ErasedAuthor,
    GivenAnswer,
    HealthRecord,
    Item,
    LiveConnection,
    OpenConnections,
    OwnShare,
    SegmentRecord,
    Sending,
    SharedAddress,
    Subscription,
    Turn,
    Usage,
    UserEntry,
    UserSubscription,
    WatchlistItem,
    user_hash,
)
from watchlist.watching import user_entries
from watchlist.watching.user_entries import UserEntryNotFoundError

_SECRETS = frozenset({"webhook_secret", "secret", "leave_token"})
"""Of notification settings and channels: what proves who calls is of no use to whoever reads what is kept of them."""


def kept_of_user(user: str) -> dict[str, list[dict[str, Any]]]:
    """Return all that is kept of a user: what they watch and chose, their alerts, and what was counted of them."""
    watches = list(UserEntry.by_user.query(user))
    return {
        "watches": [_shown(watch) for watch in watches],
        "alerts": [_shown(alert) for alert in _alerts(user)],
        "digests": [_shown(digest) for watch in watches for digest in _digests(watch)],
        "channels": [_shown(item) for item in _channels(user)],
        "shared": [_shown(item) for item in _shares(user)],
        "answers": [_shown(item) for item in _answers(user)],
        "counted": [_shown(item) for item in WatchlistItem.query(Usage.pk_of(user))],
    }


def erase_user(user: str, at: datetime) -> int:
    """Erase all that is kept of a user; return how many items that were. It can be called again where it broke off.

    With the last watcher goes the repository with its data, as when somebody stops watching.
    """
    watches = list(UserEntry.by_user.query(user))
    number = sum(_delete(_connection(each)) for each in _connections(user, watches))
    for watch in watches:
        number += _delete(_digests(watch)) + 1
        with contextlib.suppress(UserEntryNotFoundError):
            user_entries.stop_watching(watch, at)
    for tasks in Share:
        if Turn.last_served(tasks) == user_hash(user):
            Turn.remember(tasks, waiting.NO_LANE)
    number += _delete(_alerts(user)) + _delete(_channels(user)) + _delete(_answers(user))
    for share in _shares(user):
        number += _delete([SharedAddress(SharedAddress.pk_of(share.sk), SharedAddress.SK), share])
    return number + _delete(WatchlistItem.query(Usage.pk_of(user))) + _delete(WatchlistItem.query(Sending.pk_of(user)))


def erase_author(address: str, known_names: Iterable[str] = ()) -> int:
    """Keep a pseudonym in place of an author's name and address, wherever they are kept; return how many items changed.

    By which names the author goes is read from commits and analyses of each repository. An alert outlives commits that
    a new history has replaced: names that only it has are among `known_names`, and are looked for everywhere.

    What jobs bring from now on has the pseudonym from the start. A job that was under way may still write the name:
    called again when it has ended, this finds it. When nothing is found all is erased.
    """
    ErasedAuthor(ErasedAuthor.PK, hash_of(address)).save()
    pseudonyms = Pseudonyms(frozenset({hash_of(address)}))
    everywhere = frozenset(known_names)
    names: dict[str, set[str]] = defaultdict(lambda: set(everywhere))
    number = sum(_erase_from_segment(record, pseudonyms, names) for record in SegmentRecord.scan())
    for health in HealthRecord.scan():  # a `.mailmap` may have another name than the commits
        for part in (health.document, health.identities, health.renames):
            names[health.pk] |= pseudonyms.names_beside(part)
    for record in ActivityItem.scan():
        known = names[getattr(record, "watchlist_id", None) or record.pk]
        if isinstance(record, AlertRecord):
            number += _rewrite(record, ("alert",), pseudonyms, known, address)
        elif isinstance(record, HealthRecord):
            number += _rewrite(record, ("document", "identities", "renames"), pseudonyms, known, address)
    for entry in Entry.scan():
        known = names[entry.pk]
        number += _rewrite(entry, ("last_commits", "summary", "package", "manifest"), pseudonyms, known, address)
    return number


def _erase_from_segment(record: SegmentRecord, pseudonyms: Pseudonyms, names: Mapping[str, set[str]]) -> bool:
    """Rewrite what lists show of the segment's commits; note by which names the author was known."""
    kept, _ = segments.unpack_listed(record.listed)
    for commit in (each.commit for each in kept):
        names[record.pk].update(
            signature.name for signature in (commit.author, commit.committer) if pseudonyms.hide(signature.email)
        )
    erased = [replace(each, commit=pseudonyms.of_commit(each.commit)) for each in kept]
    if erased == kept:
        return False
    with _unless_refused():
        record.update([SegmentRecord.listed.set(segments.pack_listed(erased))], condition=SegmentRecord.pk.exists())
    return True


def _rewrite(record: Item, attributes: Iterable[str], pseudonyms: Pseudonyms, names: set[str], address: str) -> bool:
    actions = []
    for name in attributes:
        value = getattr(record, name)
        erased = pseudonyms.in_json(value, names, address)
        if erased != value:
            actions.append(getattr(type(record), name).set(erased))
    if actions:
        with _unless_refused():
            record.update(actions, condition=type(record).pk.exists())
    return bool(actions)


def _alerts(user: str) -> list[AlertRecord]:
    return list(AlertRecord.by_user_alerts.query(user_hash(user)))


def _channels(user: str) -> list[WatchlistItem]:
    """Return a user's channels, and the digest that waits for them."""
    digest = WatchlistItem.query(Digest.pk_of(Digest.of_user(user)))
    return [*Channel.query(Channel.pk_of(user_hash(user))), *digest]


def _shares(user: str) -> list[OwnShare]:
    return list(OwnShare.query(OwnShare.pk_of(user)))


def _answers(user: str) -> list[GivenAnswer]:
    """Return what was answered to a user's adds, and to batches of operators in which the user is named."""
    by_operators = GivenAnswer.given_to("")
    return [*GivenAnswer.given_to(user), *(each for each in by_operators if user_hash(user) in (each.data or ""))]


def _digests(watch: UserEntry) -> list[WatchlistItem]:
    return list(WatchlistItem.query(Digest.pk_of(watch.user_watchlist_id)))


def _connections(user: str, watches: Iterable[UserEntry]) -> set[str]:
    """Return the ids of a user's connections, and of those through which an operator looks at what is the user's."""
    own = OpenConnections.query(Usage.pk_of(user))
    of_all = UserSubscription.query(
        UserSubscription.PK, UserSubscription.sk.startswith(UserSubscription.sk_of(user, ""))
    )
    of_one = (each for watch in watches for each in Subscription.query(Subscription.pk_of(watch.watchlist_id)))
    return {
        *(connection_id for item in own for connection_id in item.ids or ()),
        *(str(each.connection_id) for each in of_all),
        *(str(each.connection_id) for each in of_one if each.user == user),
    }


def _connection(connection_id: str) -> list[WatchlistItem]:
    noted = list(LiveConnection.query(LiveConnection.pk_of(connection_id)))
    watched = [
        Subscription(Subscription.pk_of(each.watchlist_id), connection_id)
        if each.watchlist_id
        else UserSubscription(UserSubscription.PK, UserSubscription.sk_of(each.user, connection_id))
        for each in noted
    ]
    return [*noted, *watched]


def _delete(items: Iterable[Model]) -> int:
    number = 0
    for item in list(items):
        item.delete()
        number += 1
    return number


def _shown(item: Item) -> dict[str, Any]:
    """Return an item as JSON, without secrets."""
    plain = {name: _plain(value) for name, value in item.attribute_values.items() if name not in _SECRETS}
    notifications = plain.get("notifications")
    if isinstance(notifications, dict):
        plain["notifications"] = {name: value for name, value in notifications.items() if name not in _SECRETS}
    return plain


def _plain(value: Any) -> Any:  # noqa: ANN401 - of any attribute
    match value:
        case datetime():
            return clock.to_json(value)
        case set() | frozenset():
            return sorted(value)
        case _:
            return value


@contextlib.contextmanager
def _unless_refused() -> Iterator[None]:
    """Let pass that the item is gone, or another's, by now."""
    try:
        yield
    except UpdateError as error:
        if not is_refused(error):
            raise
