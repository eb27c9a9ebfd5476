"""One user cannot ask for more in an hour than the settings say, however many requests come at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.http.client import Client
from watchlist.deployment import routes
from watchlist.watching.allowances import Allowance, LimitReachedError, spend

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MOST = 5


@pytest.fixture
def ada(client: Client, monkeypatch: pytest.MonkeyPatch) -> Client:
    function = client.functions["add_repository"].function
    monkeypatch.setattr(function, "_settings", function.settings.model_copy(update={"adds_an_hour": MOST}))
    return client.of("ada")


def url(number: int) -> str:
    return f"https://github.com/pallets/flask-{number}"


def add(client: Client, number: int) -> tuple[int, str | None]:
    answer = client.post(routes.ADD.path, {"repo_url": url(number), "added_by": "ada"})
    return answer.status, answer.body.get("code")


def test_a_user_may_add_as_many_as_the_settings_say_and_then_waits_for_the_next_hour(ada: Client) -> None:
    assert [add(ada, number)[0] for number in range(MOST)] == [202] * MOST

    answer = ada.post(routes.ADD.path, {"repo_url": url(MOST), "added_by": "ada"})

    assert (answer.status, answer.code) == (429, "limit_reached")
    assert 1 <= int({name.lower(): value for name, value in answer.headers.items()}["retry-after"]) <= 3600
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
