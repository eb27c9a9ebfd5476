"""Lets the test process itself read and write the tables of an embedded AWS."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from local_service.aws import embedded as embedded_aws
from local_service.aws.embedded import EmbeddedAws
from local_service.provisioning import Environment
from watchlist.settings import TableSettings, load
from watchlist.storage import records


@contextmanager
def reaching(aws: EmbeddedAws, environment: Environment) -> Iterator[None]:
    """Call this embedded AWS until the end, and then whichever was called before."""
    with _calling(aws.url, load(TableSettings, environment.variables)):
        yield


@contextmanager
def reaching_address(url: str) -> Iterator[None]:
    """Call whatever answers at this address until the end."""
    with _calling(url, TableSettings(WATCHLIST_TABLE="watchlist", ACTIVITY_TABLE="activity")):
        yield


@contextmanager
def _calling(url: str, settings: TableSettings) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in {**embedded_aws.credentials("task"), "AWS_ENDPOINT_URL": url}.items():
            patch.setenv(name, value)
        records.bind(settings)
        yield
    records.bind(settings)
