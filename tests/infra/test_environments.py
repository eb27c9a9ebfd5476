import dataclasses
from typing import Any

import pytest

from infra.environments import (
    DEV,
    ENVIRONMENTS,
    PROD,
    CustomDomain,
    InvalidEnvironmentError,
    JwtIssuer,
    environments_named,
)
from tasks.scorecard.cli import RunLimits
from watchlist.own_hosts import OwnHost

LAB = OwnHost(origin="https://lab.example.org", kind="gitlab")


def test_an_environment_is_found_by_its_name() -> None:
    assert environments_named("prod") == (PROD,)


def test_without_a_name_all_environments_are_meant() -> None:
    assert environments_named(None) == ENVIRONMENTS


def test_an_unknown_name_is_refused_with_the_names_that_are_allowed() -> None:
    with pytest.raises(InvalidEnvironmentError, match="'production': allowed are dev, staging, prod"):
        environments_named("production")


@pytest.mark.parametrize(
    ("setting", "value", "allowed"),
    [
        ("name", "Dev", "a-z"),
        ("log_retention_days", 8, "1, 3, 7"),
        ("log_level", "TRACE", "DEBUG, INFO"),
        ("task_cpu", 1000, "256, 512, 1024"),
        ("task_memory", 512, "2048, 3072"),
        ("commits_interval_hours", 0, "1 to 720"),
        ("health_interval_hours", 721, "1 to 720"),
        ("task_scratch_gib", 20, "21 to 200"),
        ("max_setup_tasks", 0, "1 to 1000000"),
        ("max_refresh_tasks", 1_000_001, "1 to 1000000"),
        ("adds_an_hour", 0, "1 to 1000000"),
        ("watched_by_a_user", 0, "1 to 1000000"),
        ("connections_of_a_user", 1001, "1 to 1000"),
        ("checks_at_once", 65, "1 to 64"),
        ("monthly_budget_dollars", 0, "1 to 1000000"),
        ("zones", ("us-east-1a",), "at least two"),
        ("zones", ("use1-az1", "use1-az2"), "us-east-1a"),
        ("requests_per_second", 0, "1 to 10000"),
        ("request_burst", 5001, "1 to 5000"),
        ("cors_origins", ("*",), "https://"),
        ("cors_origins", ("https://example.com/page",), "without path"),
        ("alarm_email", "nobody", "an e-mail address"),
        ("git_hosts", (LAB, LAB), "lab.example.org is named more than once"),
        (
            "git_hosts",
            tuple(OwnHost(origin=f"https://{'x' * 60}{number}.example.org", kind="gitea") for number in range(18)),
            "at most 1500 characters",
        ),
    ],
)
def test_a_bad_setting_is_refused_with_what_is_allowed(setting: str, value: Any, allowed: str) -> None:
    with pytest.raises(InvalidEnvironmentError, match=setting) as refused:
        dataclasses.replace(DEV, **{setting: value})
    assert allowed in str(refused.value)


def test_a_token_issuer_without_https_is_refused() -> None:
    with pytest.raises(InvalidEnvironmentError, match="https://"):
        JwtIssuer(issuer="http://login.example.com", audience=("watchlist",))


def test_a_token_issuer_needs_an_audience() -> None:
    with pytest.raises(InvalidEnvironmentError, match="audience"):
        JwtIssuer(issuer="https://login.example.com", audience=())


def test_a_domain_needs_a_certificate() -> None:
    with pytest.raises(InvalidEnvironmentError, match="arn:aws:acm"):
        CustomDomain(name="api.example.com", certificate_arn="my-certificate")


def test_metrics_of_two_environments_do_not_mix() -> None:
    services = [environment.service for environment in ENVIRONMENTS]
    assert len(set(services)) == len(services)


def test_a_refresh_has_the_memory_that_scorecard_may_use_and_what_the_job_takes_beside_it() -> None:
    """The job's history takes less than 90 MB, Python and its libraries as much (docs/decisions/0014)."""
    for environment in ENVIRONMENTS:
        assert RunLimits().memory + 180 * 1024**2 <= environment.refresh_task_memory * 1024**2
