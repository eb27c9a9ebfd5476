"""Shows a user's WebSocket connections what happens to all that they watch: entries' states and alerts.

Each message names its `type`. A connection that is new is told that it is heard from now on: whoever reads the lists
after that misses nothing.
"""

from collections.abc import Sequence
from functools import partial

from functions.http.shapes.alerts import UserAlertAnswer
from functions.http.shapes.live import AlertMessage, ConnectedMessage, EntryMessage, LiveMessage
from functions.live.delivery import status_of
from functions.live.posting import Outcome, Post, Posting, Shown
from watchlist.health.verdict import Thresholds
from watchlist.live import connections as live_connections
from watchlist.storage.records import AlertRecord, Entry, UserSubscription, user_hash
from watchlist.watching.entries import EntryWithWatchers
from watchlist.watching.user_alerts import ListedAlert


class UserDelivery:
    """Posts to connections that show all of a user's."""

    def __init__(self, posting: Posting, thresholds: Thresholds) -> None:
        self._posting = posting
        self._thresholds = thresholds

    def greet(self, subscriptions: Sequence[UserSubscription]) -> list[Outcome]:
        """Tell new connections that they are heard from now on."""
        return self._posting.post_when_open(subscriptions, partial(_to_each, ConnectedMessage()))

    def publish(self, entry: Entry, subscriptions: Sequence[UserSubscription]) -> list[Outcome]:
        """Show an entry to those of the connections whose user watches it."""
        if entry.is_removed or not subscriptions:
            return []
        return self._posting.post(
            [
                post
                for each, watch in live_connections.watching(entry, subscriptions)
                for post in _to_each(
                    EntryMessage(entry=status_of(EntryWithWatchers(entry, (watch,)), self._thresholds)), [each]
                )
            ]
        )

    def publish_alert(
        self, record: AlertRecord, entry: Entry, subscriptions: Sequence[UserSubscription]
    ) -> list[Outcome]:
        """Show an alert to its user's connections."""
        shown = AlertMessage(alert=UserAlertAnswer.listed(ListedAlert(record, entry.repository)))
        return self._posting.post(_to_each(shown, of_user(record.user_hash, subscriptions)))


def of_user(hash_of_user: str, subscriptions: Sequence[UserSubscription]) -> list[UserSubscription]:
    """Return those of one user."""
    return [each for each in subscriptions if user_hash(each.user) == hash_of_user]


def _to_each(message: LiveMessage, subscriptions: Sequence[UserSubscription]) -> list[Post[UserSubscription]]:
    body = message.model_dump_json().encode()
    return [Post(each, Shown(body)) for each in subscriptions]
