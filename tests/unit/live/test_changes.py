from datetime import UTC, datetime, timedelta
from typing import Any

from functions.live import delivery
from functions.live.delivery import is_final
from watchlist.health.verdict import Thresholds
from watchlist.live.changes import worth_showing
from watchlist.settings import VerdictSettings
from watchlist.states import EntryStatus, JobState, Stage
from watchlist.storage.records import ENTRY_KEY, Entry, Progress
from watchlist.storage.stream_records import ItemChange

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

THRESHOLDS = Thresholds.of(VerdictSettings())


def shows_change(before: Entry | None, after: Entry | None) -> bool:
    return delivery.shows_change(before, after, THRESHOLDS)


def entry(stage: Stage = Stage.CLONING, done: int = 0, **attributes: object) -> Entry:
    values: dict[str, Any] = {
        "watchlist_id": "watchlist_a_b_1",
        "owner": "a",
        "name": "b",
        "origin": "https://github.com",
        "created_at": NOW,
        "watchers": 1,
        "status": EntryStatus.PROCESSING,
        "processing_started_at": NOW,
        "generation": 1,
        "job_state": JobState.RUNNING,
        "attempt": 1,
        "claimed_attempt": 1,
        "progress": Progress.of(stage, done),
        **attributes,
    }
    return Entry(values["watchlist_id"], ENTRY_KEY, **values)


def changes(*states: Entry) -> list[ItemChange[Entry]]:
    return [
        ItemChange(str(number), before, after)
        for number, (before, after) in enumerate(zip((None, *states), states, strict=False))
    ]


def shown(*states: Entry) -> list[tuple[str, str, int]]:
    return [
        (change.after.status, change.after.stage or "", change.after.progress.done)
        for change in worth_showing(changes(*states), shows_change)
    ]


def test_every_stage_is_shown_and_of_its_counts_the_latest() -> None:
    assert shown(
        entry(Stage.CLONING),
        entry(Stage.STORING_COMMITS, 1),
        entry(Stage.STORING_COMMITS, 2),
        entry(Stage.STORING_COMMITS, 3),
        entry(Stage.COUNTING_LINES, 1),
        entry(Stage.DONE, 1, status=EntryStatus.READY, job_state=JobState.COMPLETED),
    ) == [
        ("processing", "cloning", 0),
        ("processing", "storing_commits", 3),
        ("processing", "counting_lines", 1),
        ("ready", "done", 1),
    ]


def test_what_nobody_can_see_is_not_shown() -> None:
    held = entry(lease_owner="somebody", lease_expires_at=NOW)
    extended = entry(lease_owner="somebody", lease_expires_at=NOW + timedelta(minutes=1))

    assert len(worth_showing(changes(held, extended), shows_change)) == 1
    assert not shows_change(held, extended)
    assert shows_change(held, entry(attempt=2))


def test_an_attempt_is_not_overtaken_by_the_next_one() -> None:
    assert len(shown(entry(attempt=1), entry(attempt=2), entry(attempt=2, done=5))) == 2


def test_entries_do_not_overtake_each_other() -> None:
    assert len(shown(entry(watchlist_id="watchlist_a_b_1"), entry(watchlist_id="watchlist_c_d_1"))) == 2


def test_an_entry_that_is_not_processing_or_not_there_is_final() -> None:
    assert [is_final(entry(status=status)) for status in EntryStatus] == [False, True, True, True]
    assert is_final(None)
