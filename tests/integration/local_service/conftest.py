import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from local_service.aws import embedded as embedded_aws
from local_service.aws.embedded import EmbeddedAws
from local_service.provisioning import Environment, provision

ONE_TRY = Config(retries={"total_max_attempts": 1}, max_pool_connections=50)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    yield descriptor
    os.close(descriptor)


@pytest.fixture(scope="session")
def aws_process() -> Iterator[EmbeddedAws]:
    with EmbeddedAws(2) as started:
        yield started


@pytest.fixture
def aws(aws_process: EmbeddedAws) -> EmbeddedAws:
    aws_process.reset()
    return aws_process


@pytest.fixture
def environment(aws: EmbeddedAws, tmp_path: Path) -> Environment:
    variables = {
        "GIT_CLONE_DIR": str(tmp_path / "clones"),
        "MAX_SETUP_TASKS": "2",
        "MAX_REFRESH_TASKS": "1",
        "LEASE_SECONDS": "30",
        "HEARTBEAT_SECONDS": "5",
        "LIVE_ENDPOINT_URL": "http://127.0.0.1:9/local",
        "JWT_ISSUER": "https://login.example.com",
        "JWT_AUDIENCE": "watchlist",
        "API_ACCESS": "token",
    }
    return provision(aws.url, variables)


def client(aws: EmbeddedAws, service: Any, caller: str = "functions", config: Config | None = None) -> Any:
    """Return a client that does not repeat what fails."""
    one_try = ONE_TRY if config is None else ONE_TRY.merge(config)
    arguments: Any = {**embedded_aws.client_arguments(aws.url), "aws_access_key_id": caller, "config": one_try}
    return boto3.client(service, **arguments)
