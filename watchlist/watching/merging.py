"""Two entries of one repository become one: the watchers of the one that had a former name are moved to the other.

`watchlist.watching.names` decides it, in one transaction: from then on every name leads to the other entry, and the one
has neither jobs nor checks. Each of its watchers is moved in a transaction of their own, and sees it as it was until
then. With the last of them it is removed, and its id leads to the other one. Whoever breaks off loses nothing: those
who are still there are moved by the next one.
"""

import contextlib
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from pynamodb.exceptions import DeleteError
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from watchlist import limits
from watchlist.alerts import store as alert_store
from watchlist.alerts.store import AlertNotFoundError
from watchlist.errors import ServiceUnavailableError
from watchlist.jobs import protocol as job_protocol
from watchlist.states import DueKind
from watchlist.storage import updates
from watchlist.storage.failures import is_refused
from watchlist.storage.records import ENTRY_KEY, USER_PREFIX, AlertRecord, Digest, Entry, UserEntry
from watchlist.storage.transactions import retried, transaction
from watchlist.watching import names, user_entries
from watchlist.watching.allowances import release

_PAGE = 100
"""Watchers that are read at once."""


def go_on(watchlist_id: str, now: datetime, has_time: Callable[[], bool]) -> int:
    """Move watchers of an entry that is to be merged, as long as there is time; return how many were moved.

    If the other entry has gone meanwhile, this one has its name again and is left alone.
    """
    its_turn = [Entry.due_at.set(now)]  # behind the others that are due, should this break off
    if not updates.update(Entry(watchlist_id, ENTRY_KEY), its_turn, Entry.due_kind == DueKind.MERGE):
        return 0
    number = 0
    watching = UserEntry.sk.startswith(USER_PREFIX)
    most = limits.WATCHERS_MOVED_AT_ONCE
    for watch in UserEntry.query(watchlist_id, watching, consistent_read=True, limit=most, page_size=_PAGE):
        if not has_time():
            break
        # Whoever others change again and again has their turn in the next run.
        with contextlib.suppress(ServiceUnavailableError):
            number += retried(partial(_move, watchlist_id, watch.sk, now))
    return number


def _move(watchlist_id: str, sk: str, now: datetime, _: int) -> bool:
    """Move one watcher; False if there is nothing to move, or nowhere to."""
    source, watch = job_protocol.find_entry(watchlist_id), user_entries.find_at(watchlist_id, sk)
    if source is None or not source.is_merged or watch is None:
        return False
    target = names.survivor_of(source)
    if target is None:
        names.lead_again(source, now)
        return False
    known = user_entries.find_at(target.watchlist_id, sk)
    present = _moved(watch, target) if known is None else _united(known, watch)
    alerts = _alerts([watch] if known is None else [watch, known], present, now)
    for record, actions in alerts[limits.ALERTS_MOVED_ALONG :]:
        with contextlib.suppress(AlertNotFoundError):  # it has expired since it was read
            alert_store.change(record.pk, *actions)
    with transaction() as writes:
        user_entries.leave(writes, watch, source, now, user_entries.is_as_read(watch))
        if known is None:
            _arrive(writes, present, target)
        else:
            writes.save(present, condition=user_entries.is_as_read(known))
        for record, actions in alerts[: limits.ALERTS_MOVED_ALONG]:
            writes.update(AlertRecord(record.pk, record.sk), actions=actions, condition=AlertRecord.pk.exists())
    if known is not None:
        release(watch.user, 1)
        left = watch if present.user_watchlist_id == known.user_watchlist_id else known
        _forget_digest(left.user_watchlist_id)
    return True


def _forget_digest(of: str) -> None:
    """Delete the digest of an id that is in use no more, unless alerts wait in it: it expires when they are told."""
    try:
        Digest(Digest.pk_of(of), Digest.SK).delete(condition=Digest.alert_ids.does_not_exist())
    except DeleteError as error:
        if not is_refused(error):
            raise


def _arrive(writes: TransactWrite, present: UserEntry, target: Entry) -> None:
    writes.save(present, condition=UserEntry.pk.does_not_exist())
    stays = (Entry.watchers >= 1) & Entry.merged_into.does_not_exist()
    writes.update(Entry(target.pk, ENTRY_KEY), actions=[Entry.watchers.add(1)], condition=stays)


def _moved(watch: UserEntry, target: Entry) -> UserEntry:
    """Return the user entry as one of another entry. It keeps its id, so that its alerts keep theirs."""
    here = {"pk": target.pk, "watchlist_id": target.watchlist_id}
    return UserEntry(**watch.attribute_values | here)


def _united(known: UserEntry, watch: UserEntry) -> UserEntry:
    """Return the one user entry of a user who has watched both: the choices of `known`, with what it never chose.

    It has the id of the older one, and with it the alerts of both.
    """
    older = min(known, watch, key=lambda each: each.added_at)
    choices = known if known.notifications is not None else watch
    return UserEntry(
        known.pk,
        known.sk,
        watchlist_id=known.watchlist_id,
        user_watchlist_id=older.user_watchlist_id,
        user=known.user,
        added_order=older.added_order,
        added_at=older.added_at,
        notes=_both_notes(known.notes, watch.notes),
        labels=list(dict.fromkeys([*(known.labels or ()), *(watch.labels or ())]))[: limits.LABELS] or None,
        alerts=known.alerts or watch.alerts,
        notifications=choices.notifications,
        last_delivery=choices.last_delivery,
    )


def _both_notes(first: str | None, second: str | None) -> str | None:
    """Return both texts if there is room for them, else the first one that there is."""
    texts = list(dict.fromkeys(text for text in (first, second) if text))
    both = "\n".join(texts)
    return both if 0 < len(both) <= limits.NOTES_CHARACTERS else next(iter(texts), None)


def _alerts(watches: Sequence[UserEntry], present: UserEntry, now: datetime) -> list[tuple[AlertRecord, list[Action]]]:
    """Return how alerts of these user entries become the present one's, newest first.

    What two of them tell of the same event is open but once.
    """
    records = [record for watch in watches for record in alert_store.all_of(watch.user_watchlist_id)]
    told = {_event_of(record) for record in records if record.user_watchlist_id == present.user_watchlist_id}
    changes = []
    for record in sorted(records, key=lambda record: record.raised_at, reverse=True):
        actions: list[Action] = []
        is_of_other = record.user_watchlist_id != present.user_watchlist_id
        if is_of_other or record.watchlist_id != present.watchlist_id:
            actions += alert_store.moved(present.watchlist_id, present.user_watchlist_id)
        if is_of_other and not record.resolved_at and _event_of(record) in told:
            actions += alert_store.resolved(record, now)
        if actions:
            changes.append((record, actions))
    return changes


def _event_of(record: AlertRecord) -> str:
    return json.dumps({name: value for name, value in record.alert.items() if name != "id"}, sort_keys=True)
