"""Histories in the table: what readers see while jobs write, die, come late and clean up."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.aws import Aws
from tests.integration.jobs.harness import clean
from watchlist import limits
from watchlist.history import store as history_store
from watchlist.history.commits import Commit, FileChange, Signature
from watchlist.history.manifest import Manifest
from watchlist.history.people import AuthorSearch
from watchlist.history.store import Attempt, CommitFilter, HistoryChangedError, SegmentLostError
from watchlist.storage import batches
from watchlist.storage.records import ENTRY_KEY, Entry, SegmentRecord

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
ID = "watchlist_pallets_flask_1764000000"
ALL = CommitFilter()


def commit(number: int, author: str = "ada") -> Commit:
    """The commit that is older by so many minutes."""
    who = Signature(author, f"{author}@example.org", NOW - timedelta(minutes=number))
    return Commit(f"{number:040x}", (), who, who, "Write", "Write", signed=False, files=(FileChange("a", 1, 0),))


@dataclass
class History:
    """An entry with a history, and what jobs do to it."""

    commits: dict[str, Commit] = field(default_factory=dict)

    @property
    def entry(self) -> Entry:
        return Entry.get(ID, ENTRY_KEY, consistent_read=True)

    def write(self, order: Sequence[int], attempt: tuple[int, int] = (1, 1), seen: Entry | None = None) -> Manifest:
        """Do what a job does until it completes, with the entry as it has seen it."""
        stored = history_store.load(seen or self.entry)
        history_store.clean(Attempt(ID, *attempt), stored, batches.REQUEST)
        known = {each.sha for each in stored.commits}
        new = [commit(number) for number in order if commit(number).sha not in known]
        shas = [commit(number).sha for number in order]
        return history_store.save(Attempt(ID, *attempt), shas, stored, new, batches.REQUEST)

    def complete(self, manifest: Manifest) -> None:
        Entry(ID, ENTRY_KEY).update(actions=[Entry.manifest.set(manifest.stored())])

    def refresh(self, order: Sequence[int], attempt: tuple[int, int] = (1, 1)) -> Manifest:
        manifest = self.write(order, attempt)
        self.complete(manifest)
        return manifest

    def numbers(self, wanted: CommitFilter = ALL, limit: int = 1000) -> list[int]:
        """Read all pages."""
        return [number for page in self.pages(wanted, limit) for number in page]

    def pages(self, wanted: CommitFilter = ALL, limit: int = 200) -> Iterator[list[int]]:
        cursor = None
        while True:
            page = history_store.page(self.entry, wanted, limit, cursor)
            yield [int(kept.commit.sha, 16) for kept in page.commits]
            if (cursor := page.next_cursor) is None:
                return


@pytest.fixture
def history(aws: Aws) -> History:
    clean(aws.environment, aws.variables)
    Entry(ID, ENTRY_KEY, watchlist_id=ID).update(actions=[Entry.watchlist_id.set(ID)])
    return History()


def segments() -> list[str]:
    return [record.sk for record in SegmentRecord.query(ID, SegmentRecord.sk.startswith("SEGMENT#"))]


def test_what_a_lost_job_has_written_is_seen_by_nobody(history: History) -> None:
    history.refresh(range(10, 250))
    before = history.entry
    history.write(range(250), (2, 1))
    assert history.numbers() == list(range(10, 250))
    assert [int(each.sha, 16) for each in history_store.load(before).commits] == list(range(10, 250))


def test_the_next_job_removes_what_a_lost_one_has_written(history: History) -> None:
    history.refresh(range(10, 250))
    history.write(range(250), (2, 1))
    manifest = history.refresh(range(5, 250), (2, 2))
    assert len(segments()) == len(manifest.segments)
    assert history.numbers() == list(range(5, 250))


def test_segments_that_were_replaced_are_removed_by_the_next_job(history: History) -> None:
    history.refresh(range(100, 110))
    for generation, first in enumerate((90, 80, 70), start=2):
        history.refresh(range(first, 110), (generation, 1))
    manifest = history.refresh(range(69, 110), (5, 1))
    replaced = 1
    assert len(segments()) <= len(manifest.segments) + replaced


def test_a_late_job_removes_nothing_of_the_one_that_took_its_place(history: History) -> None:
    """It has read the entry, then another has written; what it takes for left over is what counts now."""
    history.refresh(range(100, 150))
    seen_by_late_job = history.entry
    manifest = history.write(range(50, 150), (2, 2))
    history.write(range(100, 150), (2, 1), seen=seen_by_late_job)
    history.complete(manifest)
    assert history.numbers() == list(range(50, 150))


def test_a_late_job_writes_over_nothing_of_the_one_that_took_its_place(history: History) -> None:
    seen_by_late_job = history.entry
    history.refresh(range(50), (1, 2))
    history.write(range(20, 50), (1, 1), seen=seen_by_late_job)
    assert history.numbers() == list(range(50))


def test_a_reader_whose_segments_are_removed_meanwhile_reads_the_new_ones(history: History) -> None:
    history.refresh(range(10, 20))
    seen = history.entry
    history.refresh(range(20), (2, 1))
    history.refresh(range(20), (3, 1))  # removes what the second one has replaced
    page = history_store.page(seen, ALL, 100, None)
    assert [int(kept.commit.sha, 16) for kept in page.commits] == list(range(20))


def test_a_segment_that_is_lost_is_an_error_to_readers_and_the_next_job_fetches_anew(history: History) -> None:
    history.refresh(range(250))
    SegmentRecord(ID, segments()[0]).delete()
    with pytest.raises(SegmentLostError):
        history.numbers()
    assert history_store.load(history.entry).commits == ()
    history.refresh(range(250), (2, 1))
    assert history.numbers() == list(range(250))


@pytest.mark.parametrize("limit", [1, 7, 100, 200])
def test_pages_of_any_size_are_the_history(history: History, limit: int) -> None:
    history.refresh(range(100, 150))
    history.refresh([*range(5), *range(100, 130), 7, *range(130, 150)], (2, 1))
    pages = list(history.pages(limit=limit))
    assert [number for page in pages for number in page] == [*range(5), *range(100, 130), 7, *range(130, 150)]
    assert all(len(page) <= limit for page in pages)


def test_commits_of_one_second_stay_in_the_order_they_were_given(history: History) -> None:
    order = [3, 1, 2, 9, 4]
    history.refresh(order)
    assert history.numbers(limit=2) == order


def test_since_leaves_out_what_is_older_wherever_it_stands(history: History) -> None:
    history.refresh([1, 300, 2, *range(3, 250)])
    wanted = CommitFilter(since=NOW - timedelta(minutes=5))
    assert history.numbers(wanted, limit=3) == [1, 2, 3, 4, 5]


def test_since_reads_no_segment_whose_commits_are_all_older(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    history.refresh(range(1000))
    read: list[str] = []
    get = SegmentRecord.get

    def recorded(pk: str, sk: str, **more: Any) -> SegmentRecord:
        read.append(sk)
        return get(pk, sk, **more)

    monkeypatch.setattr(SegmentRecord, "get", recorded)
    history_store.page(history.entry, CommitFilter(since=NOW - timedelta(minutes=250)), 200, None)
    assert len(read) <= 3


def test_an_author_search_over_the_largest_history_reads_a_bounded_part_and_goes_on_by_cursor(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "COMMITS_READ_BYTES", 100_000)
    history.refresh(range(1000))
    pages = list(history.pages(CommitFilter(author=AuthorSearch("Bob"))))
    assert 2 <= len(pages) <= 10
    assert pages == [[]] * len(pages)


def test_a_cursor_survives_a_refresh_that_merged_its_segment(history: History) -> None:
    history.refresh(range(10, 60))
    page = history_store.page(history.entry, ALL, 20, None)
    history.refresh(range(60 - 50 - 10, 60), (2, 1))
    history.refresh([*range(1000, 1060), *range(60)], (3, 1))
    rest = history_store.page(history.entry, ALL, 200, page.next_cursor)
    assert [int(kept.commit.sha, 16) for kept in rest.commits] == list(range(30, 60))


def test_a_cursor_survives_a_refresh_that_tore_its_segment_apart(history: History) -> None:
    history.refresh(range(100, 150))
    page = history_store.page(history.entry, ALL, 20, None)
    manifest = history.refresh([*range(110), 7777, *range(110, 150)], (2, 1))
    assert len(manifest.segments) == 2
    rest = history_store.page(history.entry, ALL, 200, page.next_cursor)
    assert [int(kept.commit.sha, 16) for kept in rest.commits] == list(range(120, 150))


def test_a_cursor_at_a_commit_that_is_gone_says_so(history: History) -> None:
    history.refresh(range(50))
    page = history_store.page(history.entry, ALL, 20, None)
    history.refresh([*range(10), *range(30, 50)], (2, 1))
    with pytest.raises(HistoryChangedError):
        history_store.page(history.entry, ALL, 20, page.next_cursor)


def test_a_refresh_of_one_commit_writes_one_segment(history: History) -> None:
    history.refresh(range(100, 1100))
    before = set(segments())
    history.refresh(range(99, 1099), (2, 1))
    assert len(set(segments()) - before) == 1
    assert history.numbers() == list(range(99, 1099))
