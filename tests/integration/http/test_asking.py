"""What somebody can ask of the service: retry all that failed, look at a repository now."""

from collections import Counter
from datetime import timedelta

import pytest

from local_service.aws.faults import Fault
from tests.integration.aws import Aws
from tests.integration.http.client import CLICK, FLASK, Client
from tests.integration.http.stored import end_job
from tests.integration.jobs.harness import ControlledClock
from tests.integration.recording import Call, operations
from watchlist import clock as the_clock
from watchlist import limits
from watchlist.states import DueKind, EntryStatus
from watchlist.storage import batches
from watchlist.storage.records import ENTRY_KEY, Entry, user_hash
from watchlist.watching import entries
from watchlist.watching.allowances import Allowance, spend


def check_path(watchlist_id: str) -> str:
    return f"/activity/watchlist/{watchlist_id}/check"


def let_be_ready(watchlist_id: str) -> None:
    end_job(watchlist_id, EntryStatus.READY)
    now = the_clock.now()
    Entry(watchlist_id, ENTRY_KEY).update(
        actions=[
            Entry.due_kind.set(DueKind.CHECK),
            Entry.due_at.set(now + timedelta(hours=20)),
            Entry.checked_at.set(now - timedelta(hours=4)),
        ]
    )


def test_all_that_failed_is_retried_and_nothing_else(client: Client) -> None:
    failed, ready, other = client.add(FLASK), client.add(CLICK), client.add("pallets/jinja", user="bob")
    end_job(failed, EntryStatus.FAILED)
    end_job(ready, EntryStatus.READY)
    end_job(other, EntryStatus.FAILED)

    first = client.post("/activity/watchlist/retry-failed", {"user": "ada"})
    second = client.post("/activity/watchlist/retry-failed", {"user": "ada"})

    assert (first.status, first.body) == (202, {"retried": [failed]})
    assert second.body == {"retried": []}
    assert entries.find(failed).entry_status is EntryStatus.PROCESSING
    assert entries.find(other).entry_status is EntryStatus.FAILED


def test_finding_nothing_to_retry_takes_two_reads(client: Client, calls: list[Call]) -> None:
    client.add()
    calls.clear()

    client.post("/activity/watchlist/retry-failed", {"user": "ada"})

    assert operations(calls) == ["Query", "BatchGetItem"]


def test_what_failed_is_found_however_many_are_watched(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchlist.limits.WATCHLIST_LOOKED_AT", 2)
    oldest = client.add()
    end_job(oldest, EntryStatus.FAILED)
    for name in ("a", "b", "c", "d"):
        client.add(f"pallets/{name}")

    assert client.post("/activity/watchlist/retry-failed", {"user": "ada"}).body == {"retried": [oldest]}


def test_a_check_that_is_asked_for_is_due_at_once(client: Client) -> None:
    watchlist_id = client.add()
    let_be_ready(watchlist_id)

    answer = client.post(check_path(watchlist_id))

    entry = entries.find(watchlist_id)
    assert (answer.status, answer.body["watchlist_id"]) == (202, watchlist_id)
    assert entry.due_at == entry.check_requested_at <= the_clock.now()


def test_a_check_can_be_asked_for_again_after_a_while(client: Client, clock: ControlledClock) -> None:
    watchlist_id = client.add()
    let_be_ready(watchlist_id)
    client.post(check_path(watchlist_id))
    clock.advance(limits.CHECK_NOW_INTERVAL - timedelta(seconds=42))
    again = client.post(check_path(watchlist_id))
    clock.advance(timedelta(seconds=int(again.headers["retry-after"])))
    later = client.post(check_path(watchlist_id))

    assert (again.status, again.code) == (429, "checked_lately")
    assert 41 <= int(again.headers["retry-after"]) <= 42
    assert later.status == 202


@pytest.mark.parametrize("status", [EntryStatus.PROCESSING, EntryStatus.FAILED])
def test_what_is_not_ready_is_not_checked(client: Client, status: EntryStatus) -> None:
    watchlist_id = client.add()
    if status is EntryStatus.FAILED:
        end_job(watchlist_id, status)

    assert client.post(check_path(watchlist_id)).code == "not_ready"


def test_nobody_asks_for_another_s(client: Client) -> None:
    watchlist_id = client.add()
    let_be_ready(watchlist_id)
    bob = client.of("bob")

    assert bob.post(check_path(watchlist_id)).status == 404
    assert bob.post("/activity/watchlist/retry-failed", {"user": "ada"}).code == "not_yours"
    assert entries.find(watchlist_id).check_requested_at is None


def test_what_was_watched_last_is_retried_first_whatever_order_it_is_read_in(
    client: Client, clock: ControlledClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchlist.limits.RETRIED_AT_ONCE", 2)
    get = batches.get
    monkeypatch.setattr(batches, "get", lambda *asked, **how: reversed(list(get(*asked, **how))))
    ids = []
    for name in ("a", "b", "c"):
        ids.append(client.add(f"pallets/{name}"))
        end_job(ids[-1], EntryStatus.FAILED)
        clock.advance(timedelta(seconds=1))

    retried = client.post("/activity/watchlist/retry-failed", {"user": "ada"}).body["retried"]

    assert retried == [ids[2], ids[1]]


def test_retrying_all_spends_what_it_retries(client: Client) -> None:
    ada, most = client.of("ada"), limits.RETRIES_AN_HOUR
    spend("ada", Allowance.RETRIES, most - 1, most, the_clock.now())
    first = ada.add(FLASK)
    end_job(first, EntryStatus.FAILED)

    one = ada.post("/activity/watchlist/retry-failed", {"user": "ada"})
    none = ada.post("/activity/watchlist/retry-failed", {"user": "ada"})
    end_job(first, EntryStatus.FAILED)
    too_many = ada.post("/activity/watchlist/retry-failed", {"user": "ada"})

    assert (one.status, one.body) == (202, {"retried": [first]})
    assert (none.status, none.body) == (202, {"retried": []})
    assert (too_many.status, too_many.code) == (429, "limit_reached")


def test_what_a_user_retries_waits_in_their_lane(client: Client) -> None:
    watchlist_id = client.add(user="bob")
    client.add(user="ada")
    end_job(watchlist_id, EntryStatus.FAILED)

    client.of("ada").post("/activity/watchlist/retry-failed", {"user": "ada"})

    assert entries.find(watchlist_id).asked_by == user_hash("ada")


def test_many_are_retried_ten_messages_a_call(client: Client, calls: list[Call]) -> None:
    ids = {client.add(f"pallets/name{number}") for number in range(12)}
    for watchlist_id in ids:
        end_job(watchlist_id, EntryStatus.FAILED)
    calls.clear()

    retried = client.post("/activity/watchlist/retry-failed", {"user": "ada"}).body["retried"]

    assert set(retried) == ids
    assert Counter(operations(calls)) == {
        "Query": 1,
        "BatchGetItem": 1,
        "GetItem": 12,
        "UpdateItem": 12,
        "SendMessageBatch": 2,
    }


def test_what_cannot_be_queued_is_retried_all_the_same(client: Client, aws: Aws) -> None:
    watchlist_id = client.add()
    end_job(watchlist_id, EntryStatus.FAILED)
    aws.server.inject(Fault(service="sqs", operation="SendMessageBatch"))

    answer = client.post("/activity/watchlist/retry-failed", {"user": "ada"})

    assert (answer.status, answer.body["retried"]) == (202, [watchlist_id])
    assert aws.server.faults_used()[0] > 0
    assert entries.find(watchlist_id).entry_status is EntryStatus.PROCESSING
