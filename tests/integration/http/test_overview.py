"""One look at all that a user watches."""

from collections import Counter
from datetime import timedelta

import pytest

from tests.integration.http.client import CLICK, FLASK, Client
from tests.integration.http.stored import analysed, end_job, raise_alerts, write_watchlist
from tests.integration.recording import Call, operations
from watchlist import clock
from watchlist.states import EntryStatus
from watchlist.storage.records import ENTRY_KEY, Entry, UserEntry
from watchlist.watching.entries import user_watchlist_id_of

PATH = "/activity/watchlist?user=ada"


def test_a_row_has_all_that_a_table_shows(client: Client) -> None:
    watchlist_id = client.add()
    analysed(watchlist_id)
    mine = client.user_watchlist_id(watchlist_id)
    raise_alerts(mine, watchlist_id, 2)

    (row,) = client.get(PATH).body["items"]

    assert row["name"] == "pallets/flask"
    assert row["verdict"] == {
        "state": "active",
        "reasons": [{"code": "recent_commits", "message": "39 commits by people in the last 13 weeks."}],
    }
    assert (row["score"], row["score_change"], row["activity_score"]) == (7.1, -0.4, 70)
    assert (len(row["weeks"]), sum(row["weeks"]), row["covered_weeks"]) == (52, 156, 52)
    assert row["last_commit_by_person_at"] is not None
    assert (row["absence_factor"], row["open_alerts"]) == (2, {"critical": 0, "mild": 2})
    assert (row["status"], row["stage"], row["last_check"]["outcome"]) == ("ready", None, "unchanged")
    assert (row["notes"], row["labels"]) == (None, [])


def test_what_is_not_analysed_is_unknown_and_shows_its_stage(client: Client) -> None:
    client.add()

    (row,) = client.get(PATH).body["items"]

    assert (row["verdict"]["state"], row["stage"], row["weeks"]) == ("unknown", "queued", None)


def test_the_worst_comes_first_and_the_totals_count_every_verdict(client: Client) -> None:
    urls = [f"https://github.com/pallets/{name}" for name in ("lively", "quiet", "slowing", "failed", "new")]
    lively, quiet, slowing, failed, _ = map(client.add, urls)
    analysed(lively)
    analysed(quiet, last=timedelta(days=100))
    analysed(slowing, recent=1)
    end_job(failed, EntryStatus.FAILED)
    Entry(failed, ENTRY_KEY).update(
        actions=[Entry.last_error.set({"code": "host_error", "message": "502.", "retryable": True, "at": clock.now()})]
    )

    page = client.get(PATH).body

    assert [row["name"].partition("/")[2] for row in page["items"]] == ["failed", "quiet", "new", "slowing", "lively"]
    assert {state: number for state, number in page["totals"]["by_verdict"].items() if number} == dict.fromkeys(
        ("failing", "quiet", "unknown", "slowing", "active"), 1
    )
    assert (page["totals"]["watched"], page["totals"]["matching"], page["totals"]["complete"]) == (5, 5, True)


def test_of_equal_verdicts_the_one_with_more_open_alerts_comes_first(client: Client) -> None:
    calm, alarmed = client.add(FLASK), client.add(CLICK)
    raised = raise_alerts(client.user_watchlist_id(alarmed), alarmed, 1)
    names = [row["watchlist_id"] for row in client.get(PATH).body["items"]]
    client.resolve(raised[0])
    rows = client.get(PATH).body["items"]

    assert names == [alarmed, calm]
    assert [row["open_alerts"]["mild"] for row in rows] == [0, 0]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("&verdict=quiet", ["quiet"]),
        ("&verdict=quiet,active", ["quiet", "lively"]),
        ("&label=web", ["lively"]),
        ("&text=QUI", ["quiet"]),
        ("&text=because", ["lively"]),
        ("&text=WEB", ["lively"]),
        ("&text=PALLETS/LIV", ["lively"]),
        ("&text=web%0Apallets", []),
        ("&status=processing", []),
        ("&sort=name", ["lively", "quiet"]),
        ("&sort=last_commit", ["quiet", "lively"]),
    ],
)
def test_rows_are_filtered_and_sorted(client: Client, query: str, names: list[str]) -> None:
    lively, quiet = (client.add(f"https://github.com/pallets/{name}") for name in ("lively", "quiet"))
    analysed(lively)
    analysed(quiet, last=timedelta(days=100))
    UserEntry(lively, UserEntry.sk_of("ada")).update(
        actions=[UserEntry.labels.set(["web"]), UserEntry.notes.set("Because of Click.")]
    )

    page = client.get(PATH + query).body

    assert [row["name"].partition("/")[2] for row in page["items"]] == names
    assert (page["totals"]["watched"], page["totals"]["matching"]) == (2, len(names))


@pytest.mark.parametrize("query", ["&verdict=fine", "&verdict=quiet,", "&sort=size", "&status=removed"])
def test_what_cannot_be_filtered_by_is_refused(client: Client, query: str) -> None:
    assert client.get(PATH + query).status == 422


def test_a_hundred_rows_take_three_calls(client: Client, calls: list[Call]) -> None:
    write_watchlist("ada", 100)
    calls.clear()

    page = client.get(f"{PATH}&limit=100").body

    assert len(page["items"]) == 100
    assert operations(calls) == ["Query", "Query", "BatchGetItem"]


@pytest.mark.parametrize("sort", ["worry", "added", "name", "score", "last_commit"])
def test_a_long_watchlist_has_each_row_on_one_page(client: Client, sort: str) -> None:
    write_watchlist("ada", 130)

    rows = [row["watchlist_id"] for page in client.pages(f"{PATH}&limit=50&sort={sort}") for row in page]

    assert Counter(rows) == Counter(f"watchlist_owner_name{number:04}_1" for number in range(130))


def test_more_than_are_sorted_together_go_on_on_the_next_pages(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchlist.limits.WATCHLIST_LOOKED_AT", 20)
    write_watchlist("ada", 50)

    first = client.get(f"{PATH}&limit=15&sort=name").body
    rows = [row["watchlist_id"] for page in client.pages(f"{PATH}&limit=15&sort=name") for row in page]

    assert (first["totals"]["watched"], first["totals"]["complete"]) == (20, False)
    assert rows == [f"watchlist_owner_name{number:04}_1" for number in range(50)]


def test_a_cursor_of_another_order_is_refused(client: Client) -> None:
    write_watchlist("ada", 3)
    cursor = client.get(f"{PATH}&limit=2&sort=name").body["next_cursor"]

    assert client.get(f"{PATH}&limit=2&sort=name&cursor={cursor}").status == 200
    assert client.get(f"{PATH}&limit=2&sort=score&cursor={cursor}").status == 422


def test_what_is_being_removed_is_in_no_row_and_no_total(client: Client) -> None:
    write_watchlist("ada", 3)
    Entry("watchlist_owner_name0001_1", ENTRY_KEY).update(actions=[Entry.status.set(EntryStatus.REMOVED)])
    Entry("watchlist_owner_name0002_1", ENTRY_KEY).delete()

    page = client.get(PATH).body

    assert [row["name"] for row in page["items"]] == ["owner/name0000"]
    assert (page["totals"]["watched"], page["totals"]["matching"]) == (1, 1)


def test_more_open_alerts_than_are_counted_are_said_to_be_more(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchlist.limits.OPEN_ALERTS_COUNTED", 3)
    watchlist_id = client.add()
    mine = client.user_watchlist_id(watchlist_id)
    raise_alerts(mine, watchlist_id, 2)
    few = client.get(PATH).body["totals"]["alerts_complete"]
    raise_alerts(mine, watchlist_id, 5)
    page = client.get(PATH).body

    assert (few, page["totals"]["alerts_complete"]) == (True, False)
    assert sum(page["items"][0]["open_alerts"].values()) == 3


def test_alerts_of_an_earlier_watch_are_not_counted(client: Client) -> None:
    watchlist_id = client.add()
    mine = user_watchlist_id_of(watchlist_id, "ada")
    raise_alerts(mine, watchlist_id, 2, clock.now() - timedelta(days=1))

    (row,) = client.get(PATH).body["items"]

    assert row["open_alerts"] == {"critical": 0, "mild": 0}


def test_nobody_sees_what_another_watches(client: Client) -> None:
    client.add()

    assert client.of("bob").get(PATH).code == "not_yours"
    assert client.of("bob").get("/activity/watchlist?user=bob").body["items"] == []


@pytest.mark.parametrize("sort", ["worry", "name", "score", "last_commit"])
def test_repositories_that_differ_in_case_alone_have_each_a_place(client: Client, sort: str) -> None:
    write_watchlist("ada", 6)
    for number in range(6):
        Entry(f"watchlist_owner_name{number:04}_1", ENTRY_KEY).update(
            actions=[Entry.name.set("Name" if number % 2 else "name"), Entry.status.set("ready")]
        )

    rows = [row["watchlist_id"] for page in client.pages(f"{PATH}&limit=1&sort={sort}") for row in page]

    assert Counter(rows) == Counter(f"watchlist_owner_name{number:04}_1" for number in range(6))


@pytest.mark.parametrize("sort", ["worry", "name", "score", "last_commit", "added"])
def test_while_entries_come_go_and_change_each_other_row_is_shown_once(client: Client, sort: str) -> None:
    write_watchlist("ada", 60)
    changed = ("watchlist_owner_name0007_1", "watchlist_owner_name0031_1", "watchlist_owner_name0055_1")
    seen: Counter[str] = Counter()

    for number, page in enumerate(client.pages(f"{PATH}&limit=20&sort={sort}")):
        seen.update(row["watchlist_id"] for row in page)
        if number < len(changed):
            analysed(changed[number])
            client.add(f"aaa/new{number}")
            client.add(f"zzz/new{number}")

    totals = client.get(f"{PATH}&limit=1").body["totals"]
    untouched = {f"watchlist_owner_name{number:04}_1" for number in range(60)} - set(changed)
    assert {watchlist_id for watchlist_id in untouched if seen[watchlist_id] != 1} == set()
    assert totals["watched"] == sum(totals["by_verdict"].values()) == 60 + 2 * len(changed)


def shifted_and_rows(client: Client, path: str, cursor: str) -> tuple[list[bool], set[str]]:
    """Read the pages from the cursor on."""
    said: list[bool] = []
    rows: set[str] = set()
    after: str | None = cursor
    while after is not None:
        page = client.get(f"{path}&cursor={after}").body
        said.append(page["shifted"])
        rows |= {row["watchlist_id"] for row in page["items"]}
        after = page["next_cursor"]
    return said, rows


def test_a_page_says_once_that_a_row_moved_behind_it(client: Client) -> None:
    write_watchlist("ada", 60)
    first = client.get(f"{PATH}&limit=20").body
    moved = first["items"][3]["watchlist_id"]
    analysed(moved)

    said, rows = shifted_and_rows(client, f"{PATH}&limit=20", first["next_cursor"])

    assert not first["shifted"]
    assert said == [True, False, False]
    assert moved in rows


@pytest.mark.parametrize("sort", ["worry", "score", "last_commit"])
def test_a_row_that_moves_in_front_of_a_page_is_not_missed_without_notice(client: Client, sort: str) -> None:
    write_watchlist("ada", 40)
    missed = "watchlist_owner_name0035_1"
    for number in range(40):
        analysed(f"watchlist_owner_name{number:04}_1")
    path = f"{PATH}&limit=20&sort={sort}"
    first = client.get(path).body
    Entry(missed, ENTRY_KEY).update(
        actions=[Entry.gone_since.set(clock.now()), Entry.score.remove(), Entry.summary.remove()]
    )

    said, rows = shifted_and_rows(client, path, first["next_cursor"])

    assert missed not in rows | {row["watchlist_id"] for row in first["items"]}
    assert said == [True]


@pytest.mark.parametrize("sort", ["worry", "added", "name", "score", "last_commit"])
def test_what_is_the_same_on_all_pages_has_not_moved(client: Client, sort: str) -> None:
    write_watchlist("ada", 60)
    path = f"{PATH}&limit=20&sort={sort}"
    first = client.get(path).body

    said, rows = shifted_and_rows(client, path, first["next_cursor"])

    assert [first["shifted"], *said] == [False, False, False]
    assert len(rows) == 40


@pytest.mark.parametrize("query", ["", "&verdict=unknown", "&status=failed", "&text=NAME001", "&label=none"])
def test_what_matches_is_what_all_pages_have(client: Client, query: str) -> None:
    write_watchlist("ada", 130)

    first = client.get(f"{PATH}&limit=100{query}").body
    rows = [row for page in client.pages(f"{PATH}&limit=30{query}") for row in page]

    assert first["totals"]["watched"] == 130
    assert first["totals"]["matching"] == len(rows) == len({row["watchlist_id"] for row in rows})
