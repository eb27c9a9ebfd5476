from typing import Any

import pytest

from functions.http.callers import NotYoursError
from functions.live.callers import caller_of, user_of


def event(principal: str | None, named: str | None, **context: str) -> dict[str, Any]:
    who: dict[str, Any] = {"identity": {"userArn": "arn:aws:iam::123456789012:user/operator"}}
    if principal:
        who = {"authorizer": {"principalId": principal, **context}, "identity": {"sourceIp": "192.0.2.1"}}
    return {
        "requestContext": {"connectionId": "c=", **who},
        "queryStringParameters": {"watchlist_id": "w"} | ({"user": named} if named else {}),
    }


@pytest.mark.parametrize(
    ("principal", "named", "user"),
    [(None, None, None), (None, "ada", "ada"), ("ada", None, "ada"), ("ada", "ada", "ada")],
)
def test_a_user_sees_their_own_entry_and_who_is_no_user_sees_the_named_one(
    principal: str | None, named: str | None, user: str | None
) -> None:
    assert user_of(event(principal, named)) == user


def test_an_authorizer_that_names_nobody_lets_nobody_in() -> None:
    with pytest.raises(NotYoursError):
        user_of({"requestContext": {"authorizer": {"integrationLatency": 1}}})


def test_a_user_cannot_ask_in_another_s_name() -> None:
    with pytest.raises(NotYoursError):
        user_of(event("ada", "grace"))


def test_an_operator_s_token_acts_for_every_user() -> None:
    assert caller_of(event("olga", "grace", operator="true")) is None
    assert user_of(event("olga", "grace", operator="true")) == "grace"
    assert caller_of(event("ada", None, operator="false")) == "ada"


@pytest.mark.parametrize("identity", [{}, {"identity": None}, {"identity": {"sourceIp": "192.0.2.1"}}])
def test_what_nobody_has_authorized_is_nobodys(identity: dict[str, Any]) -> None:
    with pytest.raises(NotYoursError):
        caller_of({"requestContext": {"connectionId": "c=", **identity}})
