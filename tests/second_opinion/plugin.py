"""Lets tests run whose embedded AWS has the DynamoDB of Amazon and the SQS of ElasticMQ.

python -m pytest -p tests.second_opinion.plugin tests/integration/jobs

With `--elsewhere dynamodb` SQS stays ours, as tests need it that see what SNS and EventBridge send to queues.
"""

import json
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from local_service.aws import embedded
from tests.second_opinion.implementations import elasticmq, ministack
from tests.second_opinion.server import VARIABLE

_IMPLEMENTATIONS = {"dynamodb": ministack, "sqs": elasticmq}
_RUNNING = pytest.StashKey[ExitStack]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the services be named that are answered elsewhere."""
    parser.addoption("--elsewhere", choices=_IMPLEMENTATIONS, action="append")


def pytest_configure(config: pytest.Config) -> None:
    """Start them, once for each process that runs tests."""
    if getattr(config.option, "numprocesses", None):  # that process only hands tests out
        return
    running = config.stash[_RUNNING] = ExitStack()
    logs = Path(running.enter_context(tempfile.TemporaryDirectory()))
    os.environ[VARIABLE] = json.dumps(
        {
            service: running.enter_context(_IMPLEMENTATIONS[service](logs / f"{service}.log"))
            for service in config.getoption("elsewhere") or _IMPLEMENTATIONS
        }
    )
    embedded.SERVER = "tests.second_opinion.server"


def pytest_unconfigure(config: pytest.Config) -> None:
    """End them."""
    if _RUNNING in config.stash:
        config.stash[_RUNNING].close()
