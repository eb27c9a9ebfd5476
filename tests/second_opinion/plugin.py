"""Lets tests run whose embedded AWS has the DynamoDB of Amazon and the SQS of ElasticMQ.

python -m pytest -p tests.second_opinion.plugin tests/integration/jobs
"""

import json
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from local_service.aws import embedded
from tests.second_opinion.implementations import dynamodb_local, elasticmq
from tests.second_opinion.server import VARIABLE

_RUNNING = pytest.StashKey[ExitStack]()


def pytest_configure(config: pytest.Config) -> None:
    """Start both, once for each process that runs tests."""
    if getattr(config.option, "numprocesses", None):  # that process only hands tests out
        return
    running = config.stash[_RUNNING] = ExitStack()
    logs = Path(running.enter_context(tempfile.TemporaryDirectory()))
    os.environ[VARIABLE] = json.dumps(
        {
            "dynamodb": running.enter_context(dynamodb_local(logs / "dynamodb-local.log")),
            "sqs": running.enter_context(elasticmq(logs / "elasticmq.log")),
        }
    )
    embedded.SERVER = "tests.second_opinion.server"


def pytest_unconfigure(config: pytest.Config) -> None:
    """End both."""
    if _RUNNING in config.stash:
        config.stash[_RUNNING].close()
