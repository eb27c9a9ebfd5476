"""The commits of an entry in DynamoDB: written in batches, read newest first in pages.

A commit's item depends on the commit alone, so writing it again changes nothing. Batch writes cannot carry a
condition; a task therefore writes only while its lease is known to last (`tasks.job`), and a commit that a stale task
writes all the same is the commit that the other task writes too.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from watchlist import limits
from watchlist.history import file_changes
from watchlist.history.commits import Commit, Signature
from watchlist.storage import cursors
from watchlist.storage.records import COMMIT_PREFIX, CommitRecord

BATCH = 25
"""Items of one BatchWriteItem call: the most that DynamoDB takes."""

_AFTER_COMMITS = COMMIT_PREFIX + "~"
"""Greater than every commit's key."""

_POSITION = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d#[0-9a-f]{40,64}")
"""A commit's key without its prefix."""


@dataclass(frozen=True, slots=True)
class CommitFilter:
    """Which commits to show: committed at or after `since`, by the author of that name or email address."""

    since: datetime | None = None
    author: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Commits, newest first, and the cursor of the next page, None at the end."""

    commits: tuple[CommitRecord, ...]
    next_cursor: str | None


def put(watchlist_id: str, commits: Iterable[Commit], generation: int) -> None:
    """Write commits, in as few calls as the API allows; unprocessed items are sent again.

    Args:
        watchlist_id: of the entry.
        commits: with or without their files.
        generation: of the job; until it is completed the commits do not count as known.

    Raises:
        PynamoDBException: DynamoDB did not take them all.
    """
    with CommitRecord.batch_write() as batch:
        for commit in commits:
            batch.save(to_record(watchlist_id, commit, generation))


def remove(watchlist_id: str, keys: Iterable[str]) -> None:
    """Delete the commits with these range keys.

    Raises:
        PynamoDBException: DynamoDB did not take them all.
    """
    with CommitRecord.batch_write() as batch:
        for key in keys:
            batch.delete(CommitRecord(watchlist_id, key))


def keys(watchlist_id: str) -> Iterator[tuple[str, str]]:
    """Yield (sha, range key) of every stored commit."""
    records = CommitRecord.query(
        watchlist_id,
        CommitRecord.sk.startswith(COMMIT_PREFIX),
        attributes_to_get=["pk", "sk", "type", "sha"],
        consistent_read=True,
    )
    for record in records:
        yield record.sha, record.sk


def known(watchlist_id: str, generation: int) -> list[Commit]:
    """Return the commits with their files that jobs up to `generation` have stored, without message; in no order.

    Of a commit that changed very many files only the ones with most lines are known, the others as one without a path.
    """
    records = CommitRecord.query(
        watchlist_id,
        CommitRecord.sk.startswith(COMMIT_PREFIX),
        CommitRecord.generation <= generation,
        consistent_read=True,
    )
    return [_to_commit(record) for record in records]


def page(watchlist_id: str, wanted: CommitFilter, limit: int, cursor: str | None) -> Page:
    """Return at most `limit` commits after `cursor`.

    A page ends early where its texts grow too long for one answer, and where an author's commits are so rare that
    `COMMITS_LOOKED_AT` have been looked at: it can be short, and even empty, without being the last.

    Raises:
        InvalidCursorError: the cursor is malformed.
    """
    lower = COMMIT_PREFIX + (_moment(wanted.since) if wanted.since else "")
    upper = COMMIT_PREFIX + cursors.decode(cursor, _POSITION)[0] if cursor else _AFTER_COMMITS
    if upper < lower:
        return Page((), None)
    most = limits.COMMITS_LOOKED_AT if wanted.author is not None else limit + 1
    scanned = CommitRecord.query(
        watchlist_id,
        CommitRecord.sk.between(lower, upper),
        scan_index_forward=False,
        limit=most + 1,  # the cursor's own commit comes first
        page_size=most + 1,
    )
    return _page([record for record in scanned if record.sk != upper], wanted, limit, most)


def _page(scanned: Sequence[CommitRecord], wanted: CommitFilter, limit: int, most: int) -> Page:
    """Return the page of what was `scanned`, which is all that there is if it is fewer than `most`."""
    found: list[CommitRecord] = []
    characters = 0
    for number, record in enumerate(scanned):
        if wanted.author in {None, record.author_email, record.author_name}:
            characters += _characters(record)
            if len(found) == limit or (found and characters > limits.COMMITS_PAGE_CHARACTERS):
                return Page(tuple(found), _cursor_after(scanned[number - 1]))
            found.append(record)
    return Page(tuple(found), _cursor_after(scanned[-1]) if len(scanned) >= most else None)


def _characters(record: CommitRecord) -> int:
    names = (record.author_name, record.author_email, record.committer_name, record.committer_email)
    return len(record.message) + len(record.subject) + sum(map(len, names))


def _cursor_after(record: CommitRecord) -> str:
    return cursors.encode(record.sk.removeprefix(COMMIT_PREFIX))


def to_record(watchlist_id: str, commit: Commit, generation: int) -> CommitRecord:
    """Return the item of a commit, its texts cut to size."""
    return CommitRecord(
        watchlist_id,
        f"{COMMIT_PREFIX}{_moment(commit.committer.time)}#{commit.sha}",
        sha=commit.sha,
        parents=list(commit.parents),
        author_name=commit.author.name[: limits.NAME_CHARACTERS],
        author_email=commit.author.email[: limits.NAME_CHARACTERS],
        authored_at=commit.author.time,
        committer_name=commit.committer.name[: limits.NAME_CHARACTERS],
        committer_email=commit.committer.email[: limits.NAME_CHARACTERS],
        committed_at=commit.committer.time,
        subject=commit.subject[: limits.SUBJECT_CHARACTERS],
        message=commit.message[: limits.COMMIT_MESSAGE_CHARACTERS],
        signed=commit.signed,
        files_changed=None if commit.files is None else len(commit.files),
        lines_added=commit.lines_added,
        lines_deleted=commit.lines_deleted,
        changes=None if commit.files is None else file_changes.pack(commit.files),
        generation=generation,
    )


def _to_commit(record: CommitRecord) -> Commit:
    return Commit(
        sha=record.sha,
        parents=tuple(map(str, record.parents)),
        author=Signature(record.author_name, record.author_email, record.authored_at),
        committer=Signature(record.committer_name, record.committer_email, record.committed_at),
        subject=record.subject,
        message="",
        signed=record.signed,
        files=None if record.changes is None else file_changes.unpack(record.changes),
    )


def _moment(at: datetime) -> str:
    return at.replace(tzinfo=None).isoformat(timespec="seconds")
