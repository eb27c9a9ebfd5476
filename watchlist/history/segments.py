"""What an item of the table holds of a history: some commits in git's order, compressed and bounded.

What a list shows of them and their changed files are packed apart, so that a page of commits does not unpack files.
"""

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from watchlist import limits
from watchlist.history import file_changes
from watchlist.history.commits import Commit, Signature

FORMAT = 1
"""Of what is packed; kept with it, so that another one can be told from it."""

_MOST_UNPACKED = 16 * 1024 * 1024
"""More than the largest commits of a segment can be; what unpacks to more is none of ours."""


@dataclass(frozen=True, slots=True)
class KeptCommit:
    """A commit as it is kept.

    Attributes:
        commit: its texts cut to size and at most `limits.PARENTS` parents; without its files where a list is read.
        parent_count: how many parents it really has.
        files_changed: how many files it really changed; like the lines None while unknown, or where it cannot be had.
        lines_added: in text files, those of files that are not kept included.
        lines_deleted: likewise.
    """

    commit: Commit
    parent_count: int
    files_changed: int | None
    lines_added: int | None
    lines_deleted: int | None

    @classmethod
    def of(cls, commit: Commit) -> "KeptCommit":
        """Return `commit` as it will be read back, but for its files, which are bounded when they are packed."""
        return cls(
            commit=replace(
                commit,
                parents=commit.parents[: limits.PARENTS],
                author=_bounded(commit.author),
                committer=_bounded(commit.committer),
                subject=commit.subject[: limits.SUBJECT_CHARACTERS],
                message=commit.message[: limits.COMMIT_MESSAGE_CHARACTERS],
            ),
            parent_count=len(commit.parents),
            files_changed=None if commit.files is None else len(commit.files),
            lines_added=commit.lines_added,
            lines_deleted=commit.lines_deleted,
        )

    @property
    def knows_its_parents(self) -> bool:
        """Whether all parents are kept."""
        return self.parent_count == len(self.commit.parents)


@dataclass(frozen=True, slots=True)
class Packed:
    """The content of one segment.

    Attributes:
        commits: what is in it, in git's order.
        listed: what lists show of the commits, compressed.
        changes: their files, compressed.
    """

    commits: tuple[KeptCommit, ...]
    listed: bytes
    changes: bytes


def pack(commits: Sequence[KeptCommit]) -> Iterator[Packed]:
    """Yield commits as one segment, or, where they do not fit into an item, as several."""
    files = (kept.commit.files for kept in commits)
    yield from _pack(commits, [None if each is None else file_changes.to_rows(each) for each in files])


def _pack(commits: Sequence[KeptCommit], files: Sequence[list[file_changes.Row] | None]) -> Iterator[Packed]:
    listed, changes = pack_listed(commits), compressed(files)
    if len(listed) + len(changes) <= limits.SEGMENT_BYTES:
        yield Packed(tuple(commits), listed, changes)
        return
    half = len(commits) // 2
    yield from _pack(commits[:half], files[:half])
    yield from _pack(commits[half:], files[half:])


def pack_listed(commits: Sequence[KeptCommit]) -> bytes:
    """Return what lists show of the commits, compressed."""
    return compressed([_to_row(kept) for kept in commits])


def unpack_listed(listed: bytes) -> tuple[list[KeptCommit], int]:
    """Return the commits without their files, and how many bytes that was.

    Raises:
        ValueError: the bytes are not what `pack` made.
    """
    text = _decompressed(listed)
    return [_from_row(row) for row in json.loads(text)], len(text)


def unpack(listed: bytes, changes: bytes) -> list[KeptCommit]:
    """Return the commits with their files.

    Raises:
        ValueError: the bytes are not what `pack` made.
    """
    commits, _ = unpack_listed(listed)
    rows = json.loads(_decompressed(changes))
    return [
        replace(kept, commit=replace(kept.commit, files=None if files is None else file_changes.from_rows(files)))
        for kept, files in zip(commits, rows, strict=True)
    ]


def _bounded(signature: Signature) -> Signature:
    return Signature(
        signature.name[: limits.NAME_CHARACTERS], signature.email[: limits.NAME_CHARACTERS], signature.time
    )


def _to_row(kept: KeptCommit) -> list[Any]:
    commit = kept.commit
    return [
        commit.sha,
        commit.parents,
        kept.parent_count,
        *_to_fields(commit.author),
        *_to_fields(commit.committer),
        commit.subject,
        commit.message,
        int(commit.signed),
        kept.files_changed,
        kept.lines_added,
        kept.lines_deleted,
        commit.ordered_by,
    ]


def _from_row(row: Sequence[Any]) -> KeptCommit:
    sha, parents, parent_count, *signatures, subject, message, signed, files, added, deleted, ordered_by = row
    commit = Commit(
        sha=sha,
        parents=tuple(parents),
        author=_from_fields(signatures[:3]),
        committer=_from_fields(signatures[3:]),
        subject=subject,
        message=message,
        signed=bool(signed),
        ordered_by=ordered_by,
    )
    return KeptCommit(commit, parent_count, files, added, deleted)


def _to_fields(signature: Signature) -> tuple[str, str, int]:
    return signature.name, signature.email, int(signature.time.timestamp())


def _from_fields(fields: Sequence[Any]) -> Signature:
    name, email, time = fields
    return Signature(name, email, datetime.fromtimestamp(time, UTC))


def compressed(value: Any) -> bytes:  # noqa: ANN401 - anything that is JSON
    """Return `value` as compressed JSON."""
    return zlib.compress(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode(), level=9)


def _decompressed(packed: bytes) -> bytes:
    reader = zlib.decompressobj()
    text = reader.decompress(packed, _MOST_UNPACKED)
    if not reader.eof:
        raise ValueError("more than a segment, or less")
    return text
