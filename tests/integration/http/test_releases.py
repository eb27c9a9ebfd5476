"""The releases of a repository: the list, and what rows, files and comparisons show of them."""

import pytest

from tests.integration.http.client import Client
from tests.integration.http.stored import store_releases
from tests.integration.recording import Call, operations, read_units
from watchlist.storage.records import TAGS_PREFIX, TagsRecord


def releases_of(watchlist_id: str, query: str = "") -> str:
    return f"/activity/watchlist/{watchlist_id}/releases{query}"


def test_releases_are_listed_newest_first_page_by_page(client: Client) -> None:
    watchlist_id = client.add()
    store_releases(watchlist_id, 7)

    pages = list(client.pages(releases_of(watchlist_id, "?limit=3")))

    assert [[item["tag"] for item in page] for page in pages] == [
        ["v1.6.0", "v1.5.0", "v1.4.0"],
        ["v1.3.0", "v1.2.0", "v1.1.0"],
        ["v1.0.0"],
    ]


def test_a_release_that_comes_between_two_pages_moves_nothing(client: Client) -> None:
    watchlist_id = client.add()
    store_releases(watchlist_id, 5)
    first = client.get(releases_of(watchlist_id, "?limit=3")).body

    store_releases(watchlist_id, 6, generation=2)
    second = client.get(releases_of(watchlist_id, f"?limit=3&cursor={first['next_cursor']}")).body

    assert [item["tag"] for item in second["items"]] == ["v1.1.0", "v1.0.0"]


def test_a_page_of_ten_thousand_tags_reads_the_entry_and_one_or_two_segments(client: Client, calls: list[Call]) -> None:
    watchlist_id = client.add()
    store_releases(watchlist_id, 10_000)
    calls.clear()

    page = client.get(releases_of(watchlist_id, "?limit=5")).body

    assert (len(page["items"]), page["release"]["releases"]) == (5, 10_000)
    assert operations(calls) == ["GetItem", "GetItem"]
    assert read_units(calls) < 30


def test_before_the_first_look_there_is_nothing(client: Client) -> None:
    watchlist_id = client.add()

    assert client.get(releases_of(watchlist_id)).body == {"release": None, "items": [], "next_cursor": None}
    assert client.status(watchlist_id).body["release"] is None


def test_status_health_rows_files_and_comparisons_show_the_latest_release(client: Client) -> None:
    watchlist_id = client.add()
    store_releases(watchlist_id, 3)

    status = client.status(watchlist_id).body["release"]
    (row,) = client.watchlist().body["items"]
    (compared,) = client.get(f"/activity/compare?watchlist_ids={watchlist_id}").body["items"]
    (exported,) = client.get("/activity/watchlist/export?user=ada").rows

    assert (status["latest"]["tag"], status["days_since"], status["usual_days"]) == ("v1.2.0", 1, 1.0)
    assert (status["commits_since"], status["commits_since_is_least"]) == (12, True)
    assert row["release"] == compared["release"] == client.health(watchlist_id).body["release"] == status
    assert (exported["latest_release"], exported["commits_since_release"]) == ("v1.2.0", "12")


@pytest.mark.parametrize("query", ["?limit=0", "?limit=201", "?cursor=nonsense", "?offset=3"])
def test_what_cannot_be_asked_is_refused(client: Client, query: str) -> None:
    assert client.get(releases_of(client.add(), query)).status == 422


def test_tags_that_are_lost_are_no_empty_list(client: Client) -> None:
    watchlist_id = client.add()
    store_releases(watchlist_id, 3)
    for record in list(TagsRecord.query(watchlist_id, TagsRecord.sk.startswith(TAGS_PREFIX))):
        record.delete()

    assert client.get(releases_of(watchlist_id)).status == 500
