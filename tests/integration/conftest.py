import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from functions.http.openapi import page as docs_page
from local_service.aws.embedded import EmbeddedAws, credentials
from local_service.provisioning import provision
from tests.forge_server import ForgeServer
from tests.integration.aws import Aws
from tests.integration.jobs.harness import SLOTS, ControlledClock, start_functions
from tests.integration.recording import Call, recorded
from tests.unmeasured import unmeasured


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "aws" in getattr(item, "fixturenames", ()):
            # the functions ignore this warning where they make their metrics; pytest resets filters for each test
            item.add_marker(pytest.mark.filterwarnings("ignore:No application metrics to publish"))


@pytest.fixture
def forge() -> Iterator[ForgeServer]:
    with ForgeServer() as server:
        yield server


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    settings = {
        "GIT_CLONE_DIR": str(tmp_path_factory.mktemp("clones")),
        "MAX_SETUP_TASKS": str(SLOTS),
        "MAX_REFRESH_TASKS": "2",
        "POSTPONE_SECONDS": "60",
        "LIVE_ENDPOINT_URL": "http://127.0.0.1:9/local",
        "API_ACCESS": "open",
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }
    with ExitStack() as running:
        with unmeasured():
            server = running.enter_context(EmbeddedAws(sys.stderr.fileno()))
        patch = running.enter_context(pytest.MonkeyPatch.context())
        docs_page.build()
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
        yield Aws(server, environment, variables, start_functions(environment))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> ControlledClock:
    controlled = ControlledClock()
    monkeypatch.setattr("watchlist.clock.now", controlled.now)
    return controlled


@pytest.fixture
def calls() -> Iterator[list[Call]]:
    """Every call of AWS from now on."""
    with recorded() as made:
        yield made
