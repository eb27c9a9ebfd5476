"""Checks show the operator's own hosts their tokens, of the variable or the secret, or none, and keep their pace."""

import functools
import json
import uuid
from collections.abc import Callable

import boto3
import pytest

from local_service.aws import embedded as embedded_aws
from local_service.provisioning import Environment
from tests.integration.checks.harness import ConfigureScheduler, Watchlist
from watchlist.git.pace import Pace
from watchlist.git.tokens import authorization

Check = Callable[..., list[str | None]]


@pytest.fixture
def check(configure_scheduler: ConfigureScheduler, watchlist: Watchlist) -> Check:
    """Return what checks a repository with settings of a test, and says what the host was shown."""
    host = watchlist.host
    watchlist.add_ready("name")
    hosts = json.dumps([{"origin": host.origin, "kind": "gitea", "allow_http": True, "checks_a_second": 100}])

    def run(**settings: str) -> list[str | None]:
        configure_scheduler(GIT_HOSTS=hosts, **settings).run()
        return host.shown

    return run


@pytest.fixture
def tokens(watchlist: Watchlist) -> str:
    return json.dumps({watchlist.host.origin: "t0ken"})


def secret_with(environment: Environment, text: str) -> str:
    secrets = boto3.client("secretsmanager", **embedded_aws.client_arguments(environment.url))
    arn: str = secrets.create_secret(Name=uuid.uuid4().hex, SecretString=text)["ARN"]
    return arn


def test_a_check_shows_a_host_its_token(check: Check, tokens: str) -> None:
    assert check(GIT_TOKENS=tokens) == [authorization("t0ken")]


def test_a_check_reads_the_secret_anew(check: Check, environment: Environment, tokens: str) -> None:
    assert check(GIT_TOKENS_SECRET=secret_with(environment, tokens)) == [authorization("t0ken")]


@pytest.mark.parametrize("text", ["s3cret", '{"https://gone.example.org": "s3cret"}', '["s3cret"]'])
def test_a_secret_that_was_mistyped_costs_the_tokens_and_is_not_shown(
    check: Check, environment: Environment, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert check(GIT_TOKENS_SECRET=secret_with(environment, text)) == [None]
    assert "the tokens for hosts of one's own cannot be read" in caplog.text
    assert "s3cret" not in caplog.text


def test_a_variable_that_was_mistyped_costs_the_tokens_as_well(check: Check) -> None:
    assert check(GIT_TOKENS="s3cret") == [None]


def test_a_host_is_asked_at_the_pace_that_its_operator_chose(
    configure_scheduler: ConfigureScheduler, watchlist: Watchlist, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = [{"origin": watchlist.host.origin, "kind": "gitea", "allow_http": True, "checks_a_second": 0.5}]
    watchlist.add_ready("one")
    watchlist.add_ready("two")
    slept: list[float] = []
    scheduler = configure_scheduler(GIT_HOSTS=json.dumps(chosen))
    monkeypatch.setattr(scheduler.module, "Pace", functools.partial(Pace, sleep=slept.append))

    scheduler.run()

    assert max(slept) > 1
