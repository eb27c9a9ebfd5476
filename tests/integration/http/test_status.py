"""Polling."""

import pytest

from tests.integration.http.client import Client
from tests.integration.http.stored import end_job
from watchlist.deployment import routes
from watchlist.states import EntryStatus


def test_who_polls_is_told_when_to_ask_again_until_it_is_ready(client: Client) -> None:
    watchlist_id = client.add()

    assert client.status(watchlist_id).headers["retry-after"] == "2"
    end_job(watchlist_id, EntryStatus.READY)
    assert "retry-after" not in client.status(watchlist_id).headers


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_nothing_new_is_answered_without_a_body(client: Client, form: str) -> None:
    watchlist_id = client.add()
    etag = client.status(watchlist_id).headers["etag"]

    answer = client.status(watchlist_id, headers={"If-None-Match": form.format(etag)})

    assert (answer.status, answer.body) == (304, "")
    assert answer.headers["etag"] == etag


def test_what_is_new_has_another_etag(client: Client) -> None:
    watchlist_id = client.add()
    etag = client.status(watchlist_id).headers["etag"]
    end_job(watchlist_id, EntryStatus.READY)

    answer = client.status(watchlist_id, headers={"If-None-Match": etag})

    assert (answer.status, answer.body["status"]) == (200, "ready")
    assert answer.headers["etag"] != etag


def test_a_package_is_described_before_its_host_was_asked(client: Client) -> None:
    package = client.status(client.add()).body["package"]

    assert (package["name"], package["url"]) == ("pallets/flask", "https://github.com/pallets/flask")
    assert package["stars"] is None


def test_a_failed_entry_is_retried_once(client: Client) -> None:
    watchlist_id = client.add()
    assert client.retry(watchlist_id).code == "not_failed"
    end_job(watchlist_id, EntryStatus.FAILED)

    answer = client.retry(watchlist_id)

    assert (answer.status, answer.body["status"]) == (202, "processing")
    assert answer.headers["location"] == routes.STATUS.path.replace("{watchlist_id}", watchlist_id)
    assert client.retry(watchlist_id).code == "not_failed"


@pytest.mark.parametrize("watchlist_id", ["watchlist_a_b_1", "%20", "%F0%9F%92%A9", "a" * 320, "%00", "..%2F.."])
def test_an_id_that_names_nothing_is_not_found(client: Client, watchlist_id: str) -> None:
    assert [client.status(watchlist_id).status, client.status(watchlist_id, "?user=ada").status] == [404, 404]
    assert client.commits(watchlist_id).status == client.health(watchlist_id).status == 404
    assert client.retry(watchlist_id).status == 404


def test_the_longest_url_that_is_read_has_an_id_that_can_be_polled(client: Client) -> None:
    groups = "/".join(["g" * 90, "h" * 90, "i" * 50])
    url = f"https://gitlab.com/{groups}/{'n' * (300 - 20 - len(groups))}"
    assert len(url) == 300

    assert client.status(client.add(url)).status == 200
