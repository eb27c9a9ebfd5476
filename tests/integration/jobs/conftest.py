import signal
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.integration.aws import Aws
from tests.integration.jobs.harness import ControlledClock, Harness, clean
from watchlist import limits


@pytest.fixture
def service(aws: Aws, monkeypatch: pytest.MonkeyPatch, clock: ControlledClock) -> Iterator[Harness]:
    """A service whose pauses and delays pass at once, so that tests need not wait."""
    monkeypatch.setattr(limits, "RETRY_BASE", timedelta(0))
    monkeypatch.setattr(limits, "MAX_DELAY", timedelta(0))
    clean(aws.environment, aws.variables)
    on_terminate = signal.getsignal(signal.SIGTERM)
    yield Harness(aws.environment, monkeypatch, clock, aws.functions, aws.variables)
    signal.signal(signal.SIGTERM, on_terminate)
    aws.server.inject()
