from typing import Any, Literal

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from functions.http.faults import sentence, unknown_parameter, with_known_fields
from functions.http.parameters import CommitLimit, Labels, Moment, UserName, Verdicts
from watchlist.alerts.settings import AlertSettings
from watchlist.health.verdict import VerdictState
from watchlist.notifications.channels import ChannelSettings
from watchlist.states import EntryStatus
from watchlist.watching.overview import Sort


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (AlertSettings, {"inactivity": {"days": 400}}, "must be at most 365"),
        (AlertSettings, {"inactivity": {"days": 0}}, "must be at least 1"),
        (AlertSettings, {"inactivity": {"days": 1.5}}, "must be a whole number"),
        (AlertSettings, {"inactivity": {"days": "1"}}, "must be a whole number"),
        (AlertSettings, {"inactivity": {"enabled": 1}}, "must be true or false"),
        (AlertSettings, {"inactivity": {"weeks": 1}}, "is not a field of this request"),
        (AlertSettings, {"inactivity": 3}, "must be an object"),
        (AlertSettings, {"high_churn": {"multiplier": "5"}}, "must be a number"),
        (AlertSettings, {"high_churn": {"multiplier": float("nan")}}, "must be a finite number"),
        (UserName, "", "must have at least 1 character"),
        (UserName, "a" * 256, "must have at most 255 characters"),
        (UserName, 3, "must be a text"),
        (UserName, "\ud800", "has characters that are no Unicode text"),
        (Labels, "web", "must be a list"),
        (Labels, ["a"] * 21, "must have at most 20 items"),
        (ChannelSettings, {"name": "team", "rules": {}}, "must be a list"),
        (ChannelSettings, {"name": "team", "rules": [{"labels": "web"}]}, "must be a list"),
        (ChannelSettings, {"name": "team", "rules": [{"levels": 1}]}, "must be a list"),
        (CommitLimit, "1_0", "must be a whole number in decimal digits"),
        (Moment, "2026-01-31", "must be a moment with its offset from UTC, like 2026-01-31T12:00:00Z (write + as %2B)"),
        (Sort, "size", "must be 'worry', 'added', 'name', 'score' or 'last_commit'"),
        (
            Literal[EntryStatus.READY, EntryStatus.FAILED],
            "done",
            "must be 'ready' or 'failed'",
        ),
        (
            Verdicts,
            "fine",
            f"must be one or several of {', '.join(VerdictState)}, with commas between",
        ),
    ],
)
def test_a_fault_is_said_in_the_product_s_own_words(kind: Any, value: object, message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(kind).validate_python(value)

    assert sentence(dict(refused.value.errors()[0])) == message


def test_a_kind_of_fault_without_words_of_its_own_is_said_all_the_same() -> None:
    assert sentence({"type": "frozen_instance", "msg": "Instance is frozen"}) == "is not valid"


def test_an_unknown_parameter_is_answered_with_the_known_ones() -> None:
    assert unknown_parameter({"user", "limit"}) == "is not a parameter of this route, which has limit, user"
    assert unknown_parameter(()) == "is not a parameter of this route, which has none"


@pytest.mark.parametrize(
    ("kind", "value", "known"),
    [
        (ChannelSettings, {"name": "a", "rules": [{}, {"level": 1}]}, "kinds, labels, levels, verdicts"),
        (AlertSettings, {"inactivity": {"weeks": 1}}, "days, enabled"),
        (AlertSettings, {"inactive": 1}, ", ".join(sorted(AlertSettings.model_fields))),
    ],
)
def test_an_unknown_field_is_answered_with_those_that_there_are_in_its_place(
    kind: type[BaseModel], value: object, known: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        kind.model_validate(value)
    (fault,) = refused.value.errors()

    assert sentence(with_known_fields(dict(fault), kind, fault["loc"])) == (
        f"is not a field of this request; known are {known}"
    )


def test_of_what_is_no_model_no_field_is_known() -> None:
    fault = {"type": "extra_forbidden", "loc": ("a",)}
    assert sentence(with_known_fields(fault, dict[str, Any], ("a",))) == "is not a field of this request"
