"""The stack in LocalEmu, once for all tests, with a host of repositories and a receiver of webhooks on this machine."""

from collections.abc import Iterator

import pytest

from local_service.git.server import GitServer
from tests.e2e.conftest import Forge
from tests.second_opinion.localemu.stack import Stack, deployed
from tests.webhook_receiver import Receiver

OFTEN = {"COMMITS_INTERVAL_HOURS": str(1 / 3600), "CHECK_JITTER": "0", "DIGEST_INTERVAL_SECONDS": "1"}
"""What takes hours in AWS takes a second."""

NOWHERE = {"GITHUB_API_BASE_URL": "http://127.0.0.1:9", "SCORECARD_API_BASE_URL": "http://127.0.0.1:9"}


@pytest.fixture(scope="session")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    root = tmp_path_factory.mktemp("repositories")
    with GitServer(root) as server:
        yield Forge(root, server.url, server.moved)


@pytest.fixture(scope="session")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with Receiver(tmp_path_factory.mktemp("receiver")) as receiver:
        yield receiver


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, forge: Forge, receiver: Receiver) -> Iterator[Stack]:
    variables = {"ALLOWED_ORIGINS": forge.url, **OFTEN, **NOWHERE, **receiver.variables}
    with deployed(tmp_path_factory.mktemp("localemu"), variables) as stack:
        yield stack
