"""The commits of an entry in DynamoDB: written in batches, read newest first in pages.

A commit's item depends on the commit alone, so writing it again changes nothing. Batch writes cannot carry a
condition; a task therefore writes only while its lease is known to last (`tasks.job`), and a commit that a stale task
writes all the same is the commit that the other task writes too.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from watchlist import cursors, file_changes, limits
from watchlist.commits import Commit, Signature
from watchlist.records import COMMIT_PREFIX, CommitRecord

BATCH = 25
"""Items of one BatchWriteItem call: the most that DynamoDB takes."""

_AFTER_COMMITS = COMMIT_PREFIX + "~"
"""Greater than every commit's key."""


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

    An author's commits are looked for in all commits of the entry, which are bounded by what a year's window holds.

    Raises:
        InvalidCursorError: the cursor is malformed.
    """
    lower = COMMIT_PREFIX + (_moment(wanted.since) if wanted.since else "")
    author_filter = None
    if wanted.author is not None:
        author_filter = (CommitRecord.author_email == wanted.author) | (CommitRecord.author_name == wanted.author)
    found = list(
        CommitRecord.query(
            watchlist_id,
            CommitRecord.sk.between(lower, _AFTER_COMMITS),
            filter_condition=author_filter,
            scan_index_forward=False,
            limit=limit + 1,
            page_size=limits.COMMITS_PAGE_MAX if wanted.author is not None else limit + 1,
            last_evaluated_key=_start(watchlist_id, cursor, lower) if cursor else None,
        )
    )
    more = len(found) > limit
    return Page(tuple(found[:limit]), cursors.encode(found[limit - 1].sk) if more else None)


def _start(watchlist_id: str, cursor: str, lower: str) -> dict[str, dict[str, str]]:
    """Return the key behind which the page begins; DynamoDB takes only one within the range that is asked for."""
    (key,) = cursors.decode(cursor, 1)
    if not lower <= key <= _AFTER_COMMITS:
        raise cursors.InvalidCursorError("is no cursor of this list")
    return {"pk": {"S": watchlist_id}, "sk": {"S": key}}


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
    return at.strftime("%Y-%m-%dT%H:%M:%S")
