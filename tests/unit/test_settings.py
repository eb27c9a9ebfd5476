from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchlist.deployment.functions import FUNCTIONS
from watchlist.job_kinds import JobKind
from watchlist.settings import (
    AddSettings,
    CheckSettings,
    DispatcherSettings,
    JobSettings,
    LeaseSettings,
    OriginSettings,
    PatienceSettings,
    Settings,
    SettingsError,
    TableSettings,
    TaskSettings,
    VerdictSettings,
    load,
)

GOOD: Mapping[str, str] = {
    "WATCHLIST_TABLE": "watchlist",
    "ACTIVITY_TABLE": "activity",
    **{kind.queue_url_variable: f"https://sqs.invalid/1/{kind}" for kind in JobKind},
    **{kind.dead_letter_queue_url_variable: f"https://sqs.invalid/1/{kind}-dead" for kind in JobKind},
    "CLUSTER": "watchlist",
    "TASK_DEFINITION": "job",
    "SUBNET_IDS": "subnet-1, subnet-2",
    "SECURITY_GROUP_IDS": "sg-1",
    "MAX_SETUP_TASKS": "4",
    "MAX_REFRESH_TASKS": "2",
    "GIT_CLONE_DIR": "/scratch",
}


@pytest.mark.parametrize("spec", FUNCTIONS, ids=lambda spec: spec.name)
def test_every_function_names_each_variable_that_it_misses(spec: object) -> None:
    model: type[Settings] = spec.settings  # type: ignore[attr-defined] # a FunctionSpec
    required = {field.alias or name for name, field in model.model_fields.items() if field.is_required()}
    if not required:
        load(model, {})
        return

    with pytest.raises(SettingsError) as error:
        load(model, {})

    assert all(name in str(error.value) for name in required)


MALFORMED: list[tuple[type[Settings], str, str]] = [
    (TableSettings, "LOG_LEVEL", "s3cret"),
    (AddSettings, "REPOSITORY_SETUP_QUEUE_URL", "s3cret"),
    (OriginSettings, "ALLOWED_ORIGINS", "https://github.com,https://user:s3cret@host"),
    (DispatcherSettings, "MAX_SETUP_TASKS", "s3cret"),
    (DispatcherSettings, "MAX_SETUP_TASKS", "0"),
    (DispatcherSettings, "MAX_SETUP_TASKS", "4.5"),
    (DispatcherSettings, "SUBNET_IDS", " , "),
    (DispatcherSettings, "POSTPONE_SECONDS", "-1"),
    (DispatcherSettings, "POSTPONE_SECONDS", "nan"),
    (DispatcherSettings, "POSTPONE_SECONDS", "inf"),
    (DispatcherSettings, "POSTPONE_SECONDS", "1e300"),
    (DispatcherSettings, "ASSIGN_PUBLIC_IP", "s3cret"),
    (LeaseSettings, "HEARTBEAT_SECONDS", "s3cret"),
    (TaskSettings, "SCORECARD_MAX_AGE_HOURS", "1000"),
    (TaskSettings, "GITHUB_API_BASE_URL", "ftp://s3cret"),
    (JobSettings, "ATTEMPT", "s3cret"),
]


@pytest.mark.parametrize(("model", "name", "value"), MALFORMED, ids=[f"{row[1]}={row[2]}" for row in MALFORMED])
def test_a_malformed_variable_is_named_and_its_value_is_not_shown(model: type[Settings], name: str, value: str) -> None:
    with pytest.raises(SettingsError) as error:
        load(model, {**GOOD, name: value})

    assert name in str(error.value)
    assert "s3cret" not in str(error.value)


@given(st.sampled_from(sorted(set(TaskSettings.variables()))), st.text(st.characters(codec="ascii"), min_size=8))
def test_no_value_is_ever_shown(name: str, value: str) -> None:
    marked = f"s3cret{value}"
    try:
        load(TaskSettings, {**GOOD, name: marked})
    except SettingsError as error:
        told = str(error)
    else:
        return

    assert name in told
    assert "s3cret" not in told


def test_a_heartbeat_that_does_not_fit_twice_into_the_lease_is_refused() -> None:
    with pytest.raises(SettingsError, match="HEARTBEAT_SECONDS"):
        load(LeaseSettings, {"LEASE_SECONDS": "10", "HEARTBEAT_SECONDS": "6"})


def test_an_empty_variable_counts_as_unset() -> None:
    assert load(TableSettings, {**GOOD, "LOG_LEVEL": ""}).log_level == "INFO"
    with pytest.raises(SettingsError, match="WATCHLIST_TABLE"):
        load(TableSettings, {**GOOD, "WATCHLIST_TABLE": ""})


def test_lists_are_separated_by_commas() -> None:
    settings = load(DispatcherSettings, GOOD)

    assert settings.subnet_ids == ("subnet-1", "subnet-2")
    assert [settings.max_tasks(kind) for kind in JobKind] == [4, 2, 2]


def test_the_token_is_not_shown_by_the_settings() -> None:
    settings = load(TaskSettings, {**GOOD, "GITHUB_TOKEN": "s3cret"})

    assert settings.github_token == "s3cret"
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    ("model", "name", "value", "expected"),
    [
        (PatienceSettings, "send_timeout", "7.5", timedelta(seconds=7.5)),
        (CheckSettings, "commits_interval", "0.5", timedelta(minutes=30)),
        (VerdictSettings, "quiet_after", "45", timedelta(days=45)),
    ],
)
def test_times_are_read_in_the_unit_that_their_variable_names(
    model: type[Settings], name: str, value: str, expected: timedelta
) -> None:
    alias = model.model_fields[name].alias or ""
    assert getattr(load(model, {alias: value}), name) == expected
