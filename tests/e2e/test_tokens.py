"""The service where tokens are wanted: the WebSocket lets in whom the HTTP API lets in, and shows as much."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
import urllib3
from websockets.exceptions import ConnectionClosedOK, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from local_service.commands.api_client import ApiClient, authorization
from local_service.commands.live_client import states
from local_service.service import LocalService, LocalSettings
from tests.e2e.conftest import Forge
from tests.token_issuer import TokenIssuer, forge, new_key, sign
from tests.waiting import SECONDS
from watchlist.deployment import functions as function_specs
from watchlist.job_kinds import JobKind

OPERATORS = {"OPERATOR_CLAIM": "cognito:groups"}
ADA, GRACE, MALLORY = "ada@example.org", "grace@example.org", "mallory@example.org"


@pytest.fixture(scope="module")
def issuer() -> Iterator[TokenIssuer]:
    with TokenIssuer() as running:
        yield running


@pytest.fixture(scope="module")
def service(
    issuer: TokenIssuer, variables: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalService]:
    log = tmp_path_factory.mktemp("service") / "service.log"
    with LocalService(LocalSettings(variables={**variables, **issuer.variables, **OPERATORS}, log=log)) as running:
        running.pollers[JobKind.REPOSITORY_SETUP].pause()  # so that entries stay as they are, and can be watched
        yield running


Api = Callable[[str], ApiClient]
Statuses = Callable[[str, dict[str, str]], tuple[int, int]]
"""Returns the statuses with which the HTTP API and the WebSocket answer a user's query."""


@pytest.fixture
def api(service: LocalService, issuer: TokenIssuer) -> Api:
    """Return what calls the API in a user's name."""
    return lambda user: ApiClient(service.url, issuer.token(user))


@pytest.fixture(scope="module")
def watchlist_id(service: LocalService, issuer: TokenIssuer, forge: Forge) -> str:
    """An entry that Ada watches; it stays `processing`."""
    return ApiClient(service.url, issuer.token(ADA)).add(forge.make("watched", commits=1), ADA)


def http_status(service: LocalService, watchlist_id: str, token: str | None, **query: str) -> int:
    url = f"{service.url}/activity/watchlist/{watchlist_id}/status?{urlencode(query)}"
    return request("GET", url, token)


def request(method: str, url: str, token: str | None) -> int:
    return urllib3.request(method, url, headers=authorization(token), retries=False, timeout=SECONDS).status


def open_socket(service: LocalService, watchlist_id: str, token: str | None, **query: str) -> ClientConnection:
    url = f"{service.live_url}/?{urlencode({'watchlist_id': watchlist_id, **query})}"
    return connect(url, proxy=None, additional_headers=authorization(token))


def live_status(service: LocalService, watchlist_id: str, token: str | None, **query: str) -> int:
    """Return the status that a WebSocket's opening is answered with."""
    try:
        with open_socket(service, watchlist_id, token, **query):
            return 200
    except InvalidStatus as refused:
        return refused.response.status_code


def receive(connection: ClientConnection) -> str:
    return str(connection.recv(SECONDS))


def test_a_user_is_shown_over_the_websocket_what_the_status_poll_shows_them(
    service: LocalService, issuer: TokenIssuer, watchlist_id: str, api: Api
) -> None:
    shown = next(states(service.live_url, watchlist_id, SECONDS, issuer.token(ADA)))

    assert shown == api(ADA).status(watchlist_id)
    assert [entry["added_by"] for entry in shown["user_watchlists"]] == [ADA]


@pytest.fixture
def statuses(service: LocalService, issuer: TokenIssuer, watchlist_id: str) -> Statuses:
    def of(user: str, query: dict[str, str]) -> tuple[int, int]:
        token = issuer.token(user)
        return http_status(service, watchlist_id, token, **query), live_status(service, watchlist_id, token, **query)

    return of


@pytest.mark.parametrize(
    ("user", "query", "expected"),
    [
        (ADA, {}, 200),
        (ADA, {"user": ADA}, 200),
        (ADA, {"user": GRACE}, 403),
        (MALLORY, {}, 404),
        (MALLORY, {"user": MALLORY}, 404),
        (MALLORY, {"user": ADA}, 403),
    ],
)
def test_both_ways_let_the_same_users_see_an_entry(
    statuses: Statuses, user: str, query: dict[str, str], expected: int
) -> None:
    assert statuses(user, query) == (expected, expected)


def bad_tokens(issuer: TokenIssuer) -> dict[str, str | None]:
    good = issuer.claims(ADA)
    public = issuer.key.as_pem(private=False)
    return {
        "none": None,
        "no token": "x",
        "expired": issuer.token(ADA, exp=good["iat"] - 3600),
        "not valid yet": issuer.token(ADA, nbf=good["iat"] + 3600),
        "of another audience": issuer.token(ADA, aud="elsewhere"),
        "of another issuer": issuer.token(ADA, iss="https://login.example.com"),
        "of an unknown key": sign(good, new_key()),
        "of another key under a known id": sign(good, new_key(), kid=issuer.key.kid),
        "unsigned": forge({"alg": "none", "kid": issuer.key.kid}, good),
        "with a MAC by the public key": forge({"alg": "HS256", "kid": issuer.key.kid}, good, public),
        "of nobody": issuer.token(ADA, sub=None),
    }


def test_a_token_that_proves_nothing_opens_neither_way(
    service: LocalService, issuer: TokenIssuer, watchlist_id: str
) -> None:
    bad = bad_tokens(issuer)
    assert {name: http_status(service, watchlist_id, token) for name, token in bad.items()} == dict.fromkeys(bad, 401)
    assert {name: live_status(service, watchlist_id, token) for name, token in bad.items()} == dict.fromkeys(bad, 403)
    assert http_status(service, watchlist_id, issuer.token(ADA)) == live_status(
        service, watchlist_id, issuer.token(ADA)
    )


def test_a_page_in_a_browser_shows_its_token_as_a_subprotocol(
    service: LocalService, issuer: TokenIssuer, watchlist_id: str
) -> None:
    url = f"{service.live_url}/?watchlist_id={watchlist_id}"
    offered = [Subprotocol("repository-watchlist"), Subprotocol(f"bearer.{issuer.token(ADA)}")]

    with connect(url, proxy=None, subprotocols=offered) as connection:
        assert connection.subprotocol == "repository-watchlist"
        assert ADA in receive(connection)
    with pytest.raises(InvalidStatus) as refused:
        connect(url, proxy=None, subprotocols=[Subprotocol("repository-watchlist"), Subprotocol("bearer.x")])
    assert refused.value.response.status_code == 403


def test_a_token_in_the_address_opens_nothing(service: LocalService, issuer: TokenIssuer, watchlist_id: str) -> None:
    token = issuer.token(ADA)
    assert live_status(service, watchlist_id, None, access_token=token, Authorization=f"Bearer {token}") == 403


def test_a_user_who_stops_watching_is_hung_up_on_and_those_who_stay_are_not(
    service: LocalService, issuer: TokenIssuer, forge: Forge, api: Api
) -> None:
    url = forge.make("left", commits=1)
    watchlist_id = api(ADA).add(url, ADA)
    assert api(GRACE).add(url, GRACE) == watchlist_id
    (mine,) = api(GRACE).status(watchlist_id)["user_watchlists"]

    with (
        open_socket(service, watchlist_id, issuer.token(ADA)) as ada,
        open_socket(service, watchlist_id, issuer.token(GRACE)) as first,
        open_socket(service, watchlist_id, issuer.token(GRACE)) as second,
    ):
        for connection in (ada, first, second):
            receive(connection)
        leaving = f"{service.url}/activity/user-watchlist/{mine['user_watchlist_id']}"
        assert request("DELETE", leaving, issuer.token(GRACE)) == 204
        for connection in (first, second):
            assert all('"watchers":2' in state for state in states_until_closed(connection))
        while '"watchers":1' not in receive(ada):
            pass

    assert http_status(service, watchlist_id, issuer.token(GRACE)) == 404
    assert live_status(service, watchlist_id, issuer.token(GRACE)) == 404
    assert http_status(service, watchlist_id, issuer.token(ADA)) == 200


def states_until_closed(connection: ClientConnection) -> list[str]:
    shown = []
    try:
        while True:
            shown.append(receive(connection))
    except ConnectionClosedOK:
        return shown


def test_a_token_that_cannot_be_checked_is_refused_as_the_service_s_own_trouble(
    issuer: TokenIssuer, service: LocalService, watchlist_id: str
) -> None:
    """A process that has no keys yet, as after every deployment, and an issuer that is gone."""
    for process_id in service.functions.process_ids(function_specs.LIVE_AUTHORIZER.name):
        os.kill(process_id, signal.SIGKILL)
    shown, issuer.answers = issuer.answers, {}
    token = issuer.token(ADA)
    with ThreadPoolExecutor() as pool:
        answers = [pool.submit(way, service, watchlist_id, token) for way in (http_status, live_status)]
        assert [answer.result(SECONDS) for answer in answers] == [500, 500]
    issuer.answers = shown
    assert live_status(service, watchlist_id, token) == 200


@pytest.mark.parametrize(
    ("groups", "expected"), [(["operators"], 200), (["readers", "operators"], 200), (["readers"], 403), ([], 403)]
)
def test_an_operator_s_token_sees_what_all_users_do(
    service: LocalService, issuer: TokenIssuer, watchlist_id: str, groups: list[str], expected: int
) -> None:
    token = issuer.token("olga@example.org", **{"cognito:groups": groups})

    assert request("GET", f"{service.url}/activity/jobs", token) == expected
    assert http_status(service, watchlist_id, token, user=ADA) == expected
    assert live_status(service, watchlist_id, token, user=ADA) == expected
