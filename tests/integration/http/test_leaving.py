"""Who stops watching, and what becomes of the repository."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from local_service.aws.faults import Fault
from tests.integration.aws import Aws
from tests.integration.http.client import FLASK, Client
from tests.integration.http.stored import (
    commit,
    end_job,
    hold,
    raise_alerts,
    store_commits,
    store_health,
    store_history,
)
from tests.integration.jobs.harness import ControlledClock
from watchlist import clock, limits
from watchlist.jobs import protocol as job_protocol
from watchlist.states import EntryStatus
from watchlist.storage.records import ActivityHeartbeat, ActivityItem, AlertRecord, Entry, WatchlistItem
from watchlist.watching import user_entries
from watchlist.watching.adding import Adding, Watch

PURGED_AFTER = limits.ID_REUSE_PAUSE + timedelta(seconds=1)


def left_of(watchlist_id: str) -> int:
    """Everything that is stored under the entry, and all alerts; the reconciler's heartbeat is neither."""
    activity = [item for item in ActivityItem.scan() if item.pk != ActivityHeartbeat.PK]
    return len([*WatchlistItem.query(watchlist_id), *activity])


def analysed(client: Client, commits: int = 30) -> str:
    watchlist_id = client.add()
    end_job(watchlist_id, EntryStatus.READY)
    store_commits(watchlist_id, commits)
    store_health(watchlist_id)
    return watchlist_id


def leave(client: Client, watchlist_id: str, user: str = "ada") -> int:
    return client.stop_watching(client.user_watchlist_id(watchlist_id, user)).status


def reconcile(client: Client, clock: ControlledClock) -> None:
    clock.advance(PURGED_AFTER)
    client.invoke("reconciler", {})


def test_the_last_watcher_takes_everything_along(client: Client, clock: ControlledClock) -> None:
    watchlist_id = analysed(client)
    mine = client.user_watchlist_id(watchlist_id)
    raise_alerts(mine, watchlist_id, 30)

    assert client.stop_watching(mine).status == 204

    assert client.status(watchlist_id).status == client.stop_watching(mine).status == client.alerts(mine).status == 404
    assert client.watchlist().body["items"] == []
    assert list(ActivityItem.scan()) == []
    reconcile(client, clock)
    assert left_of(watchlist_id) == 0


def test_another_watcher_keeps_the_repository_and_only_their_own_alerts(client: Client) -> None:
    watchlist_id = analysed(client)
    client.add(user="bob")
    ada, bob = (client.user_watchlist_id(watchlist_id, user) for user in ("ada", "bob"))
    raise_alerts(ada, watchlist_id, 5)
    AlertRecord("alert_bob", AlertRecord.SK, user_watchlist_id=bob, watchlist_id=watchlist_id, raised_at=clock.now(),
                alert={}).save()  # fmt: skip

    assert client.stop_watching(ada).status == 204

    assert client.status(watchlist_id).body["watchers"] == 1
    assert len(client.commits(watchlist_id).body["items"]) == 30
    alerts = [item for item in ActivityItem.scan() if isinstance(item, AlertRecord)]
    assert [record.user_watchlist_id for record in alerts] == [bob]


def test_who_adds_again_gets_a_new_entry_with_another_id(client: Client) -> None:
    ids = []
    for _ in range(4):
        ids.append(client.add())
        assert leave(client, ids[-1]) == 204

    assert len(set(ids)) == 4
    again = client.add()
    status = client.status(again).body
    assert (again in ids, status["status"], status["commits"], status["attempt"]) == (False, "processing", None, 0)


def test_who_watches_again_does_not_see_old_alerts(client: Client, clock: ControlledClock) -> None:
    watchlist_id = analysed(client)
    client.add(user="bob")
    ada = client.user_watchlist_id(watchlist_id, "ada")
    leave(client, watchlist_id, "ada")
    (late,) = raise_alerts(ada, watchlist_id, 1)  # by a refresh that had read the watchers before
    clock.advance(timedelta(seconds=2))

    client.add(user="ada")

    assert client.user_watchlist_id(watchlist_id, "ada") == ada
    assert client.alerts(ada).body["items"] == []
    assert client.get("/activity/alerts?user=ada").body["items"] == []
    assert client.acknowledge(late).status == 404


def test_a_running_job_is_fenced_out_and_its_data_removed_when_its_lease_has_ended(
    client: Client, clock: ControlledClock
) -> None:
    watchlist_id = client.add()
    hold(watchlist_id, clock.now() + timedelta(seconds=300))
    message = job_protocol.message_of(Entry.get(watchlist_id, "ENTRY"))

    assert leave(client, watchlist_id) == 204

    entry = job_protocol.find_entry(watchlist_id)
    assert entry is not None
    assert not entry.state.is_open
    assert entry.generation == message.generation + 1
    store_history(watchlist_id, [commit(1)])  # the task has not noticed yet
    reconcile(client, clock)
    assert left_of(watchlist_id) > 0
    clock.advance(timedelta(seconds=300))
    client.invoke("reconciler", {})
    assert left_of(watchlist_id) == 0


def test_a_removal_that_breaks_off_is_finished_by_the_reconciler(
    client: Client, aws: Aws, clock: ControlledClock
) -> None:
    watchlist_id = analysed(client)
    mine = client.user_watchlist_id(watchlist_id)

    aws.server.inject(Fault(service="dynamodb", operation="BatchWriteItem", status=500))
    broken = client.stop_watching(mine)
    with pytest.raises(ExceptionGroup):
        reconcile(client, clock)
    aws.server.inject()

    assert (broken.status, broken.code) == (503, "unavailable")
    assert client.status(watchlist_id).status == client.stop_watching(mine).status == 404
    assert left_of(watchlist_id) > 1
    client.invoke("reconciler", {})
    assert left_of(watchlist_id) == 0


def test_more_commits_than_a_first_backfill_are_removed_at_once(client: Client, clock: ControlledClock) -> None:
    watchlist_id = analysed(client, limits.HISTORY_COMMITS + 50)

    assert leave(client, watchlist_id) == 204

    assert list(ActivityItem.scan()) == []
    reconcile(client, clock)
    assert left_of(watchlist_id) == 0


def test_a_large_removal_goes_in_bounded_steps(
    client: Client, clock: ControlledClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SEGMENT_COMMITS", 10)
    monkeypatch.setattr(limits, "PURGED_ITEMS", 4)
    watchlist_id = analysed(client, 99)

    def left() -> Iterator[int]:
        assert leave(client, watchlist_id) == 204
        yield left_of(watchlist_id)
        clock.advance(PURGED_AFTER)
        for _ in range(2):
            client.invoke("reconciler", {})
            yield left_of(watchlist_id)

    assert list(left()) == [8, 4, 0]


def test_everybody_who_leaves_at_the_same_instant_leaves_nothing(client: Client, clock: ControlledClock) -> None:
    users = [f"user{number}" for number in range(6)]
    ids = {client.add(user=user) for user in users}
    (watchlist_id,) = ids
    mine = [client.user_watchlist_id(watchlist_id, user) for user in users]

    with ThreadPoolExecutor(len(users)) as pool:
        statuses = list(pool.map(_leave_as_a_process_of_its_own, mine))

    assert statuses == [True] * len(users)
    assert client.status(watchlist_id).status == 404
    reconcile(client, clock)
    assert left_of(watchlist_id) == 0


def test_who_joins_while_the_last_watcher_leaves_watches_something_that_is_there(client: Client) -> None:
    watchlist_id = client.add()
    ada = user_entries.find(client.user_watchlist_id(watchlist_id), None)
    queue = client.functions["add_repository"].queue()
    repository = Entry.get(watchlist_id, "ENTRY").repository

    def join(user: str) -> str:
        watch = Watch(repository, user, {}, None)
        return str(Adding(queue, "c", clock.now()).add(watch).entry.watchlist_id)

    with ThreadPoolExecutor(4) as pool:
        leaving = pool.submit(user_entries.stop_watching, ada, clock.now())
        joined = list(pool.map(join, ["bob", "cy", "di"]))
        leaving.result()

    assert len(set(joined)) <= 2
    for user, its_id in zip(["bob", "cy", "di"], joined, strict=True):
        assert [item["watchlist_id"] for item in client.watchlist(user).body["items"]] == [its_id]
    watchers = {its_id: client.status(its_id).body["watchers"] for its_id in set(joined)}
    assert watchers == {its_id: joined.count(its_id) for its_id in set(joined)}
    assert client.add(FLASK, "ed") in joined


def _leave_as_a_process_of_its_own(user_watchlist_id: str) -> bool:
    """Leave without the handler, which serves one request at a time."""
    user_entries.stop_watching(user_entries.find(user_watchlist_id, None), clock.now())
    return True
