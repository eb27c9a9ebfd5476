"""Adding a repository: accepted and never lost, or refused with nothing kept."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock
from typing import Any

import pytest

from local_service.aws.faults import Fault
from local_service.gateways.http import HttpResponse
from tests.integration.aws import Aws
from tests.integration.jobs.harness import URL, Harness, user_entries
from watchlist import limits
from watchlist.jobs.queue import JobQueue
from watchlist.storage.records import Holdings, WatchlistItem
from watchlist.watching import names

SQS_DOWN = Fault(service="sqs", operation="SendMessage")


def kept() -> list[WatchlistItem]:
    """Return all that is stored, but for the count of what a user has where that is nothing."""
    return [item for item in WatchlistItem.scan() if not (isinstance(item, Holdings) and item.entries == 0)]


def answer(response: HttpResponse) -> tuple[int, dict[str, Any]]:
    body: dict[str, Any] = json.loads(response.body)
    return response.status, body


def test_an_add_is_answered_at_once_with_where_to_poll(service: Harness) -> None:
    response = service.post()

    status, body = answer(response)
    assert (status, body["status"]) == (202, "processing")
    assert dict(response.headers)["location"] == f"/activity/watchlist/{body['watchlist_id']}/status"
    assert service.depth() == 1


def test_an_add_whose_message_cannot_be_sent_is_refused_and_nothing_of_it_is_kept(service: Harness, aws: Aws) -> None:
    aws.server.inject(SQS_DOWN)

    status, body = answer(service.post())

    assert (status, body["code"]) == (503, "unavailable")
    assert kept() == []
    assert service.depth() == 0


def test_a_message_that_was_sent_although_the_answer_was_lost_is_dropped(service: Harness, aws: Aws) -> None:
    aws.server.inject(Fault(service="sqs", operation="SendMessage", moment="after"))
    assert service.post().status == 503
    aws.server.inject()
    assert service.depth() > 0

    service.settle()

    assert service.ecs.tasks == []
    assert kept() == []


def test_an_add_that_died_between_its_two_writes_is_found_and_done(service: Harness) -> None:
    with service.monkeypatch.context() as patch:
        patch.setattr(JobQueue, "send", lambda *_: "never-sent")
        watchlist_id = service.add()
    assert service.depth() == 0
    assert service.reconcile() == {"recovered": 0, "overdue": 0}

    service.clock.advance(limits.SEND_TIMEOUT)
    assert service.reconcile() == {"recovered": 1, "overdue": 0}
    service.settle()

    assert service.status(watchlist_id)["status"] == "ready"


def test_an_add_that_others_have_joined_is_kept_though_its_message_could_not_be_sent(
    service: Harness, aws: Aws
) -> None:
    send = JobQueue.send

    def join_then_fail(queue: JobQueue, *args: Any) -> str:
        service.monkeypatch.setattr(JobQueue, "send", send)
        service.post(user="bob")
        aws.server.inject(SQS_DOWN)
        return send(queue, *args)

    service.monkeypatch.setattr(JobQueue, "send", join_then_fail)
    watchlist_id = service.add(user="ada")
    aws.server.inject()

    service.clock.advance(limits.SEND_TIMEOUT)
    service.reconcile()
    service.settle()

    assert service.status(watchlist_id)["status"] == "ready"
    assert sorted(user_entries(watchlist_id)) == ["ada", "bob"]


def test_two_users_at_the_same_instant_get_one_entry_and_one_job(service: Harness) -> None:
    users = ["ada", "bob", "cy", "dot"]
    together = Barrier(len(users))
    reading = Lock()  # a function of Lambda reads one request at a time, and Powertools counts on it
    entry_of = names.entry_named  # the moment between looking and writing

    def post(user: str) -> HttpResponse:
        reading.acquire()
        return service.post(user=user)

    def look_together(repository: Any) -> Any:
        found = entry_of(repository)
        if found is None:
            reading.release()
            together.wait(10)
        return found

    service.monkeypatch.setattr(names, "entry_named", look_together)
    with ThreadPoolExecutor(len(users)) as pool:
        answers = [answer(response) for response in pool.map(post, users)]

    assert [status for status, _ in answers] == [202] * len(users)
    (watchlist_id,) = {body["watchlist_id"] for _, body in answers}
    assert service.depth() == 1
    assert sorted(user_entries(watchlist_id)) == users
    assert service.status(watchlist_id)["watchers"] == len(users)


def test_the_same_user_again_is_told_so_and_nothing_changes(service: Harness) -> None:
    watchlist_id = service.add()
    before = {(item.pk, item.sk) for item in kept()}

    status, body = answer(service.post("https://github.com/Pallets/Flask.git"))

    assert (status, body["code"], body["watchlist_id"]) == (409, "already_watching", watchlist_id)
    assert {(item.pk, item.sk) for item in kept()} == before
    assert service.depth() == 1


def test_whoever_joins_is_told_the_true_status(service: Harness) -> None:
    watchlist_id = service.add(user="ada")
    assert answer(service.post(user="bob"))[1]["status"] == "processing"
    service.settle()

    status, body = answer(service.post(user="cy"))

    assert (status, body["watchlist_id"], body["status"]) == (200, watchlist_id, "ready")
    assert service.depth() == 0


BAD_URLS = {
    "not a URL": "flask",
    "empty": "",
    "not text": 7,
    "null": None,
    "local file": "file:///etc/passwd",
    "remote helper": "ext::sh -c id",
    "another host": "https://example.org/a/b",
    "a host that ends alike": "https://evilgithub.com/a/b",
    "a host that begins alike": "https://github.com.example.org/a/b",
    "loopback": "https://127.0.0.1/a/b",
    "loopback, other notation": "https://2130706433/a/b",
    "private network": "https://10.0.0.1/a/b",
    "metadata service": "https://169.254.169.254/latest/meta-data",
    "IPv6": "https://[::1]/a/b",
    "a port": "https://github.com:8443/a/b",
    "no number as port": "https://github.com:x/a/b",
    "credentials": "https://user:secret@github.com/a/b",
    "a user": "https://github.com@evil.example/a/b",
    "an option as URL": "--upload-pack=touch /tmp/x",
    "an option as owner": "https://github.com/-a/b",
    "an option as name": "https://github.com/a/--upload-pack=x",
    "no name": "https://github.com/a",
    "dots": "https://github.com/../..",
    "percent-encoded": "https://github.com/a/b%2e%2e",
    "NUL": "https://github.com/a/b\u0000",
    "a letter that looks alike": "https://github.com/а/b",  # noqa: RUF001 - Cyrillic
    "a dot that looks alike": "https://github。com/a/b",
    "a lone surrogate": "https://github.com/a/\ud800",
    "10 000 characters": "https://github.com/a/" + "b" * 10_000,
}


@pytest.mark.parametrize("url", BAD_URLS.values(), ids=BAD_URLS.keys())
def test_a_url_that_cannot_be_watched_is_refused_by_its_field_and_nothing_is_written(
    service: Harness, url: object
) -> None:
    response = service.http(
        "POST", "/activity/user-watchlist-added", json.dumps({"repo_url": url, "added_by": "ada"}).encode()
    )

    assert_refused(service, response, 422, "repo_url")


BAD_BODIES: dict[str, tuple[dict[str, Any], str]] = {
    "no URL": ({"added_by": "ada"}, "repo_url"),
    "no user": ({"repo_url": URL}, "added_by"),
    "empty user": ({"repo_url": URL, "added_by": ""}, "added_by"),
    "blank user": ({"repo_url": URL, "added_by": "  \t"}, "added_by"),
    "user no text": ({"repo_url": URL, "added_by": {"name": "ada"}}, "added_by"),
    "user too long": ({"repo_url": URL, "added_by": "a" * 10_000}, "added_by"),
    "user with a lone surrogate": ({"repo_url": URL, "added_by": "ada\udc00"}, "added_by"),
    "notes no text": ({"repo_url": URL, "added_by": "ada", "notes": 1}, "notes"),
    "notes too long": ({"repo_url": URL, "added_by": "ada", "notes": "a" * 10_000}, "notes"),
    "notes with a lone surrogate": ({"repo_url": URL, "added_by": "ada", "notes": "\ud800"}, "notes"),
    "unknown field": ({"repo_url": URL, "added_by": "ada", "repo": URL}, "repo"),
    "unknown kind of alert": ({"repo_url": URL, "added_by": "ada", "alerts": {"moon": {}}}, "alerts.moon"),
    "alerts no object": ({"repo_url": URL, "added_by": "ada", "alerts": ["inactivity"]}, "alerts"),
}


@pytest.mark.parametrize(("body", "field"), BAD_BODIES.values(), ids=BAD_BODIES.keys())
def test_a_field_that_is_missing_or_wrong_is_named_and_nothing_is_written(
    service: Harness, body: dict[str, Any], field: str
) -> None:
    response = service.http("POST", "/activity/user-watchlist-added", json.dumps(body).encode())

    assert_refused(service, response, 422, field)


BAD_JSON = {
    "cut off": b'{"repo_url": "',
    "no JSON": b"repo_url=x",
    "not a number": b'{"repo_url": NaN,}',
    "undecodable": b'{"repo_url": "\xff\xfe"}',
    "deeply nested": b"[" * 100_000,
}


@pytest.mark.parametrize("body", BAD_JSON.values(), ids=BAD_JSON.keys())
def test_a_body_that_is_no_json_is_refused(service: Harness, body: bytes) -> None:
    assert_refused(service, service.http("POST", "/activity/user-watchlist-added", body), 400, None)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'"text"', b"7"], ids=repr)
def test_a_body_that_is_no_object_is_refused(service: Harness, body: bytes) -> None:
    assert_refused(service, service.http("POST", "/activity/user-watchlist-added", body), 422, "body")


def test_a_body_of_another_type_is_refused(service: Harness) -> None:
    body = json.dumps({"repo_url": URL, "added_by": "ada"}).encode()

    response = service.http("POST", "/activity/user-watchlist-added", body, "application/x-www-form-urlencoded")

    assert_refused(service, response, 415, None)


def assert_refused(service: Harness, response: HttpResponse, status: int, field: str | None) -> None:
    assert dict(response.headers)["content-type"] == "application/problem+json"
    body = json.loads(response.body)
    assert (response.status, body["status"]) == (status, status)
    if field is not None:
        assert field in [error["field"] for error in body["errors"]]
    assert kept() == []
    assert service.depth() == 0
