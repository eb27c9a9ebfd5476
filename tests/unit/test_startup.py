import logging
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions import startup
from functions.startup import Function
from local_service.functions.host import Context
from watchlist import limits
from watchlist.deployment.functions import FUNCTIONS, RECONCILER, SCHEDULER
from watchlist.job_kinds import JobKind
from watchlist.jobs import protocol as job_protocol
from watchlist.settings import PatienceSettings, SettingsError, TableSettings, load
from watchlist.storage import records
from watchlist.storage.records import ENTRY_KEY, Entry

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 3, 1, tzinfo=UTC)
CONTEXT: Any = Context("name", "$LATEST", "arn", "512", "id", "group", "stream", 0)


@pytest.fixture(autouse=True)
def process_as_it_was() -> Iterator[None]:
    bound = {"WATCHLIST_TABLE": Entry.Meta.table_name, "ACTIVITY_TABLE": records.SegmentRecord.Meta.table_name}
    yield
    job_protocol.bind(load(PatienceSettings, {}))
    if all(bound.values()):
        records.bind(load(TableSettings, bound))


def variables(prefix: str, **more: str) -> Mapping[str, str]:
    queues = {kind.queue_url_variable: f"https://example.com/{prefix}" for kind in JobKind}
    tasks = {"MAX_SETUP_TASKS": "4", "MAX_REFRESH_TASKS": "2"}
    tables = {"WATCHLIST_TABLE": f"{prefix}-watchlist", "ACTIVITY_TABLE": f"{prefix}-activity"}
    return {**tables, **queues, **tasks, **more}


def look(_event: object, _context: object) -> tuple[str, timedelta]:
    """Return what a handler sees of its process: the table it would write to and how soon the reconciler would come."""
    entry = Entry("w", ENTRY_KEY, watchlist_id="w", job_kind="repository-setup", generation=1)
    job_protocol.queued(entry, "job", "request", AT)
    return str(Entry.Meta.table_name), entry.due_at - AT


def test_all_functions_are_imported_into_one_process_that_has_no_variables() -> None:
    modules = ", ".join(spec.module for spec in FUNCTIONS)
    done = subprocess.run(
        [sys.executable, "-c", f"import {modules}"], cwd=ROOT, env={}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_each_function_of_a_process_has_its_own_settings_at_every_call() -> None:
    hasty, patient = Function(RECONCILER), Function(SCHEDULER)
    hasty.start(variables("hasty", SEND_TIMEOUT_SECONDS="7"))
    patient.start(variables("patient"))
    for _ in range(2):
        assert hasty.handler(look)({}, CONTEXT) == ("hasty-watchlist", timedelta(seconds=7))
        assert patient.handler(look)({}, CONTEXT) == ("patient-watchlist", limits.SEND_TIMEOUT)


def test_a_missing_variable_is_named_at_the_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHLIST_TABLE", raising=False)
    with pytest.raises(SettingsError, match="WATCHLIST_TABLE"):
        Function(RECONCILER).handler(look)({}, CONTEXT)


def test_what_is_made_of_the_settings_is_made_once_and_anew_after_a_start() -> None:
    function = Function(RECONCILER)
    queue = function.part(lambda settings: [settings.repository_setup_queue_url])
    function.start(variables("first"))
    first = queue()
    assert queue() is first
    function.start(variables("second"))
    assert (first, queue()) == (["https://example.com/first"], ["https://example.com/second"])


def test_the_log_says_no_more_than_the_settings_want() -> None:
    function = startup.Function(RECONCILER)
    function.start(variables("quiet", LOG_LEVEL="ERROR"))
    assert not logging.getLogger(RECONCILER.name).isEnabledFor(logging.INFO)
    function.start(variables("loud", LOG_LEVEL="DEBUG"))
    assert logging.getLogger(RECONCILER.name).isEnabledFor(logging.DEBUG)
