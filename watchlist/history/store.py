"""The history of an entry in DynamoDB: written by jobs as segments, read newest first in pages, in git's order.

    save     a job:    write what is new as segments; the manifest counts once the job has put it on the entry
    load     a job:    all commits with their files, and what a lost job has left behind
    page     requests: some commits without their files

Whoever reads follows the entry's manifest, so that a history is seen as one job has left it, whatever other jobs write
or remove meanwhile.
"""

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from watchlist import limits
from watchlist.errors import RequestRefusedError
from watchlist.history import segments
from watchlist.history.commits import Commit
from watchlist.history.manifest import Held, Manifest, Run, Segment, arrange
from watchlist.history.people import AuthorSearch
from watchlist.history.segments import KeptCommit
from watchlist.storage import batches, cursors
from watchlist.storage.batches import Patience
from watchlist.storage.records import ENTRY_KEY, SEGMENT_PREFIX, Entry, SegmentRecord

_ID = re.compile(r"([0-9a-f]+)\.([0-9]+)\.[0-9a-f]+")
_SHA = re.compile(r"[0-9a-f]{40,64}")
_LOOKS = 3
"""How often a manifest is read until a segment that it names is taken for lost: each time a job has replaced it."""


class HistoryChangedError(RequestRefusedError):
    """The commit at which a cursor points is not in the history any more, so nothing comes after it."""


class SegmentLostError(Exception):
    """A segment that counts is not there, though nobody has replaced the manifest that names it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Who writes to an entry's history: a segment's id begins with it, so that nobody removes what is written later."""

    watchlist_id: str
    generation: int
    number: int

    def new_id(self) -> str:
        """Return an id for a segment, unlike all others."""
        return f"{self.generation:x}.{self.number}.{secrets.token_hex(4)}"

    def is_after(self, segment_id: str) -> bool:
        """Whether an earlier attempt has written that segment."""
        written_by = _ID.fullmatch(segment_id)
        return written_by is None or (int(written_by[1], 16), int(written_by[2])) < (self.generation, self.number)


@dataclass(frozen=True, slots=True)
class KeptSegment:
    """A segment with those of its commits that count."""

    segment: Segment
    commits: tuple[KeptCommit, ...]


@dataclass(frozen=True, slots=True)
class KeptHistory:
    """A history as a job finds it.

    Attributes:
        segments: that count, in git's order, newest first.
        left_over: ids of segments that do not count.
        is_lost: whether there is one that cannot be read as a whole, so that it must be fetched again.
    """

    segments: tuple[KeptSegment, ...]
    left_over: tuple[str, ...]
    is_lost: bool = False

    @property
    def kept(self) -> tuple[KeptCommit, ...]:
        """All commits with their files, newest first."""
        return tuple(kept for each in self.segments for kept in each.commits)

    @property
    def commits(self) -> tuple[Commit, ...]:
        """Likewise, without what is known beside them."""
        return tuple(kept.commit for kept in self.kept)

    def replaced(self) -> "KeptHistory":
        """Return what is left of it once a manifest counts that names none of its segments."""
        return KeptHistory((), tuple(each.segment.id for each in self.segments))


@dataclass(frozen=True, slots=True)
class CommitFilter:
    """Which commits to show: committed at or after `since`, by the author that is searched for."""

    since: datetime | None = None
    author: AuthorSearch | None = None

    def takes(self, commit: Commit) -> bool:
        """Whether to show a commit."""
        is_young = self.since is None or commit.committer.time >= self.since
        return is_young and (self.author is None or self.author.finds(commit.author))

    def may_be_in(self, segment: Segment) -> bool:
        """Whether a segment can have such commits."""
        return self.since is None or segment.latest >= int(self.since.timestamp())


@dataclass(frozen=True, slots=True)
class Page:
    """Commits without their files, newest first, and the cursor of the next page, None at the end."""

    commits: tuple[KeptCommit, ...]
    next_cursor: str | None


def load(entry: Entry) -> KeptHistory:
    """Return the history of an entry.

    One that cannot be read as a whole is none, and lost.

    Raises:
        PynamoDBException: DynamoDB did not answer.
    """
    manifest = Manifest.of(entry.manifest)
    found = SegmentRecord.query(entry.watchlist_id, SegmentRecord.sk.startswith(SEGMENT_PREFIX), consistent_read=True)
    records = {record.sk.removeprefix(SEGMENT_PREFIX): record for record in found}
    named = {segment.id for segment in manifest.segments}
    if not named <= records.keys():
        return KeptHistory((), tuple(records), is_lost=True)
    read = (
        KeptSegment(segment, tuple(_unpacked(records[segment.id])[: segment.commits])) for segment in manifest.segments
    )
    return KeptHistory(tuple(read), tuple(records.keys() - named))


def save(
    attempt: Attempt, order: Sequence[str], stored: KeptHistory, new: Iterable[Commit], patience: Patience
) -> Manifest:
    """Write what a changed history lacks, and return its manifest, which is still to be put on the entry.

    Args:
        attempt: who writes.
        order: ids of all commits of the history, newest first.
        stored: what there was.
        new: the other commits, with their files; stored ones that are known better now may be among them.
        patience: how long to go on.

    Raises:
        PynamoDBException: DynamoDB did not take them all.
    """
    written = {each.sha: KeptCommit.of(each) for each in new}
    commits = {kept.commit.sha: kept for kept in stored.kept} | written
    shas = ((each.segment, tuple(kept.commit.sha for kept in each.commits)) for each in stored.segments)
    held = [Held(segment, ids) for segment, ids in shas if written.keys().isdisjoint(ids)]
    named: list[Segment] = []
    records: list[SegmentRecord] = []
    for piece in arrange(order, held):
        if isinstance(piece, Segment):
            named.append(piece)
            continue
        for segment, record in _written(attempt, piece, commits):
            named.append(segment)
            records.append(record)
    batches.put(records, patience)
    return Manifest(tuple(named))


def clean(attempt: Attempt, stored: KeptHistory, patience: Patience) -> None:
    """Remove the segments of earlier attempts that did not count when `stored` was loaded.

    Later manifests name segments that counted then, or of later attempts; so none of them loses one, however late
    this is.

    Raises:
        PynamoDBException: DynamoDB did not take them all.
    """
    left_over = [segment_id for segment_id in stored.left_over if attempt.is_after(segment_id)]
    batches.delete([SegmentRecord(attempt.watchlist_id, SEGMENT_PREFIX + each) for each in left_over], patience)


def page(entry: Entry, wanted: CommitFilter, limit: int, cursor: str | None) -> Page:
    """Return at most `limit` commits after `cursor`.

    A page ends early where its texts grow too long for one answer, and where commits are so rare that
    `COMMITS_READ_BYTES` have been read: it can be short, and even empty, without being the last.

    Raises:
        InvalidCursorError: the cursor is malformed.
        HistoryChangedError: what it points at is not in the history any more.
        SegmentLostError: the history cannot be read.
    """
    after = cursors.decode(cursor, _ID, _SHA) if cursor else None
    for _ in range(_LOOKS):
        reading = _Reading(entry.watchlist_id, Manifest.of(entry.manifest))
        try:
            return reading.page(wanted, limit, after)
        except SegmentLostError:
            entry = Entry.get(entry.watchlist_id, ENTRY_KEY, consistent_read=True)
    raise SegmentLostError(entry.watchlist_id)


class _Reading:
    """One request's look at a history."""

    def __init__(self, watchlist_id: str, manifest: Manifest) -> None:
        self._watchlist_id = watchlist_id
        self._segments = manifest.segments
        self._read_so_far: dict[str, Sequence[KeptCommit]] = {}
        self._bytes = 0

    def page(self, wanted: CommitFilter, limit: int, after: tuple[str, ...] | None) -> Page:
        found: list[KeptCommit] = []
        characters = 0
        number, skipped = (0, 0) if after is None else self._place(*after)
        last = after
        left = [segment for segment in self._segments[number:] if wanted.may_be_in(segment)]
        while left:
            segment = left.pop(0)
            commits = self._read(segment)
            for kept in commits[skipped if segment is self._segments[number] else 0 :]:
                if wanted.takes(kept.commit):
                    characters += _characters(kept.commit)
                    if last and found and (len(found) == limit or characters > limits.COMMITS_PAGE_CHARACTERS):
                        return Page(tuple(found), cursors.encode(*last))
                    found.append(kept)
                last = (segment.id, kept.commit.sha)
            if left and last and (len(found) == limit or self._bytes > limits.COMMITS_READ_BYTES):
                return Page(tuple(found), cursors.encode(*last))
        return Page(tuple(found), None)

    def _place(self, segment_id: str, sha: str) -> tuple[int, int]:
        """Return behind how many segments, and behind how many commits of the next one, that commit is the last.

        Raises:
            HistoryChangedError: it is nowhere.
        """
        likeliest_first = sorted(range(len(self._segments)), key=lambda number: self._segments[number].id != segment_id)
        for number in likeliest_first:
            shas = [kept.commit.sha for kept in self._read(self._segments[number])]
            if sha in shas:
                return number, shas.index(sha) + 1
        raise HistoryChangedError

    def _read(self, segment: Segment) -> Sequence[KeptCommit]:
        if segment.id not in self._read_so_far:
            try:
                record = SegmentRecord.get(
                    self._watchlist_id,
                    SEGMENT_PREFIX + segment.id,
                    consistent_read=True,
                    attributes_to_get=["pk", "sk", "type", "listed"],
                )
            except SegmentRecord.DoesNotExist:
                raise SegmentLostError(segment.id) from None
            commits, size = segments.unpack_listed(record.listed)
            self._bytes += size
            self._read_so_far[segment.id] = commits[: segment.commits]
        return self._read_so_far[segment.id]


def _written(attempt: Attempt, run: Run, commits: Mapping[str, KeptCommit]) -> Iterator[tuple[Segment, SegmentRecord]]:
    for packed in segments.pack([commits[sha] for sha in run.shas]):
        times = [int(kept.commit.committer.time.timestamp()) for kept in packed.commits]
        segment = Segment(attempt.new_id(), len(packed.commits), min(times), max(times))
        yield (
            segment,
            SegmentRecord(
                attempt.watchlist_id,
                SEGMENT_PREFIX + segment.id,
                listed=packed.listed,
                changes=packed.changes,
                format=segments.FORMAT,
            ),
        )


def _unpacked(record: SegmentRecord) -> list[KeptCommit]:
    return segments.unpack(record.listed, record.changes)


def _characters(commit: Commit) -> int:
    names = (commit.author.name, commit.author.email, commit.committer.name, commit.committer.email)
    return len(commit.message) + len(commit.subject) + sum(map(len, names))
