"""The scheduler against the embedded AWS and a host whose repositories are what a test says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from local_service.aws import embedded as embedded_aws
from local_service.provisioning import Environment
from tests.hostile_server import HostileServer
from tests.integration.aws import Aws
from tests.integration.checks.harness import ConfigureScheduler, Host, Scheduler, Watchlist
from tests.integration.checks.onboarding import Onboarded, onboarding
from tests.integration.checks.refreshing import Refreshes, refreshing
from tests.integration.jobs.harness import clean
from tests.repositories import build_repository, straight_line
from watchlist.deployment import functions as function_specs
from watchlist.jobs.queue import JobQueue


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()
    with HostileServer(host.respond) as server:
        host.origin, host.requests = server.origin, server.requests
        yield host


@pytest.fixture
def environment(aws: Aws) -> Iterator[Environment]:
    """The embedded AWS of the session, empty."""
    clean(aws.environment, aws.variables)
    yield aws.environment
    aws.server.inject()


@pytest.fixture
def configure_scheduler(aws: Aws, environment: Environment, host: Host) -> Iterator[ConfigureScheduler]:
    """Return what gives the function its settings, with values for some of them."""

    def configure(**more: str) -> Scheduler:
        values = {**environment.variables, "ALLOWED_ORIGINS": host.origin, "CHECK_JITTER": "0", **more}
        module.function.start(values)
        return Scheduler(module)

    module = aws.functions[function_specs.SCHEDULER.name]
    yield configure
    module.function.start(environment.of(function_specs.SCHEDULER))


@pytest.fixture
def scheduler(configure_scheduler: ConfigureScheduler) -> Scheduler:
    return configure_scheduler()


@pytest.fixture
def queue(environment: Environment) -> JobQueue:
    arguments: Any = embedded_aws.client_arguments(environment.url)
    urls = {kind: queue.url for kind, queue in environment.queues.items()}
    return JobQueue(boto3.client("sqs", **arguments), urls)


@pytest.fixture
def watchlist(host: Host, queue: JobQueue) -> Watchlist:
    return Watchlist(host, queue)


@pytest.fixture
def refreshes(watchlist: Watchlist, tmp_path: Path) -> Iterator[Refreshes]:
    """A repository of forty commits whose setup is done."""
    with refreshing(watchlist, tmp_path) as refreshes:
        yield refreshes


@pytest.fixture
def redirected(watchlist: Watchlist, tmp_path: Path) -> Iterator[Onboarded]:
    """A repository that was added by its former name."""
    (tmp_path / "served" / "owner").mkdir(parents=True)
    build_repository(tmp_path / "served" / "owner" / "renamed", straight_line(3))
    with onboarding(watchlist, tmp_path) as onboarded:
        onboarded.server.moved["/owner/name"] = "/owner/renamed"
        yield onboarded
