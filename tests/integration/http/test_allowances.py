"""One user cannot have or ask for more than the settings say, however many requests come at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from local_service.aws.faults import Fault
from tests.integration.aws import Aws
from tests.integration.http.client import Client
from tests.integration.jobs.harness import ControlledClock
from watchlist import limits
from watchlist.deployment import routes
from watchlist.storage.records import Holdings, Usage
from watchlist.watching.allowances import Allowance, LimitReachedError, WatchlistFullError, hold, release, spend

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MOST = 5


Set = Callable[[str, int], None]


@pytest.fixture
def setting(client: Client, monkeypatch: pytest.MonkeyPatch) -> Set:
    """Sets a setting of adding repositories."""
    function = client.functions["add_repository"].function

    def set_(name: str, value: int) -> None:
        monkeypatch.setattr(function, "_settings", function.settings.model_copy(update={name: value}))

    return set_


@pytest.fixture
def ada(client: Client, setting: Set) -> Client:
    setting("adds_an_hour", MOST)
    return client.of("ada")


@pytest.fixture
def collector(client: Client, setting: Set) -> Client:
    """A user who may watch as many as `MOST` repositories."""
    setting("watched_by_a_user", MOST)
    return client.of("ada")


def watched() -> int:
    return int(Holdings.get(Usage.pk_of("ada"), Holdings.SK).entries)


def url(number: int) -> str:
    return f"https://github.com/pallets/flask-{number}"


def add(client: Client, number: int) -> tuple[int, str | None]:
    answer = client.post(routes.ADD.path, {"repo_url": url(number), "added_by": "ada"})
    return answer.status, answer.body.get("code")


def test_a_user_may_add_as_many_as_the_settings_say_and_then_waits_for_the_next_hour(ada: Client) -> None:
    assert [add(ada, number)[0] for number in range(MOST)] == [202] * MOST

    answer = ada.post(routes.ADD.path, {"repo_url": url(MOST), "added_by": "ada"})

    assert (answer.status, answer.code) == (429, "limit_reached")
    seconds = int(answer.headers["retry-after"])
    assert 1 <= seconds <= 3600
    assert f"the next hour begins in {seconds} seconds" in answer.body["detail"]
    assert add(ada.of("bob"), MOST)[0] == 403
    assert ada.of("bob").post(routes.ADD.path, {"repo_url": url(MOST), "added_by": "bob"}).status == 202


def test_a_batch_counts_by_its_items_and_is_refused_as_a_whole(ada: Client) -> None:
    items = [{"repo_url": url(number), "added_by": "ada"} for number in range(MOST - 1)]
    assert ada.post(routes.ADD_BATCH.path, {"items": items}).status == 207

    answer = ada.post(routes.ADD_BATCH.path, {"items": [{"repo_url": url(8), "added_by": "ada"}] * 2})

    assert (answer.status, answer.code) == (429, "limit_reached")
    assert add(ada, 9)[0] == 202


def test_operators_have_no_limit(ada: Client) -> None:
    operator = Client(ada.functions, signed=True)
    assert {add(operator, number)[0] for number in range(MOST + 2)} == {202}


@pytest.mark.usefixtures("client")
def test_requests_that_come_at_once_together_stay_within_the_limit() -> None:
    def ask(_: int) -> bool:
        try:
            spend("ada", Allowance.ADDS, 1, MOST, NOON)
        except LimitReachedError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(20))) == MOST


@pytest.mark.usefixtures("client")
def test_each_hour_and_each_kind_is_counted_for_itself() -> None:
    spend("ada", Allowance.ADDS, MOST, MOST, NOON)
    spend("ada", Allowance.RETRIES, 1, MOST, NOON)
    spend("ada", Allowance.ADDS, MOST, MOST, NOON + timedelta(hours=1))

    with pytest.raises(LimitReachedError) as reached:
        spend("ada", Allowance.ADDS, 1, MOST, NOON + timedelta(minutes=45))

    assert reached.value.wait == timedelta(minutes=15)


@pytest.mark.usefixtures("client")
def test_what_is_refused_is_not_counted() -> None:
    with pytest.raises(LimitReachedError):
        spend("ada", Allowance.ADDS, MOST + 1, MOST, NOON)

    spend("ada", Allowance.ADDS, MOST, MOST, NOON)


@pytest.mark.usefixtures("client")
def test_what_is_counted_although_its_answer_was_lost_is_counted_once(aws: Aws) -> None:
    aws.server.inject(Fault(service="dynamodb", operation="UpdateItem", moment="after", times=1))

    spend("ada", Allowance.ADDS, MOST, MOST, NOON)

    with pytest.raises(LimitReachedError):
        spend("ada", Allowance.ADDS, 1, MOST, NOON)
    aws.server.inject(Fault(service="dynamodb", operation="UpdateItem", moment="after", times=1))
    spend("bob", Allowance.ADDS, 1, MOST, NOON)
    spend("bob", Allowance.ADDS, MOST - 1, MOST, NOON)


def test_a_full_watchlist_takes_nothing_until_something_was_removed(collector: Client) -> None:
    ids = [collector.add(url(number)) for number in range(MOST)]

    answer = collector.post(routes.ADD.path, {"repo_url": url(MOST), "added_by": "ada"})

    assert (answer.status, answer.code) == (429, "watchlist_full")
    assert int(answer.headers["retry-after"]) == limits.HOLDINGS_COUNTED_AGAIN.total_seconds()
    assert collector.of("bob").post(routes.ADD.path, {"repo_url": url(MOST), "added_by": "bob"}).status == 202
    collector.stop_watching(collector.user_watchlist_id(ids[0], "ada"))
    assert add(collector, MOST)[0] == 202
    assert add(collector, MOST + 1) == (429, "watchlist_full")


def test_a_batch_that_does_not_fit_is_refused_as_a_whole_and_uses_nothing_up(ada: Client, setting: Set) -> None:
    setting("watched_by_a_user", 2)

    answer = ada.add_batch(*({"repo_url": url(number), "added_by": "ada"} for number in range(3)))

    assert (answer.status, answer.code) == (429, "watchlist_full")
    setting("watched_by_a_user", MOST)
    assert [add(ada, number)[0] for number in range(MOST)] == [202] * MOST


def test_what_was_not_added_leaves_its_room_to_others(collector: Client, aws: Aws) -> None:
    collector.add(url(0))
    assert add(collector, 0) == (409, "already_watching")
    aws.server.inject(Fault(service="sqs"))
    assert add(collector, 1)[0] == 503
    results = collector.add_batch(*({"repo_url": url(number), "added_by": "ada"} for number in range(3))).body
    aws.server.inject()

    assert {result["outcome"] for result in results["results"]} == {"already_watching", "rejected"}
    assert watched() == 1


def test_what_an_operator_adds_counts_for_the_user_but_is_not_refused(collector: Client) -> None:
    operator = Client(collector.functions, signed=True)
    assert {add(operator, number)[0] for number in range(MOST + 1)} == {202}
    assert add(collector, 9) == (429, "watchlist_full")


def test_room_that_was_never_given_back_is_found_before_anybody_is_refused(
    collector: Client, clock: ControlledClock
) -> None:
    hold("ada", MOST, MOST, clock.now())  # the function died before it added anything

    assert add(collector, 0)[0] == 202
    assert watched() == 1

    hold("ada", MOST - 1, MOST, clock.now())
    assert add(collector, 1) == (429, "watchlist_full"), "counting is not repeated at once"
    clock.advance(limits.HOLDINGS_COUNTED_AGAIN)
    assert add(collector, 1)[0] == 202


@pytest.mark.usefixtures("client")
def test_adds_that_come_at_once_together_stay_within_the_watchlist() -> None:
    def ask(_: int) -> bool:
        try:
            hold("ada", 1, MOST, NOON)
        except WatchlistFullError:
            return False
        return True

    hold("ada", 1, MOST, NOON)
    release("ada", 1)
    Holdings(Usage.pk_of("ada"), Holdings.SK).update([Holdings.counted_at.set(NOON)])
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(20))) == MOST
