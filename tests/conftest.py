"""Settings of all tests."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from watchlist import git_hosts
from watchlist.settings import OriginSettings, load

settings.register_profile("shared-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared-machine")
"""Machines are shared and noisy: how long an example takes says nothing."""

_TESTS = Path(__file__).parent
_KINDS = ("e2e", "infra", "integration", "unit")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Start two processes for each core: a test often waits for programs that it has started."""
    return 2 * (os.cpu_count() or 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the kinds of tests that take longest first, so that no process is left alone with one at the end."""
    items.sort(key=lambda item: [not item.path.is_relative_to(_TESTS / kind) for kind in _KINDS])


@pytest.fixture
def bind_hosts() -> Iterator[Callable[[str], OriginSettings]]:
    """Return what makes hosts of one's own known to this process, given as `GIT_HOSTS`, until the test ends."""

    def bind(text: str) -> OriginSettings:
        loaded = load(OriginSettings, {"GIT_HOSTS": text})
        git_hosts.bind(loaded.git_hosts)
        return loaded

    yield bind
    git_hosts.bind()
