"""One WebSocket shows all that a user watches, and the user's alerts; one of an entry stays open if asked."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import boto3
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from local_service.aws import embedded as embedded_aws
from local_service.functions.stream_poller import StreamPoller
from tests import waiting
from tests.alerts import files_changed
from tests.integration.live.conftest import (
    Live,
    WatchedRepository,
    make_repository,
    receive,
    receive_until,
)
from tests.waiting import SECONDS
from watchlist import clock
from watchlist.alerts import store as alert_store
from watchlist.deployment import functions as function_specs
from watchlist.deployment import stream_consumers
from watchlist.live import connections as live_connections
from watchlist.storage.records import ENTRY_KEY, Entry, UserEntry, UserSubscription
from watchlist.watching.entries import user_watchlist_id_of


@pytest.fixture
def user() -> str:
    return f"ada-{uuid4().hex}@example.org"


@pytest.fixture
def alerts_seen(live: Live) -> Iterator[None]:
    """The activity table's stream is read, too."""
    arguments: Any = embedded_aws.client_arguments(live.aws.url)
    poller = StreamPoller(
        boto3.client("dynamodbstreams", **arguments),
        live.activity_stream,
        stream_consumers.ALERT_DIGESTS,
        lambda event: live.invoke(function_specs.ALERT_COLLECTOR.name, event),
    )
    with poller:
        yield


def look(live: Live, user: str) -> ClientConnection:
    return connect(f"{live.url}/?user={user}", proxy=None)


def next_of(connection: ClientConnection, kind: str) -> dict[str, Any]:
    while True:
        message: dict[str, Any] = json.loads(connection.recv(SECONDS))
        if message["type"] == kind:
            return message


def next_started(connection: ClientConnection) -> dict[str, Any]:
    while True:
        entry: dict[str, Any] = next_of(connection, "entry")["entry"]
        if entry["attempt"] == 1:
            return entry


def subscription(connection_id: str, user: str) -> UserSubscription:
    return UserSubscription(
        UserSubscription.PK, UserSubscription.sk_of(user, connection_id), user=user, connection_id=connection_id
    )


def raise_alert(repository: WatchedRepository, user: str) -> str:
    alert = files_changed()
    alert_store.put(user_watchlist_id_of(repository.watchlist_id, user), repository.watchlist_id, alert, clock.now())
    return alert.id


def test_a_user_is_shown_every_repository_that_they_watch_and_no_other(live: Live, user: str) -> None:
    mine, other, also_mine = make_repository(user), make_repository("bob"), make_repository("bob", user)
    with look(live, user) as connection:
        next_of(connection, "connected")  # what was written a moment before may be seen before it
        for repository in (other, mine, also_mine):
            repository.start()
        seen = [next_started(connection) for _ in range(2)]
        shown = live.status(also_mine.watchlist_id, {"user": user})

    assert [entry["watchlist_id"] for entry in seen] == [mine.watchlist_id, also_mine.watchlist_id]
    assert seen[1] == shown
    assert [watch["added_by"] for watch in seen[1]["user_watchlists"]] == [user]


def test_a_user_s_connection_goes_on_after_ready_and_shows_another_verdict(live: Live, user: str) -> None:
    repository = make_repository(user)
    with look(live, user) as connection:
        next_of(connection, "connected")
        repository.start()
        repository.complete()
        ready = next_of(connection, "entry")
        while ready["entry"]["status"] != "ready":
            ready = next_of(connection, "entry")
        Entry(repository.watchlist_id, ENTRY_KEY).update(
            actions=[Entry.gone_since.set(clock.now()), Entry.check_failures.set(5)]
        )
        Entry(repository.watchlist_id, ENTRY_KEY).update(actions=[Entry.watchers.set(3)])
        later = next_of(connection, "entry")
        while later["entry"]["watchers"] != 3:
            later = next_of(connection, "entry")

    assert ready["entry"]["verdict"]["state"] == "unknown"


@pytest.mark.usefixtures("alerts_seen")
def test_an_alert_is_shown_when_it_is_raised_and_when_it_is_dealt_with(live: Live, user: str) -> None:
    repository = make_repository(user, "bob")
    with look(live, user) as connection:
        next_of(connection, "connected")
        raise_alert(repository, "bob")
        alert_id = raise_alert(repository, user)
        raised = next_of(connection, "alert")["alert"]
        alert_store.acknowledge(alert_store.find(alert_id), clock.now())
        seen = next_of(connection, "alert")["alert"]

    assert (raised["id"], raised["name"], raised["acknowledged_at"]) == (alert_id, "a/b", None)
    assert (seen["id"], seen["acknowledged_at"] is not None) == (alert_id, True)


def test_who_stops_watching_is_shown_the_repository_no_more(live: Live, user: str) -> None:
    left, kept = make_repository(user, "bob"), make_repository(user)
    with look(live, user) as connection:
        next_of(connection, "connected")
        UserEntry(left.watchlist_id, UserEntry.sk_of(user)).delete()
        left.start()
        kept.start()
        seen = next_started(connection)

    assert seen["watchlist_id"] == kept.watchlist_id


def test_whatever_a_user_s_client_sends_is_answered(live: Live, user: str) -> None:
    with look(live, user) as connection:
        next_of(connection, "connected")
        connection.send("?")
        assert next_of(connection, "connected") == {"type": "connected"}


def test_a_user_s_client_that_leaves_is_forgotten(live: Live, user: str) -> None:
    def open_ones() -> list[str]:
        return [each.user for each in live_connections.of_users(clock.now()) if each.user == user]

    with look(live, user) as connection:
        next_of(connection, "connected")
        assert open_ones() == [user]
    waiting.until("none is open", open_ones, lambda left: left == [])


def test_more_who_look_than_a_read_takes_are_told_apart(user: str, live: Live) -> None:
    del live
    repository = make_repository(user)
    looking = [subscription(f"c{number}", f"u{number}") for number in range(150)]
    looking.append(subscription("mine", user))

    ((found, watch),) = live_connections.watching(repository.entry, looking)

    assert (found.connection_id, watch.user) == ("mine", user)


@pytest.mark.parametrize(("query", "status"), [("", 400), ("?user=", 400), (f"?user={'a' * 600}", 400)])
def test_a_connection_that_names_nobody_is_refused(live: Live, query: str, status: int) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(f"{live.url}/{query}", proxy=None):
        pass

    assert refused.value.response.status_code == status


def test_an_entry_s_connection_stays_open_where_it_is_asked_to(live: Live, user: str) -> None:
    repository = make_repository(user)
    with live.connect(repository.watchlist_id, "&stays=true") as connection:
        receive(connection)
        repository.start()
        repository.complete()
        receive_until(connection, lambda state: state["status"] == "ready")
        Entry(repository.watchlist_id, ENTRY_KEY).update(actions=[Entry.watchers.set(9)])
        receive_until(connection, lambda state: state["watchers"] == 9)
    with pytest.raises(InvalidStatus), live.connect(repository.watchlist_id, "&stays=perhaps"):
        pass
