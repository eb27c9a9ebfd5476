"""The largest record of each kind is written and read back: what comes from outside is bounded before it is stored."""

import functools
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.aws import Aws
from tests.integration.jobs.harness import clean
from watchlist import limits
from watchlist.errors import ErrorCode, JobError
from watchlist.health import store as health_store
from watchlist.health.analysis import Analysis
from watchlist.health.scorecard import MAX_DETAILS, CheckResult, ScorecardResult, ScorecardSource
from watchlist.history import store as history_store
from watchlist.history.commits import Commit, FileChange, Signature
from watchlist.history.metrics import MAX_CONTRIBUTORS, MAX_FILES, measure
from watchlist.history.people import People
from watchlist.history.store import Attempt, CommitFilter, KeptHistory
from watchlist.states import Stage
from watchlist.storage import batches
from watchlist.storage.records import ENTRY_KEY, Entry, LastError, SegmentRecord

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
ITEM_BYTES = 400 * 1024
"""The most that DynamoDB takes."""


@pytest.fixture(autouse=True)
def tables(aws: Aws) -> None:
    clean(aws.environment, aws.variables)


def noise(characters: int) -> str:
    """Text of four bytes a character, which does not get smaller by compression."""
    return "".join(chr(0x10000 + int.from_bytes(os.urandom(3)) % 0xFFFFF) for _ in range(characters))


@functools.cache
def texts() -> tuple[Signature, str, tuple[FileChange, ...]]:
    who = Signature(noise(2000), noise(2000), NOW)
    return who, noise(20_000), tuple(FileChange(noise(400), 10**12, 10**12) for _ in range(1500))


def largest_commits(number: int) -> Iterator[Commit]:
    who, message, files = texts()
    for each in range(number):
        parents = tuple(os.urandom(32).hex() for _ in range(12_000 if each == 0 else 200))
        yield Commit(f"{each:064x}", parents, who, who, message, message, signed=True, files=files)


def test_the_largest_commits_are_stored_and_read_in_pages() -> None:
    commits = list(largest_commits(60))
    order = [commit.sha for commit in commits]
    entry = Entry("watchlist_1", ENTRY_KEY, watchlist_id="watchlist_1")
    attempt = Attempt("watchlist_1", 1, 1)
    entry.manifest = history_store.save(attempt, order, KeptHistory((), ()), commits, batches.REQUEST).stored()

    records = list(SegmentRecord.query("watchlist_1", consistent_read=True))
    assert len(records) > 1
    assert all(batches.size_of(record.serialize()) < ITEM_BYTES for record in records)
    assert [commit.sha for commit in history_store.load(entry).commits] == order
    page = history_store.page(entry, CommitFilter(), 5, None)
    assert [kept.commit.sha for kept in page.commits] == order[:5]
    assert (page.commits[0].parent_count, len(page.commits[0].commit.parents)) == (12_000, limits.PARENTS)


def test_the_largest_entry_is_small() -> None:
    """It is written again and again, so that its size is what a job costs."""
    segment = ["f" * 8 + ".3." + "f" * 8, 100, -62_135_596_800, 253_402_300_799]
    entry = Entry(
        "w" * limits.IDENTIFIER_CHARACTERS,
        ENTRY_KEY,
        watchlist_id="w" * limits.IDENTIFIER_CHARACTERS,
        manifest={"format": 1, "segments": [segment] * 100},
        last_error=LastError.of(JobError(ErrorCode.INTERNAL_ERROR, noise(5000)), Stage.CLONING, NOW),
    )
    assert batches.size_of(entry.serialize(null_check=False)) < 10 * 1024


def test_the_largest_analysis_is_stored_and_read_back() -> None:
    checks = tuple(
        CheckResult(
            name=f"Check-{number}",
            score=5,
            reason=noise(300),
            documentation_url=None,
            details=tuple(noise(300) for _ in range(MAX_DETAILS)),
        )
        for number in range(20)
    )
    result = ScorecardResult(
        score=5, source=ScorecardSource.LOCAL, head="1" * 64, obtained_at=NOW, date=NOW, checks=checks
    )
    authors = [Signature(noise(2000), f"{number}@example.org", NOW) for number in range(MAX_CONTRIBUTORS + 1)]
    files = tuple(FileChange(noise(400), 10**12, 10**12) for _ in range(MAX_FILES + 1))
    commits = [Commit(f"{n:064x}", (), who, who, "s", "m", signed=True, files=files) for n, who in enumerate(authors)]
    metrics = measure(commits, People(authors), now=NOW)
    assert (len(metrics.top_contributors), len(metrics.top_files or ())) == (MAX_CONTRIBUTORS, MAX_FILES)
    days = [NOW + timedelta(days=day) for day in range(3)]
    analyses = [
        Analysis(analyzed_at=at, head_sha="1" * 64, scorecard=result, history_metrics=metrics) for at in reversed(days)
    ]
    for analysis in analyses:
        health_store.put("watchlist_1", analysis)
    assert health_store.latest("watchlist_1") == analyses
