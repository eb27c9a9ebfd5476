"""Lists in pages, and that no call grows with what there is."""

import re
from datetime import timedelta
from urllib.parse import quote

import pytest

from infra.operations import assumptions
from tests.integration.http.client import FLASK, Client
from tests.integration.http.stored import (
    NOW,
    commit,
    end_job,
    raise_alerts,
    store_commits,
    store_health,
    store_history,
    user_entry,
    write_watchlist,
)
from tests.integration.recording import Call, operations, read_units
from watchlist import clock, limits
from watchlist.alerts import store as alert_store
from watchlist.deployment import routes
from watchlist.deployment.routes import Route
from watchlist.states import EntryStatus
from watchlist.storage import cursors
from watchlist.storage.records import ENTRY_KEY, AlertRecord, Entry, UserEntry
from watchlist.watching.entries import user_watchlist_id_of

COMMITS = "/activity/watchlist/{}/commits?limit=7"


def write_user_entries(watchlist_id: str, users: range, notes: str = "") -> None:
    with UserEntry.batch_write() as batch:
        for number in users:
            batch.save(user_entry(watchlist_id, f"user{number:05}", NOW, notes or None))
    Entry(watchlist_id, ENTRY_KEY).update(actions=[Entry.watchers.set(len(users) + 1)])


def test_commits_are_paged_newest_first_without_gap_or_repetition(client: Client) -> None:
    watchlist_id = client.add()
    store_commits(watchlist_id, 21)

    pages = list(client.pages(COMMITS.format(watchlist_id)))

    assert [len(page) for page in pages] == [7, 7, 7]
    assert [item["sha"] for page in pages for item in page] == [f"{number:040x}" for number in range(21)]


def test_commits_since_a_moment_end_there_on_every_page(client: Client) -> None:
    watchlist_id = client.add()
    store_commits(watchlist_id, 21)
    since = quote((NOW - timedelta(minutes=9)).isoformat())

    pages = list(client.pages(f"{COMMITS.format(watchlist_id)}&since={since}"))

    assert [len(page) for page in pages] == [7, 3]


@pytest.mark.parametrize("author", ["Bob, the 2nd", "bob, the 2nd@example.org"])
def test_an_author_s_commits_are_found_by_name_or_email(client: Client, author: str) -> None:
    watchlist_id = client.add()
    store_history(watchlist_id, [commit(n, author="Bob, the 2nd" if n % 5 == 0 else "Ada") for n in range(40)])

    pages = list(client.pages(f"{COMMITS.format(watchlist_id)}&author={quote(author)}"))

    assert [int(item["sha"], 16) for page in pages for item in page] == list(range(0, 40, 5))


def test_a_rare_author_s_commits_are_looked_for_a_bounded_number_of_bytes_at_a_time(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SEGMENT_COMMITS", 10)
    monkeypatch.setattr(limits, "COMMITS_READ_BYTES", 4000)
    watchlist_id = client.add()
    store_history(watchlist_id, [commit(n, author="Bob" if n == 49 else "Ada") for n in range(50)])

    pages = list(client.pages(f"{COMMITS.format(watchlist_id)}&author=Bob"))

    assert 1 < len(pages) < 5
    assert [int(item["sha"], 16) for page in pages for item in page] == [49]


def test_a_page_of_long_messages_ends_before_it_is_too_large_for_an_answer(client: Client) -> None:
    watchlist_id = client.add()
    message = "\U0001f4a9" * limits.COMMIT_MESSAGE_CHARACTERS
    store_history(watchlist_id, [commit(number, message=message) for number in range(200)])

    pages = list(client.pages(f"/activity/watchlist/{watchlist_id}/commits?limit=200"))

    assert len(pages) > 1
    assert [int(item["sha"], 16) for page in pages for item in page] == list(range(200))
    assert max(12 * sum(len(item["message"]) for item in page) for page in pages) < 6_000_000


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("limit", "0"),
        ("limit", "201"),
        ("limit", "+1"),
        ("limit", "1_0"),
        ("limit", "1.0"),
        ("limit", "1,2"),
        ("since", "0"),
        ("since", "2026-01-31"),
        ("since", "0001-01-01T00:00:00%2B10:00"),
        ("since", "2026-02-30T00:00:00Z"),
        ("author", ""),
        ("cursor", "x"),
        ("cursor", "%F0%9F%92%A9"),
        ("cursor", cursors.encode("")),
        ("cursor", cursors.encode("a", "b")),
        ("cursor", cursors.encode("2026-01-31T12:00:00#\ud800")),
    ],
)
def test_a_parameter_out_of_range_is_named(client: Client, parameter: str, value: str) -> None:
    answer = client.commits(client.add(), f"?{parameter}={value}")

    assert (answer.status, answer.code) == (422, "invalid_fields")
    assert [error["field"] for error in answer.body["errors"]] == [parameter]


@pytest.mark.parametrize(
    "cursor", [cursors.encode("x"), cursors.encode("", ""), cursors.encode("2026-01-31T12:00:00#x"), "AAAA", "null"]
)
def test_a_cursor_of_another_list_is_refused_everywhere(client: Client, cursor: str) -> None:
    watchlist_id = client.add()
    mine = client.user_watchlist_id(watchlist_id)

    answers = [
        client.watchlist("ada", f"&cursor={cursor}"),
        client.alerts(mine, f"?cursor={cursor}"),
        client.commits(watchlist_id, f"?cursor={cursor}"),
    ]

    assert [(answer.status, answer.body["errors"][0]["field"]) for answer in answers] == [(422, "cursor")] * 3


def test_a_cursor_that_points_before_the_watch_began_is_refused(client: Client) -> None:
    mine = client.user_watchlist_id(client.add())
    forged = cursors.encode("1970-01-01T00:00:00.000000+0000", "alert_1")

    assert client.alerts(mine, f"?cursor={forged}").status == 422


def test_ten_thousand_watchers_change_nothing_for_who_polls(client: Client, calls: list[Call]) -> None:
    watchlist_id = client.add()
    end_job(watchlist_id, EntryStatus.READY)
    write_user_entries(watchlist_id, range(10_000))
    calls.clear()

    seen = client.status(watchlist_id)
    assert (seen.body["watchers"], len(seen.body["user_watchlists"])) == (10_001, limits.WATCHERS_SHOWN)
    assert operations(calls) == ["Query"]
    assert read_units(calls) == 1
    calls.clear()

    mine = client.of("user09999").status(watchlist_id).body["user_watchlists"]
    assert [entry["added_by"] for entry in mine] == ["user09999"]
    assert operations(calls) == ["BatchGetItem"]
    assert read_units(calls) == assumptions.READS_OF_REQUEST


def test_ten_thousand_watchers_change_nothing_for_who_joins_lists_and_leaves(client: Client, calls: list[Call]) -> None:
    watchlist_id = client.add()
    write_user_entries(watchlist_id, range(10_000))
    calls.clear()

    client.add(FLASK, "bob")
    assert operations(calls) == ["UpdateItem", "GetItem", "GetItem", "GetItem", "TransactWriteItems"]
    calls.clear()

    assert len(client.watchlist("bob").body["items"]) == 1
    assert operations(calls) == ["Query", "Query", "BatchGetItem"]
    calls.clear()

    assert client.stop_watching(user_watchlist_id_of(watchlist_id, "user00000")).status == 204
    assert operations(calls) == ["GetItem", "Query", "GetItem", "GetItem", "TransactWriteItems", "Query"]
    assert client.status(watchlist_id).body["watchers"] == 10_001


def test_alerts_of_one_moment_are_paged_without_gap_or_repetition(client: Client) -> None:
    watchlist_id = client.add()
    mine = client.user_watchlist_id(watchlist_id)
    ids = raise_alerts(mine, watchlist_id, 25)

    pages = list(client.pages(f"/activity/alerts/{mine}?limit=10"))

    assert [len(page) for page in pages] == [10, 10, 5]
    assert sorted(item["id"] for page in pages for item in page) == ids


def test_an_alert_is_stored_once_and_expires(client: Client) -> None:
    watchlist_id = client.add()
    mine = client.user_watchlist_id(watchlist_id)

    (alert_id,) = raise_alerts(mine, watchlist_id, 1, clock.now())
    raise_alerts(mine, watchlist_id, 1, clock.now() + timedelta(hours=1))

    (shown,) = client.alerts(mine).body["items"]
    kept = AlertRecord.get(alert_id, AlertRecord.SK)
    assert shown["id"] == alert_id
    assert abs(kept.expires_at - kept.raised_at - limits.ALERT_RETENTION) < timedelta(seconds=1)


def test_an_alert_is_acknowledged_and_resolved_once(client: Client) -> None:
    watchlist_id = client.add()
    mine = client.user_watchlist_id(watchlist_id)
    first, second = raise_alerts(mine, watchlist_id, 2)

    acknowledged = client.acknowledge(first).body
    resolved = client.resolve(first).body

    assert client.acknowledge(first).body == client.resolve(first).body == resolved
    assert (resolved["acknowledged_at"], acknowledged["resolved_at"]) == (acknowledged["acknowledged_at"], None)
    assert client.resolve(second).body["acknowledged_at"] is not None
    assert client.acknowledge("alert_0").code == client.resolve("alert_0").code == "not_found"


def test_alert_settings_are_replaced_as_a_whole(client: Client) -> None:
    mine = client.user_watchlist_id(client.add())
    client.change_alerts(mine, {"inactivity": {"days": 30}, "high_churn": {"enabled": False}})

    answer = client.change_alerts(mine, {"inactivity": {"days": 60}})

    assert (answer.status, answer.body["alerts"]) == (200, {"inactivity": {"days": 60}})
    refused = client.change_alerts(mine, {"inactivity": {"days": 0}, "unknown": {}})
    assert sorted(error["field"] for error in refused.body["errors"]) == ["inactivity.days", "unknown"]
    assert client.watchlist().body["items"][0]["alerts"] == {"inactivity": {"days": 60}}


def test_health_is_empty_before_the_first_analysis_and_has_a_bounded_history(client: Client) -> None:
    watchlist_id = client.add()
    assert client.health(watchlist_id).body["scorecard"] is None
    for day in range(limits.HEALTH_HISTORY_SHOWN + 3):
        store_health(watchlist_id, NOW - timedelta(days=day))

    health = client.health(watchlist_id).body

    assert (health["scorecard"]["score"], health["analyzed_at"]) == (None, clock.to_json(NOW))
    assert health["history_metrics"]["commits"] == 1
    assert len(health["history"]) == limits.HEALTH_HISTORY_SHOWN


def test_queues_show_what_waits(client: Client) -> None:
    client.add()

    queues = {queue["queue"]: queue for queue in client.get(routes.QUEUES.path).body["queues"]}

    assert queues["repository-setup"]["waiting"] == 1
    assert queues["commit-backfill"] == {
        "queue": "commit-backfill",
        "waiting": 0,
        "in_flight": 0,
        "delayed": 0,
        "dead_letters": 0,
        "oldest_seconds": None,
    }


def test_alerts_are_found_by_their_own_id_only(client: Client) -> None:
    assert client.alerts("user_1").status == 404
    with pytest.raises(alert_store.AlertNotFoundError):
        alert_store.find("x")


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("/activity/watchlist?user=ada&colour=red", "cursor, label, limit, sort, status, text, user, verdict"),
        ("/activity/queues?user=ada", "none"),
    ],
)
def test_an_unknown_parameter_is_refused_with_the_known_ones(client: Client, path: str, known: str) -> None:
    answer = client.get(path)

    assert (answer.status, answer.code) == (422, "invalid_fields")
    assert answer.body["errors"][0]["field"] in {"colour", "user"}
    assert answer.body["errors"][0]["message"].endswith(f"which has {known}")


@pytest.mark.parametrize("route", routes.ROUTES, ids=lambda route: route.key)
def test_no_route_takes_a_parameter_that_it_does_not_know(client: Client, route: Route) -> None:
    answer = client.call(route.method, re.sub(r"{\w+}", "x", route.path) + "?colour=red")

    assert (answer.status, answer.code) == (422, "invalid_fields")
    assert [error["field"] for error in answer.body["errors"]] == ["colour"]
    assert "which has " in answer.body["errors"][0]["message"]


@pytest.mark.parametrize("query", ["user=ada&user=bob", "user=ada&user=ada", "user=ada&user=", "user=ada&us%65r=bob"])
def test_a_parameter_that_stands_twice_is_refused(client: Client, query: str) -> None:
    answer = client.get(f"/activity/watchlist?{query}")

    assert (answer.status, answer.code) == (422, "invalid_fields")
    assert answer.body["errors"] == [{"field": "user", "message": "is given more than once"}]


@pytest.mark.parametrize(
    ("path", "looks_like"),
    [
        ("/activity/watchlist/user_1_watchlist_a_b_1/status", "a user's watch (`user_watchlist_id`)"),
        ("/activity/user-watchlist-alerts/watchlist_a_b_1", "an entry (`watchlist_id`)"),
        ("/activity/channels/alert_1", "an alert"),
        ("/activity/alerts/channel_1", "a channel"),
    ],
)
def test_an_id_of_another_kind_is_told_so(client: Client, path: str, looks_like: str) -> None:
    answer = client.get(path)

    assert answer.status == 404
    assert answer.body["detail"].endswith(f"It looks like the id of {looks_like}.")


def test_a_long_list_is_compressed_for_who_takes_that(client: Client) -> None:
    write_watchlist("ada", 20)

    plain = client.get("/activity/watchlist?user=ada")
    packed = client.get("/activity/watchlist?user=ada", headers={"accept-encoding": "gzip"})

    assert (plain.headers.get("content-encoding"), plain.headers["vary"]) == (None, "Accept-Encoding")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.body == plain.body
