from collections.abc import Iterator
from typing import Any

import botocore.client
import pytest

from tests.integration.aws import Aws
from tests.integration.http.client import Client
from tests.integration.http.recording import Call
from tests.integration.jobs.harness import ControlledClock, clean


@pytest.fixture
def client(aws: Aws, clock: ControlledClock) -> Iterator[Client]:
    """A service without data, asked by someone who may act for every user."""
    del clock
    clean(aws.environment, aws.variables)
    yield Client(aws.functions)
    aws.server.inject()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """Every call of AWS from now on."""
    made: list[Call] = []
    name = "_make_api_call"  # where both boto3 and PynamoDB pass through
    make = getattr(botocore.client.BaseClient, name)

    def record(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        response = make(client, operation, parameters)
        made.append(Call(operation, parameters, response))
        return response

    monkeypatch.setattr(botocore.client.BaseClient, name, record)
    return made
