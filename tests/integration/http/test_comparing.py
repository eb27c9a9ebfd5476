"""The history of a health, repositories beside each other, and files of it all."""

import json
from datetime import timedelta

import pytest

from tests.integration.http.client import CLICK, FLASK, Client
from tests.integration.http.stored import NOW, analysed, raise_alerts, store_commits, store_health, write_watchlist
from tests.integration.recording import Call, operations
from watchlist import limits
from watchlist.storage.records import UserEntry


def health_of(watchlist_id: str, part: str = "") -> str:
    return f"/activity/watchlist/{watchlist_id}/health{part}"


def test_the_analyses_are_listed_page_by_page_in_a_call_each(client: Client, calls: list[Call]) -> None:
    watchlist_id = client.add()
    for day in range(7):
        store_health(watchlist_id, NOW + timedelta(days=day))
    calls.clear()

    pages = list(client.pages(health_of(watchlist_id, "/history?limit=3")))

    moments = [point["analyzed_at"] for page in pages for point in page]
    assert ([len(page) for page in pages], len(set(moments))) == ([3, 3, 1], 7)
    assert moments == sorted(moments, reverse=True)
    assert operations(calls) == ["GetItem", "Query"] * 3


def test_an_earlier_analysis_is_shown_by_time(client: Client) -> None:
    watchlist_id = client.add()
    for day in range(3):
        store_health(watchlist_id, NOW + timedelta(days=day))

    then = client.get(health_of(watchlist_id, "?at=2026-02-01T13:00:00Z")).body
    before = client.get(health_of(watchlist_id, "?at=2020-01-01T00:00:00Z")).body

    assert (then["analyzed_at"], len(then["history"])) == ("2026-02-01T12:00:00.000Z", 2)
    assert (before["analyzed_at"], before["history"]) == (None, [])


def test_changes_compare_the_oldest_with_the_newest_of_a_time(client: Client) -> None:
    watchlist_id = client.add()
    for day in range(3):
        store_health(watchlist_id, NOW + timedelta(days=day))

    whole = client.get(health_of(watchlist_id, "/changes")).body
    part = client.get(health_of(watchlist_id, "/changes?since=2026-02-01T00:00:00Z")).body

    assert whole["before"]["analyzed_at"] == "2026-01-31T12:00:00.000Z"
    assert whole["after"]["analyzed_at"] == "2026-02-02T12:00:00.000Z"
    assert part["before"]["analyzed_at"] == "2026-02-01T12:00:00.000Z"
    assert whole["checks"] == []


def test_changes_of_a_time_begin_with_its_oldest_analysis_however_many_there_are(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchlist.limits.HEALTH_PAGE_MAX", 2)
    watchlist_id = client.add()
    for day in range(5):
        store_health(watchlist_id, NOW + timedelta(days=day))

    of_a_time = client.get(health_of(watchlist_id, "/changes?since=2026-02-01T00:00:00Z")).body
    of_the_last = client.get(health_of(watchlist_id, "/changes")).body

    assert of_a_time["before"]["analyzed_at"] == "2026-02-01T12:00:00.000Z"
    assert of_the_last["before"]["analyzed_at"] == "2026-02-03T12:00:00.000Z"
    assert of_a_time["after"] == of_the_last["after"]


@pytest.mark.parametrize("part", ["/history", "/changes"])
def test_a_time_that_ends_before_it_begins_has_no_analyses(client: Client, part: str) -> None:
    watchlist_id = client.add()
    store_health(watchlist_id)

    answer = client.get(health_of(watchlist_id, f"{part}?since=2027-01-01T00:00:00Z&until=2020-01-01T00:00:00Z"))

    assert answer.status == 200
    assert not any(answer.body.values())


@pytest.mark.parametrize(
    "at",
    [
        "2027-01-01",
        "1764000000",
        "yesterday",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "",
        "2026-01-01T00:00:00",
    ],
)
@pytest.mark.parametrize("part", ["?at=", "/history?since=", "/history?until=", "/changes?since=", "/changes?until="])
def test_a_moment_that_is_none_is_refused(client: Client, part: str, at: str) -> None:
    assert client.get(health_of(client.add(), part + at)).status == 422


def test_the_future_shows_the_last_analysis(client: Client) -> None:
    watchlist_id = client.add()
    store_health(watchlist_id)

    shown = client.get(health_of(watchlist_id, "?at=9999-12-31T23:59:59Z")).body

    assert shown["analyzed_at"] == "2026-01-31T12:00:00.000Z"


def test_repositories_are_compared_in_one_read(client: Client, calls: list[Call]) -> None:
    flask, click = client.add(FLASK), client.add(CLICK)
    analysed(flask)
    calls.clear()

    items = client.of("ada").get(f"/activity/compare?watchlist_ids={click},{flask}").body["items"]

    assert [item["name"] for item in items] == ["pallets/click", "pallets/flask"]
    assert [item["verdict"]["state"] for item in items] == ["unknown", "active"]
    assert [item["commits_last_quarter"] for item in items] == [None, 39]
    assert [item["commits_last_year"] for item in items] == [None, 156]
    assert operations(calls) == ["BatchGetItem"]


@pytest.mark.parametrize("ids", ["a,b,c,d,e,f", "a,", ",a", "a b", ""])
def test_at_most_five_are_compared(client: Client, ids: str) -> None:
    assert client.get(f"/activity/compare?watchlist_ids={ids}").status == 422


def test_the_watchlist_is_exported_with_cells_that_do_nothing(client: Client, calls: list[Call]) -> None:
    watchlist_id = client.add()
    analysed(watchlist_id)
    UserEntry(watchlist_id, UserEntry.sk_of("ada")).update(
        actions=[UserEntry.notes.set("=HYPERLINK(1)"), UserEntry.labels.set(["-web", "prod"])]
    )
    calls.clear()

    answer = client.get("/activity/watchlist/export?user=ada")

    (row,) = answer.rows
    assert answer.headers["content-disposition"] == 'attachment; filename="watchlist.csv"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert (row["repository_url"], row["verdict"], row["score"]) == (FLASK, "active", "7.1")
    assert (row["notes"], row["labels"]) == ("'=HYPERLINK(1)", "'-web, prod")
    assert operations(calls) == ["Query", "Query", "BatchGetItem"]


def test_commits_are_exported(client: Client) -> None:
    watchlist_id = client.add()
    store_commits(watchlist_id, 21)

    answer = client.get(f"/activity/watchlist/{watchlist_id}/commits/export?format=csv")

    rows = answer.rows
    assert (len(rows), rows[0]["author_name"], rows[0]["is_merge"]) == (21, "Ada", "False")


def test_all_commits_and_alerts_are_exported_whatever_their_pages(client: Client) -> None:
    watchlist_id = client.add()
    store_commits(watchlist_id, limits.COMMITS_PAGE_MAX + 20)
    raised = raise_alerts(client.user_watchlist_id(watchlist_id), watchlist_id, limits.ALERTS_PAGE_MAX + 20)

    commits = client.get(f"/activity/watchlist/{watchlist_id}/commits/export").rows
    alerts = client.get("/activity/alerts/export?user=ada").rows

    assert len({row["sha"] for row in commits}) == len(commits) == limits.COMMITS_PAGE_MAX + 20
    assert sorted(row["id"] for row in alerts) == sorted(raised)


@pytest.mark.parametrize("which", ["watchlist", "alerts", "commits"])
def test_a_file_that_ends_before_its_list_says_so_and_where_the_rest_is(
    client: Client, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    for limit, most in {"EXPORTED": 20, "EXPORT_PART": 10, "ALERTS_PAGE_MAX": 10, "COMMITS_PAGE_MAX": 10}.items():
        monkeypatch.setattr(f"watchlist.limits.{limit}", most)
    monkeypatch.setattr("watchlist.limits.WATCHLIST_LOOKED_AT", 25)
    watchlist_id = client.add()
    write_watchlist("ada", 54)
    raise_alerts(client.user_watchlist_id(watchlist_id), watchlist_id, 55)
    store_commits(watchlist_id, 55)
    path = (
        f"/activity/watchlist/{watchlist_id}/commits/export?"
        if which == "commits"
        else f"/activity/{which}/export?user=ada"
    )
    column = {"watchlist": "watchlist_id", "alerts": "id", "commits": "sha"}[which]

    ids: list[str] = []
    answer = client.get(path)
    while link := answer.headers.get("link"):
        rest = link.removeprefix("<").removesuffix('>; rel="next"')
        *rows, last = answer.rows
        ids += [row[column] for row in rows]
        assert (
            next(iter(last.values()))
            == f"NOT THE WHOLE LIST: {len(rows)} rows are in this file, the next ones are at {rest}"
        )
        assert answer.headers["content-disposition"] == f'attachment; filename="{which}-part.csv"'
        answer = client.get(rest)
    ids += [row[column] for row in answer.rows]

    assert (len(ids), len(set(ids))) == (55, 55)


def test_a_file_goes_on_in_its_own_format(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchlist.limits.EXPORTED", 2)
    monkeypatch.setattr("watchlist.limits.EXPORT_PART", 2)
    write_watchlist("ada", 3)

    lines = client.get("/activity/watchlist/export?user=ada&format=jsonl").body.splitlines()
    note = json.loads(lines[-1])["note"]
    rest = client.get(note.partition(" are at ")[2]).body

    assert (len(lines), note.partition(":")[0]) == (3, "NOT THE WHOLE LIST")
    assert [json.loads(line)["repository_url"] for line in rest.splitlines()] == ["https://github.com/owner/name0002"]


def test_a_file_whose_open_alerts_are_not_all_counted_says_so(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    watchlist_id = client.add()
    raise_alerts(client.user_watchlist_id(watchlist_id), watchlist_id, 3)
    (counted,) = client.get("/activity/watchlist/export?user=ada").rows
    monkeypatch.setattr("watchlist.limits.OPEN_ALERTS_COUNTED", 2)
    row, note = client.get("/activity/watchlist/export?user=ada").rows

    assert (counted["open_mild_alerts"], row["open_mild_alerts"]) == ("3", "2")
    assert "/activity/alerts/export" in note["repository_url"]


@pytest.mark.parametrize(
    "path", ["watchlist/export?user=ada", "alerts/export?user=ada", "watchlist/{}/commits/export?"]
)
def test_a_cursor_of_no_export_is_refused(client: Client, path: str) -> None:
    assert client.get(f"/activity/{path.format(client.add())}&cursor=abc").status == 422


def test_alerts_are_exported_as_lines_of_json(client: Client) -> None:
    watchlist_id = client.add()
    raised = raise_alerts(client.user_watchlist_id(watchlist_id), watchlist_id, 3)

    answer = client.get("/activity/alerts/export?user=ada&format=jsonl")

    lines = [json.loads(line) for line in answer.body.splitlines()]
    assert sorted(line["id"] for line in lines) == sorted(raised)
    assert {line["repository_url"] for line in lines} == {FLASK}


def test_nobody_sees_what_another_watches(client: Client) -> None:
    flask, click = client.add(FLASK), client.add(CLICK)
    client.add(CLICK, user="bob")
    bob = client.of("bob")

    assert bob.get(f"/activity/compare?watchlist_ids={flask},{click}").status == 404
    for part in ("/history", "/changes"):
        assert bob.get(health_of(flask, part)).status == 404
    assert bob.get(f"/activity/watchlist/{flask}/commits/export").status == 404
    for path in ("watchlist", "alerts"):
        assert bob.get(f"/activity/{path}/export?user=ada").code == "not_yours"
