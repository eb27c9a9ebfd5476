"""`make kills`: what `tests/e2e/test_kills.py` holds of two victims, of every one."""

import pytest

from tests.e2e.kills.matrix import Victim
from tests.e2e.test_kills import *  # noqa: F403 - the same tests, with another fixture of the name


@pytest.fixture(scope="module", params=Victim, ids=lambda victim: victim.name.lower())  # type: ignore[no-redef]
def victim(request: pytest.FixtureRequest) -> Victim:
    """Everybody."""
    return Victim(request.param)
