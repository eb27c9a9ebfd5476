"""Checks show the operator's own hosts their tokens, of the variable or the secret, or go without any."""

import json
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import boto3
import pytest

from local_service.aws import embedded as embedded_aws
from local_service.provisioning import Environment
from tests.hostile_server import HostileServer
from tests.integration.checks.harness import ConfigureScheduler, Host, Watchlist
from watchlist.git.tokens import authorization
from watchlist.jobs.queue import JobQueue


@pytest.fixture
def shown() -> list[str | None]:
    return []


@pytest.fixture
def host(shown: list[str | None]) -> Iterator[Host]:
    """A host that notes what it is shown."""
    host = Host()

    def respond(handler: BaseHTTPRequestHandler) -> None:
        shown.append(handler.headers.get("Authorization"))
        host.respond(handler)

    with HostileServer(respond) as server:
        host.origin = server.origin
        yield host


@pytest.fixture
def hosts(host: Host) -> str:
    return json.dumps([{"origin": host.origin, "kind": "gitea", "allow_http": True, "checks_a_second": 100}])


@pytest.fixture
def watchlist(host: Host, queue: JobQueue) -> Watchlist:
    watchlist = Watchlist(host, queue)
    watchlist.add_ready("name")
    return watchlist


def secret_with(environment: Environment, text: str) -> str:
    secrets = boto3.client("secretsmanager", **embedded_aws.client_arguments(environment.url))
    arn: str = secrets.create_secret(Name=uuid.uuid4().hex, SecretString=text)["ARN"]
    return arn


@pytest.mark.usefixtures("watchlist")
def test_a_check_shows_a_host_its_token(
    configure_scheduler: ConfigureScheduler, host: Host, hosts: str, shown: list[str | None]
) -> None:
    configure_scheduler(GIT_HOSTS=hosts, GIT_TOKENS=json.dumps({host.origin: "t0ken"})).run()

    assert shown == [authorization("t0ken")]


@pytest.mark.usefixtures("watchlist")
def test_a_check_reads_the_secret_anew(
    configure_scheduler: ConfigureScheduler,
    environment: Environment,
    host: Host,
    hosts: str,
    shown: list[str | None],
) -> None:
    arn = secret_with(environment, json.dumps({host.origin: "t0ken"}))

    configure_scheduler(GIT_HOSTS=hosts, GIT_TOKENS_SECRET=arn).run()

    assert shown == [authorization("t0ken")]


@pytest.mark.usefixtures("watchlist")
@pytest.mark.parametrize("text", ["s3cret", '{"https://gone.example.org": "s3cret"}', '["s3cret"]'])
def test_a_secret_that_was_mistyped_costs_the_tokens_and_is_not_shown(  # noqa: PLR0913, PLR0917 - fixtures
    configure_scheduler: ConfigureScheduler,
    environment: Environment,
    hosts: str,
    shown: list[str | None],
    text: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    configure_scheduler(GIT_HOSTS=hosts, GIT_TOKENS_SECRET=secret_with(environment, text)).run()

    assert shown == [None]
    assert "the tokens for hosts of one's own cannot be read" in caplog.text
    assert "s3cret" not in caplog.text


@pytest.mark.usefixtures("watchlist")
def test_a_variable_that_was_mistyped_costs_the_tokens_as_well(
    configure_scheduler: ConfigureScheduler, hosts: str, shown: list[str | None]
) -> None:
    configure_scheduler(GIT_HOSTS=hosts, GIT_TOKENS="s3cret").run()

    assert shown == [None]
