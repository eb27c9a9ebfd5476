from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from watchlist import limits
from watchlist.jobs import protocol as job_protocol
from watchlist.settings import PatienceSettings, load
from watchlist.storage.records import ENTRY_KEY, Entry

AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def usual_patience() -> Iterator[None]:
    yield
    job_protocol.bind(load(PatienceSettings, {}))


def _due_at() -> datetime:
    entry = Entry("w", ENTRY_KEY, watchlist_id="w", job_kind="repository-setup", generation=1)
    job_protocol.queued(entry, "job", "request", AT)
    due_at: datetime = entry.due_at
    return due_at


def test_new_job_is_due_when_its_message_should_have_been_sent() -> None:
    assert _due_at() == AT + limits.SEND_TIMEOUT


def test_program_can_be_told_to_be_less_patient() -> None:
    job_protocol.bind(load(PatienceSettings, {"SEND_TIMEOUT_SECONDS": "7"}))
    assert _due_at() == AT + timedelta(seconds=7)
