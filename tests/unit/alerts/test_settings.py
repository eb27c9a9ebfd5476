import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator
from pydantic import ValidationError

from watchlist.alerts.settings import AlertKind, AlertSettings

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=10), children, max_size=3),
    max_leaves=6,
)

RANGES = [
    ("lines_added_deleted", "contributor_variance", 1, 20),
    ("lines_added_deleted", "repository_variance", 1, 20),
    ("lines_added_deleted", "hardcoded_threshold", 1, 10_000_000),
    ("files_changed", "contributor_variance", 1, 20),
    ("files_changed", "repository_variance", 1, 20),
    ("files_changed", "hardcoded_threshold", 1, 1_000_000),
    ("high_churn", "multiplier", 1, 100),
    ("high_churn", "hardcoded_threshold", 1, 10_000),
    ("unusual_author_activity", "percentage_outside_range", 1, 100),
    ("health_score_decreases", "minimum_health_change", 0.5, 5),
    ("inactivity", "days", 1, 365),
]
SWITCHES = [(kind.value, "enabled") for kind in AlertKind] + [
    ("processing_finished", "ready"),
    ("processing_finished", "failed"),
]


@st.composite
def settings_documents(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    document: dict[str, dict[str, Any]] = {}
    for kind, field in draw(st.lists(st.sampled_from(SWITCHES), unique=True)):
        document.setdefault(kind, {})[field] = draw(st.booleans())
    for kind, field, low, high in draw(st.lists(st.sampled_from(RANGES), unique=True)):
        document.setdefault(kind, {})[field] = draw(st.integers(min_value=1, max_value=int(high)) | st.just(high))
        assert low <= high
    return document


def accepts(document: object) -> bool:
    try:
        AlertSettings.model_validate(document)
    except ValidationError:
        return False
    return True


def test_every_kind_has_its_settings_and_the_other_way_round() -> None:
    assert list(AlertSettings.model_fields) == [kind.value for kind in AlertKind]


def test_an_empty_document_means_every_kind_is_enabled_with_its_defaults() -> None:
    settings = AlertSettings.model_validate({})

    assert settings == AlertSettings()
    assert all(getattr(settings, kind).enabled for kind in AlertKind)


@pytest.mark.parametrize(("kind", "field", "low", "high"), RANGES)
def test_a_range_includes_its_ends_and_nothing_beyond(kind: str, field: str, low: float, high: float) -> None:
    assert accepts({kind: {field: low}})
    assert accepts({kind: {field: high}})
    assert not accepts({kind: {field: low - 0.01}})
    assert not accepts({kind: {field: high + 0.01}})
    assert not accepts({kind: {field: low - 1}})
    assert not accepts({kind: {field: high + 1}})


@pytest.mark.parametrize(("kind", "field", "low", "high"), RANGES)
@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), float("-inf"), 10**400, -(10**400), "3", True, [3], {}], ids=repr
)
def test_a_number_is_a_finite_json_number(kind: str, field: str, low: float, high: float, value: object) -> None:
    assert low < high
    assert not accepts({kind: {field: value}})


@pytest.mark.parametrize("kind", AlertKind)
@pytest.mark.parametrize("value", ["true", 1, 0, None, "yes"], ids=repr)
def test_a_switch_is_a_json_boolean(kind: str, value: object) -> None:
    assert not accepts({kind: {"enabled": value}})


def test_a_whole_number_may_be_written_with_a_zero_fraction_as_json_schema_says() -> None:
    assert AlertSettings.model_validate({"inactivity": {"days": 30.0}}).inactivity.days == 30
    assert not accepts({"inactivity": {"days": 30.5}})


@pytest.mark.parametrize(
    ("document", "location"),
    [
        ({"phase_of_the_moon": {"enabled": True}}, ("phase_of_the_moon",)),
        ({"high_churn": {"multiplyer": 3}}, ("high_churn", "multiplyer")),
        ({"ancestry_breaks": {"hardcoded_threshold": 3}}, ("ancestry_breaks", "hardcoded_threshold")),
        ({"inactivity": None}, ("inactivity",)),
        ({"inactivity": True}, ("inactivity",)),
        ({"inactivity": {"days": None}}, ("inactivity", "days")),
    ],
)
def test_what_is_unknown_or_no_object_is_refused_by_its_name(document: object, location: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError) as refusal:
        AlertSettings.model_validate(document)

    assert [error["loc"] for error in refusal.value.errors()] == [location]


def test_null_switches_one_threshold_off() -> None:
    settings = AlertSettings.model_validate({"files_changed": {"contributor_variance": None}})

    assert settings.files_changed.contributor_variance is None
    assert settings.files_changed.repository_variance == AlertSettings().files_changed.repository_variance


@given(settings_documents())
def test_settings_survive_their_json(document: dict[str, Any]) -> None:
    settings = AlertSettings.model_validate(document)

    assert AlertSettings.model_validate_json(settings.model_dump_json()) == settings
    assert json.loads(settings.model_dump_json(exclude_unset=True)) == document


def test_an_update_changes_only_what_it_states() -> None:
    stored = AlertSettings.model_validate(
        {"high_churn": {"enabled": False, "multiplier": 7}, "inactivity": {"days": 30}}
    )
    change = AlertSettings.model_validate({"high_churn": {"enabled": True}, "ancestry_breaks": {"enabled": False}})

    assert stored.updated(change).model_dump(exclude_unset=True) == {
        "high_churn": {"enabled": True, "multiplier": 7},
        "inactivity": {"days": 30},
        "ancestry_breaks": {"enabled": False},
    }


def test_an_update_to_a_default_value_is_a_choice_too() -> None:
    default = AlertSettings().inactivity.days
    stored = AlertSettings.model_validate({"inactivity": {"days": default + 1}})

    assert stored.updated(AlertSettings.model_validate({"inactivity": {"days": default}})).inactivity.days == default


@given(settings_documents(), settings_documents())
def test_updates_are_idempotent_and_an_empty_one_changes_nothing(first: dict[str, Any], second: dict[str, Any]) -> None:
    stored, change = AlertSettings.model_validate(first), AlertSettings.model_validate(second)

    assert stored.updated(AlertSettings()) == stored
    assert stored.updated(change).updated(change) == stored.updated(change)


@given(st.dictionaries(st.sampled_from([*AlertKind, "x"]), JSON_VALUES | st.dictionaries(st.text(), JSON_VALUES)))
def test_hostile_documents_are_refused_or_understood_and_never_crash(document: dict[str, object]) -> None:
    accepts(document)


@pytest.mark.parametrize(("kind", "field", "low", "high"), RANGES)
def test_the_schema_says_what_the_model_accepts(kind: str, field: str, low: float, high: float) -> None:
    validator = OAS31Validator(AlertSettings.model_json_schema())

    for value in (low, high, low - 1, high + 1, low - 0.01, high + 0.01, low + 0.5, float(high), "3", True, None):
        assert validator.is_valid({kind: {field: value}}) == accepts({kind: {field: value}}), value


def test_the_schema_describes_and_exemplifies_every_field() -> None:
    schema = AlertSettings.model_json_schema()

    for example in schema["examples"]:
        AlertSettings.model_validate(example)
    for name, definition in schema["$defs"].items():
        assert definition["description"], name
        for field, described in definition["properties"].items():
            assert described["description"], (name, field)
            assert described["examples"], (name, field)
            assert "default" in described, (name, field)
