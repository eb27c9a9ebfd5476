"""Shows entries' states to WebSocket connections: the status answer's JSON, and a normal close after a final one."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import partial

from functions.http.shapes.status import StatusAnswer
from functions.live.posting import Outcome, Post, Posting, Shown
from watchlist import clock, limits
from watchlist.health.verdict import Thresholds, verdict_of
from watchlist.live import connections as live_connections
from watchlist.states import EntryStatus
from watchlist.storage.records import Entry, Subscription
from watchlist.watching.entries import EntryWithWatchers

_CATCH_UPS = 3
"""How often a first state that was overtaken while it was posted is followed by a newer one."""


def is_final(entry: Entry | None) -> bool:
    """Whether nothing follows that a client would wait for."""
    return entry is None or entry.entry_status is not EntryStatus.PROCESSING


def shows_change(before: Entry | None, after: Entry | None, thresholds: Thresholds) -> bool:
    """Whether a person who polls could tell the two apart; leases, queues and the like are not shown."""
    return _visible(before, thresholds) != _visible(after, thresholds)


def status_of(watched: EntryWithWatchers, thresholds: Thresholds) -> StatusAnswer:
    """Return what the status poll answers now."""
    return StatusAnswer.of(watched, verdict_of(watched.entry, thresholds, clock.now()), limits.MAX_ATTEMPTS)


class Delivery:
    """Posts states to connections of single entries."""

    def __init__(self, posting: Posting, thresholds: Thresholds) -> None:
        self._posting = posting
        self._thresholds = thresholds

    def shows_change(self, before: Entry | None, after: Entry | None) -> bool:
        """Whether a person who polls could tell the two apart; leases, queues and the like are not shown."""
        return shows_change(before, after, self._thresholds)

    def publish(self, entry: Entry) -> list[Outcome]:
        """Show an entry to everybody who watches it live."""
        return [
            outcome
            for page in live_connections.pages(entry.watchlist_id, clock.now())
            for outcome in self.deliver(entry, page)
        ]

    def greet(self, subscriptions: Sequence[Subscription]) -> list[Outcome]:
        """Show new connections their entries as they are now.

        A connection can be noted and not open yet; it is tried again for about two seconds. A change that the
        publisher posted to it meanwhile, read later but posted earlier than the state here, is posted once more.
        """
        outcomes: list[Outcome] = []
        states = _read({each.watchlist_id for each in subscriptions})
        behind = list(subscriptions)
        for _ in range(_CATCH_UPS):
            outcomes += self._posting.post_when_open(behind, partial(self._posts, states))
            latest = _read({each.watchlist_id for each in behind})
            behind = [
                each
                for each in behind
                if self.shows_change(states.get(each.watchlist_id), latest.get(each.watchlist_id))
            ]
            if not behind:
                break
            states = latest
        return outcomes

    def deliver(self, entry: Entry | None, subscriptions: Sequence[Subscription]) -> list[Outcome]:
        """Show one state to these connections of its entry; returns the outcomes in their order."""
        return self._posting.post(self._posts({each.watchlist_id: entry for each in subscriptions}, subscriptions))

    def _posts(
        self, states: Mapping[str, Entry | None], subscriptions: Sequence[Subscription]
    ) -> list[Post[Subscription]]:
        """Return what each connection is shown."""
        users = defaultdict(set)
        for subscription in subscriptions:
            users[subscription.watchlist_id].add(subscription.user)
        for_users = {
            (watchlist_id, user): shown
            for watchlist_id, of_entry in users.items()
            if (entry := states[watchlist_id]) is not None and not entry.is_removed
            for user, shown in live_connections.shown_to(entry, of_entry).items()
        }
        messages = {
            key: status_of(shown, self._thresholds).model_dump_json().encode() for key, shown in for_users.items()
        }

        def shown_to(subscription: Subscription) -> Shown:
            key = (subscription.watchlist_id, subscription.user)
            shown = for_users.get(key)
            if shown is None or (subscription.while_watching and not shown.user_entries):
                return _NOTHING_MORE
            return Shown(messages[key], is_last=is_final(shown.entry) and not subscription.stays)

        return [Post(subscription, shown_to(subscription)) for subscription in subscriptions]


def _visible(entry: Entry | None, thresholds: Thresholds) -> StatusAnswer | None:
    if entry is None or entry.is_removed:
        return None
    return status_of(EntryWithWatchers(entry, ()), thresholds)


def _read(watchlist_ids: Collection[str]) -> dict[str, Entry | None]:
    return {**dict.fromkeys(watchlist_ids), **live_connections.read_entries(watchlist_ids)}


_NOTHING_MORE = Shown(None, is_last=True)
"""Of an entry that is gone, or that its watcher has stopped watching."""
