import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.alerts import files_changed
from watchlist.alerts.settings import AlertKind
from watchlist.errors import ErrorCode, JobError
from watchlist.notifications import events
from watchlist.notifications.events import (
    EVENTS,
    AlertRaised,
    Event,
    HealthChanged,
    RepositoryFailed,
    RepositoryMerged,
    RepositoryReady,
)
from watchlist.states import EntryStatus, Stage
from watchlist.storage.records import ENTRY_KEY, AlertRecord, Entry, LastError

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DOCUMENT = Path(__file__).parents[3] / "docs" / "events.md"


def entry(status: EntryStatus, **attributes: Any) -> Entry:
    values: dict[str, Any] = {
        "watchlist_id": "watchlist_a_b_1",
        "owner": "a",
        "name": "b",
        "origin": "https://github.com",
        "status": status,
        "generation": 2,
        "processing_completed_at": None if status is EntryStatus.PROCESSING else NOW,
        **attributes,
    }
    return Entry("watchlist_a_b_1", ENTRY_KEY, **values)


def failed() -> Entry:
    error = LastError.of(JobError(ErrorCode.REPOSITORY_NOT_FOUND, "It is not there."), Stage.CLONING, NOW)
    return entry(EntryStatus.FAILED, last_error=error)


def test_an_entry_that_becomes_ready_says_so_once_and_with_its_result() -> None:
    processing = entry(EntryStatus.PROCESSING)
    ready = entry(EntryStatus.READY, commits=7, score=6.5, analyzed_at=NOW)

    (event,) = events.of_entry(processing, ready)

    assert isinstance(event, RepositoryReady)
    assert (event.commits, event.score, event.at) == (7, 6.5, NOW)
    assert event.repository_url == "https://github.com/a/b"
    assert events.of_entry(ready, ready) == []


def test_an_entry_that_fails_says_why() -> None:
    (event,) = events.of_entry(entry(EntryStatus.PROCESSING), failed())

    assert isinstance(event, RepositoryFailed)
    assert (event.error_code, event.error_message) == (ErrorCode.REPOSITORY_NOT_FOUND, "It is not there.")


@pytest.mark.parametrize(("before", "after"), [(5.0, 6.0), (5.0, None), (None, 6.0)])
def test_a_later_analysis_with_another_score_is_a_change_of_health(before: float | None, after: float | None) -> None:
    later = NOW + timedelta(days=1)

    (event,) = events.of_entry(
        entry(EntryStatus.READY, analyzed_at=NOW, score=before),
        entry(EntryStatus.READY, analyzed_at=later, score=after),
    )

    assert isinstance(event, HealthChanged)
    assert (event.previous_score, event.score, event.at) == (before, after, later)


def test_the_same_score_and_a_first_analysis_are_no_change_of_health() -> None:
    first = entry(EntryStatus.READY, analyzed_at=NOW, score=5.0)
    again = entry(EntryStatus.READY, analyzed_at=NOW + timedelta(days=1), score=5.0)

    assert events.of_entry(first, again) == []
    assert [type(event) for event in events.of_entry(entry(EntryStatus.PROCESSING), first)] == [RepositoryReady]


def test_an_entry_that_is_merged_says_once_which_one_stays() -> None:
    before = entry(EntryStatus.READY)
    merged = entry(EntryStatus.READY, merged_into="watchlist_c_d_1", renamed_at=NOW)

    (event,) = events.of_entry(before, merged)

    assert isinstance(event, RepositoryMerged)
    assert (event.watchlist_id, event.merged_into, event.at) == ("watchlist_a_b_1", "watchlist_c_d_1", NOW)
    removed = entry(EntryStatus.REMOVED, merged_into="watchlist_c_d_1", renamed_at=NOW)
    left = entry(EntryStatus.REMOVED, merged_into="watchlist_e_f_1")
    assert events.of_entry(merged, removed) == events.of_entry(removed, left) == []


def test_a_new_entry_is_no_event() -> None:
    assert events.of_entry(None, entry(EntryStatus.PROCESSING)) == []


def test_an_id_depends_on_what_happened_alone() -> None:
    processing, ready = entry(EntryStatus.PROCESSING), entry(EntryStatus.READY)
    (first,), (again,) = events.of_entry(processing, ready), events.of_entry(processing, ready)
    (next_one,) = events.of_entry(processing, entry(EntryStatus.READY, generation=3))
    (other,) = events.of_entry(processing, failed())

    assert first.id == again.id
    assert len({first.id, next_one.id, other.id}) == 3


def test_an_alert_is_an_event_for_its_user() -> None:
    alert = files_changed("alert_1")
    record = AlertRecord(
        "alert_1",
        AlertRecord.SK,
        user_watchlist_id="user_1",
        watchlist_id="watchlist_a_b_1",
        raised_at=NOW,
        alert=alert.model_dump(mode="json"),
    )

    event = events.of_alert(record)

    assert (event.user_watchlist_id, event.alert_id, event.kind) == ("user_1", "alert_1", AlertKind.FILES_CHANGED)
    assert event.id == events.of_alert(record).id
    assert json.loads(event.model_dump_json())["at"] == "2026-01-02T03:04:05.000Z"


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: str(event.DETAIL_TYPE))
def test_the_document_shows_each_event_with_all_its_fields(event: type[Event]) -> None:
    section = DOCUMENT.read_text().partition(f"## `{event.DETAIL_TYPE}`")[2].partition("\n## ")[0]
    example = re.search(r"```json\n(.*?)```", section, re.DOTALL)

    assert example is not None, f"docs/events.md has no example of {event.DETAIL_TYPE}"
    shown = json.loads(example[1])
    event.model_validate(shown)
    assert shown.keys() == event.model_fields.keys()
    for name, field in event.model_fields.items():
        assert name in Event.model_fields or f"| `{name}` | {field.description} |" in section


def test_the_document_shows_no_other_events() -> None:
    shown = re.findall(r"^## `(.*)`$", DOCUMENT.read_text(), re.MULTILINE)

    assert shown == [event.DETAIL_TYPE for event in EVENTS]
    assert AlertRaised in EVENTS
