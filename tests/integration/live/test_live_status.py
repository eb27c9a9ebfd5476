import contextlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest
from websockets.exceptions import ConnectionClosedOK, InvalidStatus
from websockets.sync.client import ClientConnection

from local_service.aws.faults import Fault
from tests import waiting
from tests.integration.live.conftest import (
    Live,
    WatchedRepository,
    make_repository,
    receive,
    receive_until,
)
from tests.waiting import SECONDS
from watchlist import clock, limits
from watchlist.errors import ErrorCode, JobError
from watchlist.jobs import protocol as job_protocol
from watchlist.live import connections as live_connections
from watchlist.live.connections import TooManyConnectionsError, Viewer
from watchlist.states import EntryStatus, Stage
from watchlist.storage.records import Entry


@pytest.fixture(autouse=True)
def _quiet(live: Live) -> Iterator[None]:
    yield
    live.aws.inject()
    live.before_open = lambda: None


def states_until_closed(connection: ClientConnection) -> list[dict[str, Any]]:
    states = []
    with contextlib.suppress(ConnectionClosedOK):
        while True:
            states.append(receive(connection))
    assert connection.close_code == 1000
    return states


def test_a_client_is_told_the_state_at_once_then_each_change_and_is_hung_up_on_when_it_is_final(
    live: Live, repository: WatchedRepository
) -> None:
    with live.connect(repository.watchlist_id) as connection:
        assert receive(connection)["progress"]["stage"] == Stage.QUEUED
        lease = repository.start()
        receive_until(connection, lambda state: state["attempt"] == 1)
        lease.report(Stage.CLONING, 0, None)
        receive_until(connection, lambda state: state["progress"]["stage"] == Stage.CLONING)
        lease.report(Stage.STORING_COMMITS, 3, 3)
        stored = {"stage": "storing_commits", "done": 3, "total": 3}
        receive_until(connection, lambda state: state["progress"] == stored)
        repository.complete()
        final = states_until_closed(connection)[-1]

    assert (final["status"], final["commits"]) == ("ready", 3)


def test_a_client_of_a_failed_entry_is_told_why_and_hung_up_on(live: Live, repository: WatchedRepository) -> None:
    lease = repository.start()
    lease.fail(JobError(ErrorCode.REPOSITORY_NOT_FOUND, "It is not there."), Stage.CLONING, clock.now())

    with live.connect(repository.watchlist_id) as connection:
        states = states_until_closed(connection)

    assert states[-1]["status"] == "failed"
    assert states[-1]["last_error"]["code"] == ErrorCode.REPOSITORY_NOT_FOUND


@pytest.mark.parametrize("user", [None, "grace@example.org", "nobody@example.org"])
def test_the_state_is_what_the_status_poll_answers(live: Live, repository: WatchedRepository, user: str | None) -> None:
    with live.connect(repository.watchlist_id, f"&user={user}" if user else "") as connection:
        state = receive(connection)

    assert state == live.status(repository.watchlist_id, {"user": user} if user else {})


def test_a_state_comes_although_the_subscription_is_seen_before_the_connection_is_open(
    live: Live, repository: WatchedRepository
) -> None:
    live.before_open = lambda: time.sleep(0.7)

    with live.connect(repository.watchlist_id) as connection:
        assert receive(connection)["status"] == "processing"

    assert len(repository.connections()) <= 1


def test_whatever_a_client_sends_is_answered_with_the_state(live: Live, repository: WatchedRepository) -> None:
    with live.connect(repository.watchlist_id) as connection:
        assert live.poller is not None
        first = receive(connection)
        live.poller.pause()
        connection.send("?")
        assert receive(connection) == first
        live.poller.resume()


@pytest.mark.parametrize(("watchlist_id", "status"), [("watchlist_none_1", 404), ("", 400)])
def test_a_connection_that_names_no_entry_is_refused(live: Live, watchlist_id: str, status: int) -> None:
    with pytest.raises(InvalidStatus) as refused:
        live.connect(watchlist_id)

    assert refused.value.response.status_code == status


def test_a_client_that_leaves_is_forgotten(live: Live, repository: WatchedRepository) -> None:
    with live.connect(repository.watchlist_id) as connection:
        receive(connection)
        (noted,) = repository.connections()

    repository.wait_for_connections(0)
    waiting.until("it is forgotten", lambda: live_connections.find(noted.connection_id) is None)


def test_a_connection_that_is_gone_is_forgotten_at_the_next_change(live: Live, repository: WatchedRepository) -> None:
    del live
    long_ago = clock.now() - limits.LIVE_OPENING - timedelta(seconds=1)
    live_connections.register("gone=", repository.watchlist_id, Viewer(), 1, long_ago)

    repository.start()

    repository.wait_for_connections(0)
    waiting.until("it is forgotten", lambda: live_connections.find("gone=") is None)


def test_a_connection_that_may_still_be_opening_is_kept(live: Live, repository: WatchedRepository) -> None:
    live_connections.register("opening=", repository.watchlist_id, Viewer(), 1, clock.now())

    with live.connect(repository.watchlist_id) as connection:
        receive(connection)
        repository.start()
        receive(connection)

    assert "opening=" in {each.connection_id for each in repository.connections()}


def test_an_expired_connection_is_not_posted_to(live: Live, repository: WatchedRepository) -> None:
    del live
    live_connections.register("old=", repository.watchlist_id, Viewer(), 1, clock.now() - limits.LIVE_CONNECTION)

    assert repository.connections() == []


def test_a_change_arrives_although_the_table_could_not_be_read_at_first(
    live: Live, repository: WatchedRepository
) -> None:
    with live.connect(repository.watchlist_id) as connection:
        receive(connection)
        live.aws.inject(Fault(service="dynamodb", operation="Query", caller="functions", times=4))
        repository.start()
        receive_until(connection, lambda state: state["attempt"] == 1)

    assert live.aws.faults_used() == (4,)


def test_the_end_of_a_job_that_was_started_anew_since_closes_nothing(live: Live, repository: WatchedRepository) -> None:
    assert live.poller is not None
    lease = repository.start()
    with live.connect(repository.watchlist_id) as connection:
        receive(connection)
        live.poller.pause()
        lease.fail(JobError(ErrorCode.REPOSITORY_NOT_FOUND, "It is not there."), Stage.CLONING, clock.now())
        failed = job_protocol.find_entry(repository.watchlist_id)
        assert failed is not None
        job_protocol.start_generation(failed, "again", "correlation", clock.now(), {})
        live.poller.resume()
        receive_until(connection, lambda state: state["progress"]["stage"] == Stage.QUEUED)
        connection.send("?")
        assert receive(connection)["status"] == "processing"


def test_a_removed_entry_is_shown_to_nobody_and_its_clients_are_hung_up_on(
    live: Live, repository: WatchedRepository
) -> None:
    with live.connect(repository.watchlist_id) as connection:
        receive(connection)
        repository.entry.update(actions=[Entry.status.set(EntryStatus.REMOVED)])
        assert "removed" not in {state["status"] for state in states_until_closed(connection)}


def test_everybody_who_watches_one_entry_is_served(live: Live) -> None:
    number = 60
    repository = make_repository()
    finals: list[str] = []
    connected = threading.Barrier(number + 1)

    def watch() -> None:
        with live.connect(repository.watchlist_id) as connection:
            receive(connection)
            connected.wait(SECONDS)
            finals.append(states_until_closed(connection)[-1]["status"])

    with ThreadPoolExecutor(number) as pool:
        watchers = [pool.submit(watch) for _ in range(number)]
        connected.wait(SECONDS)
        repository.start()
        repository.complete()
        for watcher in watchers:
            watcher.result(SECONDS)

    assert finals == ["ready"] * number


def test_what_api_gateway_says_of_a_connection_that_does_not_exist_is_gone(live: Live) -> None:
    management = boto3.client("apigatewaymanagementapi", endpoint_url=live.management_url, region_name="us-east-1")

    for call in (management.post_to_connection, management.get_connection, management.delete_connection):
        arguments = {"Data": b"x"} if call == management.post_to_connection else {}
        with pytest.raises(management.exceptions.GoneException):
            call(ConnectionId="none=", **arguments)


def test_a_message_beyond_api_gateway_s_limit_is_refused(live: Live, repository: WatchedRepository) -> None:
    management = boto3.client("apigatewaymanagementapi", endpoint_url=live.management_url, region_name="us-east-1")
    with live.connect(repository.watchlist_id) as connection:
        receive(connection)
        (noted,) = repository.connections()

        management.post_to_connection(ConnectionId=noted.connection_id, Data=b"x" * limits.LIVE_MESSAGE_BYTES)
        messages = iter(lambda: connection.recv(SECONDS), None)  # the state can come once more before it
        assert "x" * limits.LIVE_MESSAGE_BYTES in messages
        with pytest.raises(management.exceptions.PayloadTooLargeException):
            management.post_to_connection(ConnectionId=noted.connection_id, Data=b"x" * (limits.LIVE_MESSAGE_BYTES + 1))


def test_a_user_has_as_many_connections_as_the_settings_say(repository: WatchedRepository) -> None:
    user, other = f"{repository.watchlist_id}-ada", f"{repository.watchlist_id}-bob"
    for number in range(3):
        register(repository, user, number, most=3)

    with pytest.raises(TooManyConnectionsError):
        register(repository, user, 3, most=3)

    assert live_connections.find(connection_of(user, 3)) is None
    assert len(repository.connections()) == 3
    register(repository, other, 0, most=3)
    register(repository, None, 0, most=0)
    first = live_connections.find(connection_of(user, 0))
    assert first is not None
    live_connections.forget(first)
    register(repository, user, 3, most=3)


def test_a_connection_whose_end_nobody_told_of_does_not_count_for_ever(repository: WatchedRepository) -> None:
    user, now = f"{repository.watchlist_id}-ada", clock.now()
    register(repository, user, 0, most=2, at=now - limits.LIVE_CONNECTION)
    register(repository, user, 1, most=2, at=now)

    register(repository, user, 2, most=2, at=now)

    with pytest.raises(TooManyConnectionsError):
        register(repository, user, 3, most=2, at=now)


def test_connections_that_are_opened_at_once_together_stay_within_the_limit(repository: WatchedRepository) -> None:
    user = f"{repository.watchlist_id}-ada"

    def opens(number: int) -> bool:
        try:
            register(repository, user, number, most=4)
        except TooManyConnectionsError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(opens, range(16))) == 4
    assert len(repository.connections()) == 4


def connection_of(user: str | None, number: int) -> str:
    return f"{user}-{number}="


def register(
    repository: WatchedRepository, user: str | None, number: int, *, most: int, at: datetime | None = None
) -> None:
    viewer = Viewer(user, while_watching=user is not None)
    live_connections.register(connection_of(user, number), repository.watchlist_id, viewer, most, at or clock.now())
