import os
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest

from infra.local.embedded_aws import EmbeddedAws, credentials
from infra.local.provisioning import Environment, provision
from tests.integration.protocol.harness import ControlledClock, Harness, clean, import_functions
from watchlist import limits


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            # the functions ignore this warning where they make their metrics; pytest resets filters for each test
            item.add_marker(pytest.mark.filterwarnings("ignore:No application metrics to publish"))


@dataclass(frozen=True)
class Aws:
    server: EmbeddedAws
    environment: Environment
    variables: Mapping[str, str]
    functions: Mapping[str, ModuleType]


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    settings = {
        "GIT_CLONE_DIR": str(tmp_path_factory.mktemp("clones")),
        "MAX_SETUP_TASKS": "3",
        "MAX_REFRESH_TASKS": "2",
        "POSTPONE_SECONDS": "60",
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }
    with EmbeddedAws(sys.stderr.fileno()) as server, pytest.MonkeyPatch.context() as patch:
        environment = provision(server.url, settings)
        variables = {
            **environment.variables,
            **credentials("functions"),
            "AWS_ENDPOINT_URL": server.url,
            "POWERTOOLS_METRICS_NAMESPACE": "test",
            "AWS_LAMBDA_FUNCTION_NAME": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in variables.items():
            patch.setenv(name, value)
        yield Aws(server, environment, variables, import_functions())


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> ControlledClock:
    controlled = ControlledClock()
    monkeypatch.setattr("watchlist.clock.now", controlled.now)
    return controlled


@pytest.fixture
def service(aws: Aws, monkeypatch: pytest.MonkeyPatch, clock: ControlledClock) -> Iterator[Harness]:
    """A service whose pauses and delays pass at once, so that tests need not wait."""
    monkeypatch.setattr(limits, "RETRY_BASE", timedelta(0))
    monkeypatch.setattr(limits, "MAX_DELAY", timedelta(0))
    clean(aws.environment, aws.variables)
    on_terminate = signal.getsignal(signal.SIGTERM)
    yield Harness(aws.environment, monkeypatch, clock, aws.functions, aws.variables)
    signal.signal(signal.SIGTERM, on_terminate)
    aws.server.inject()
