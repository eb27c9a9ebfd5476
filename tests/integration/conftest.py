from collections.abc import Iterator

import pytest

from tests.forge_server import ForgeServer


@pytest.fixture
def forge() -> Iterator[ForgeServer]:
    with ForgeServer() as server:
        yield server
