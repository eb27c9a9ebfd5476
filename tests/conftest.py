"""Settings of all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

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
