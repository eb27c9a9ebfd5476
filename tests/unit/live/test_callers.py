from typing import Any

import pytest

from functions.http.callers import NotYoursError
from functions.live.callers import user_of


def event(principal: str | None, named: str | None) -> dict[str, Any]:
    authorizer = {"authorizer": {"principalId": principal}} if principal else {}
    return {
        "requestContext": {"connectionId": "c=", **authorizer},
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
