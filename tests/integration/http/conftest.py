from collections.abc import Iterator

import pytest

from tests.integration.aws import Aws
from tests.integration.http.client import Client
from tests.integration.jobs.harness import ControlledClock, clean


@pytest.fixture
def client(aws: Aws, clock: ControlledClock) -> Iterator[Client]:
    """A service without data, asked by someone who may act for every user."""
    del clock
    clean(aws.environment, aws.variables)
    yield Client(aws.functions)
    aws.server.inject()
