"""All alerts of a user in one list."""

from collections import Counter
from datetime import timedelta

import pytest

from tests.integration.http.client import CLICK, FLASK, Client
from tests.integration.http.stored import alert, raise_alerts
from tests.integration.recording import Call, operations
from watchlist import clock
from watchlist.alerts import store as alert_store
from watchlist.alerts.kind import AlertLevel
from watchlist.alerts.settings import AlertKind
from watchlist.storage.records import AlertRecord

PATH = "/activity/alerts?user=ada"


def raise_one(client: Client, watchlist_id: str, number: int, **changes: object) -> str:
    """Raise an alert, each a minute after the one with the next higher number."""
    at = clock.now() + timedelta(minutes=100 - number)
    raised = alert(number).model_copy(update=changes)
    alert_store.put(client.user_watchlist_id(watchlist_id), watchlist_id, raised, at)
    return raised.id


def test_alerts_of_all_repositories_are_in_one_list_the_open_ones_first(client: Client) -> None:
    flask, click = client.add(FLASK), client.add(CLICK)
    newest, middle, oldest = raise_one(client, flask, 1), raise_one(client, click, 2), raise_one(client, flask, 3)
    client.resolve(newest)

    items = client.get(PATH).body["items"]

    assert [item["id"] for item in items] == [middle, oldest, newest]
    assert [item["name"] for item in items] == ["pallets/click", "pallets/flask", "pallets/flask"]


def test_an_alert_links_to_its_commit_and_says_why(client: Client) -> None:
    raise_one(client, client.add(), 1, commit_sha="1" * 40)

    (item,) = client.get(PATH).body["items"]

    assert item["link"] == f"{FLASK}/commit/{'1' * 40}"
    assert item["message"] == "Ada changed 412 files."


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("&state=open", [1, 3]),
        ("&state=resolved", [2]),
        ("&level=critical", [1]),
        ("&kind=inactivity", [3]),
        ("&level=critical&kind=inactivity", []),
    ],
)
def test_alerts_are_filtered(client: Client, query: str, numbers: list[int]) -> None:
    watchlist_id = client.add()
    ids = {
        1: raise_one(client, watchlist_id, 1, level=AlertLevel.CRITICAL),
        2: raise_one(client, watchlist_id, 2),
        3: raise_one(client, watchlist_id, 3, kind=AlertKind.INACTIVITY),
    }
    client.resolve(ids[2])

    items = client.get(PATH + query).body["items"]

    assert [item["id"] for item in items] == [ids[number] for number in numbers]


def test_alerts_of_one_repository_and_of_a_time_are_found(client: Client) -> None:
    flask, click = client.add(FLASK), client.add(CLICK)
    raise_one(client, flask, 1)
    wanted = raise_one(client, click, 2)
    at = clock.to_json(clock.now() + timedelta(minutes=98.5))

    assert [each["id"] for each in client.get(f"{PATH}&watchlist_id={click}").body["items"]] == [wanted]
    assert len(client.get(f"{PATH}&since={at}").body["items"]) == 1
    assert len(client.get(f"{PATH}&state=open&since={at}").body["items"]) == 1
    assert len(client.get(f"{PATH}&until={at}").body["items"]) == 1


@pytest.mark.parametrize("state", ["", "&state=open"])
def test_a_time_begins_with_its_first_moment_and_ends_before_its_last(client: Client, state: str) -> None:
    watchlist_id = client.add()
    raised = raise_one(client, watchlist_id, 1)
    at = clock.to_json(alert_store.find(raised).raised_at)

    assert [each["id"] for each in client.get(f"{PATH}{state}&since={at}").body["items"]] == [raised]
    assert client.get(f"{PATH}{state}&until={at}").body["items"] == []


def test_an_alert_of_a_check_links_to_what_the_check_means(client: Client) -> None:
    raise_one(client, client.add(), 1, check="Branch-Protection")

    (shown,) = client.get(PATH).body["items"]

    assert shown["link"] == "https://github.com/ossf/scorecard/blob/main/docs/checks.md#branch-protection"


@pytest.mark.parametrize("query", ["", "&state=open", "&level=mild"])
def test_a_long_list_has_each_alert_on_one_page(client: Client, query: str) -> None:
    watchlist_id = client.add()
    ids = [raise_one(client, watchlist_id, number) for number in range(17)]

    found = [each["id"] for page in client.pages(f"{PATH}&limit=5{query}") for each in page]

    assert found == ids


def test_a_cursor_of_the_resolved_ones_is_none_of_the_open_ones(client: Client) -> None:
    watchlist_id = client.add()
    for number in range(3):
        raise_one(client, watchlist_id, number)
    cursor = client.get(f"{PATH}&state=open&limit=2").body["next_cursor"]

    assert client.get(f"{PATH}&state=resolved&cursor={cursor}").status == 422


def test_a_page_takes_two_calls(client: Client, calls: list[Call]) -> None:
    for number, url in enumerate((FLASK, CLICK)):
        raise_one(client, client.add(url), number)
    calls.clear()

    assert len(client.get(PATH).body["items"]) == 2
    assert operations(calls) == ["Query", "BatchGetItem"]


def test_alerts_of_a_watch_that_ended_are_gone(client: Client) -> None:
    watchlist_id = client.add()
    client.add(user="bob")
    raise_one(client, watchlist_id, 1)
    client.stop_watching(client.user_watchlist_id(watchlist_id))

    assert client.get(PATH).body["items"] == []


def test_many_are_acknowledged_and_resolved_at_once(client: Client) -> None:
    watchlist_id = client.add()
    ids = [raise_one(client, watchlist_id, number) for number in range(3)]

    seen = client.post("/activity/alerts/acknowledge", {"ids": ids[:2]})
    done = client.post("/activity/alerts/resolve", {"ids": [ids[1], "alert_no", ids[1]]})
    items = {item["id"]: item for item in client.get(PATH).body["items"]}

    assert seen.body == {"changed": ids[:2], "not_found": []}
    assert done.body == {"changed": [ids[1]], "not_found": ["alert_no"]}
    assert [items[each]["acknowledged_at"] is not None for each in ids] == [True, True, False]
    assert [items[each]["resolved_at"] is not None for each in ids] == [False, True, False]


def test_doing_it_again_changes_nothing(client: Client) -> None:
    ids = [raise_one(client, client.add(), 1)]
    client.post("/activity/alerts/resolve", {"ids": ids})
    (before,) = client.get(PATH).body["items"]

    assert client.post("/activity/alerts/resolve", {"ids": ids}).body["changed"] == ids
    assert client.get(PATH).body["items"] == [before]


def test_nobody_sees_or_changes_another_s_alerts(client: Client) -> None:
    watchlist_id = client.add()
    client.add(user="bob")
    ids = [raise_one(client, watchlist_id, 1)]
    bob = client.of("bob")

    assert bob.get(PATH).code == "not_yours"
    assert bob.get("/activity/alerts?user=bob").body["items"] == []
    for verb in ("acknowledge", "resolve"):
        assert bob.post(f"/activity/alerts/{verb}", {"ids": ids}).body == {"changed": [], "not_found": ids}
    assert Counter(item["acknowledged_at"] for item in client.get(PATH).body["items"]) == Counter([None])


@pytest.mark.parametrize("body", [{"ids": []}, {"ids": ["a"] * 101}, {"ids": [3]}, {}])
def test_a_list_that_is_none_is_refused(client: Client, body: object) -> None:
    assert client.post("/activity/alerts/resolve", body).status == 422


@pytest.mark.parametrize("ids", [["alert_1", ""], [""]])
def test_an_empty_id_is_refused(client: Client, ids: list[str]) -> None:
    assert client.post("/activity/alerts/acknowledge", {"ids": ids}).status == 422


@pytest.mark.parametrize("state", ["", "&state=open", "&state=resolved"])
def test_a_time_that_ends_before_it_begins_has_no_alerts(client: Client, state: str) -> None:
    raise_one(client, client.add(), 1)

    answer = client.get(f"{PATH}{state}&since=2027-01-01T00:00:00Z&until=2020-01-01T00:00:00Z")

    assert (answer.status, answer.body) == (200, {"items": [], "next_cursor": None})


@pytest.mark.parametrize("verb", ["acknowledge", "resolve"])
def test_an_alert_that_goes_meanwhile_is_not_found_and_the_others_are_changed(
    client: Client, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    watchlist_id = client.add()
    ids = [raise_one(client, watchlist_id, number) for number in range(3)]
    find_all = alert_store.find_all

    def one_goes(asked: list[str]) -> list[AlertRecord]:
        found = find_all(asked)
        AlertRecord(ids[1], AlertRecord.SK).delete()
        return found

    monkeypatch.setattr(alert_store, "find_all", one_goes)

    answer = client.post(f"/activity/alerts/{verb}", {"ids": ids})

    assert (answer.status, answer.body) == (200, {"changed": [ids[0], ids[2]], "not_found": [ids[1]]})


def test_of_a_hundred_alerts_each_that_changes_takes_one_write(client: Client, calls: list[Call]) -> None:
    watchlist_id = client.add()
    raised = raise_alerts(client.user_watchlist_id(watchlist_id), watchlist_id, 100)
    client.post("/activity/alerts/resolve", {"ids": raised[:40]})
    calls.clear()

    answer = client.of("ada").post("/activity/alerts/resolve", {"ids": raised})

    assert len(answer.body["changed"]) == 100
    assert Counter(operations(calls)) == {"BatchGetItem": 2, "UpdateItem": 60}


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_rare_alerts_are_found_among_many_however_few_a_page_looks_at(
    client: Client, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchlist.limits.ALERTS_LOOKED_AT", 4)
    watchlist_id = client.add()
    levels = [AlertLevel.CRITICAL if number % 6 == 0 else AlertLevel.MILD for number in range(25)]
    ids = [raise_one(client, watchlist_id, number, level=level) for number, level in enumerate(levels)]

    pages = list(client.pages(f"{PATH}&level=critical&limit={limit}"))

    assert [each["id"] for page in pages for each in page] == ids[::6]
    assert max(map(len, pages)) <= limit


def test_of_many_ids_the_caller_s_own_are_changed_and_the_others_are_not_found(client: Client) -> None:
    watchlist_id = client.add()
    client.add(user="bob")
    hers = raise_one(client, watchlist_id, 1)
    his = alert(2)
    alert_store.put(client.user_watchlist_id(watchlist_id, "bob"), watchlist_id, his, clock.now())

    answer = client.of("ada").post("/activity/alerts/resolve", {"ids": [his.id, hers, "alert_unknown", "user_1"]})

    assert answer.body == {"changed": [hers], "not_found": [his.id, "alert_unknown", "user_1"]}
    assert alert_store.find(his.id).resolved_at is None
