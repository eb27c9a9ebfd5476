"""Commit objects, read as git reads them; nothing in one can fail the reading.

Names, messages and dates of public repositories hold every byte there is: undeclared encodings, lone surrogates, empty
names, time zones without end, years beyond all calendars.
"""

import contextlib
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from tasks.history.declared_encodings import codec_of
from watchlist.history.commits import Commit, Signature

MESSAGE_CHARACTERS = 16_384
"""Longer messages are cut: one commit must not fill the task's memory or the service's tables."""

NAME_CHARACTERS = 512
"""Longer names and email addresses are cut."""

_PARENTS = re.compile(rb"tree ([0-9a-f]{64}|[0-9a-f]{40})\n((?:parent (?:[0-9a-f]{64}|[0-9a-f]{40})\n)*)")
_COMMITTER = re.compile(rb"(?:(?!committer )[^\n]+\n)*?committer ([^\n]*)\n")
"""The first in the header. git expects it right after one author and takes what has two authors for dated 1970."""
_MAKER = re.compile(rb"^(?:committer|tagger) ([^\n]*)\n", re.MULTILINE)
_DIGITS_READ = 20
_BLANK = " \t\r\n"
"""What git takes for white space."""
_TIMESTAMP = re.compile(rb"\s*(-?)([0-9]+)")
_EARLIEST = int(datetime(1, 1, 1, tzinfo=UTC).timestamp())
_LATEST = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())
_LARGEST_TIMESTAMP = 2**64 - 1


@dataclass(frozen=True, slots=True)
class RawCommit:
    """A commit as far as a walk needs it.

    Attributes:
        sha: the commit's id.
        tree: its root tree's id, or None when the commit is damaged.
        parents: its parents' ids; none when the commit is damaged.
        committed: the committer's time in Unix seconds as git orders by it: 0 where there is none, and a negative one
            is a time in the far future.
        content: the whole object.
    """

    sha: str
    tree: str | None
    parents: tuple[str, ...]
    committed: int
    content: bytes


def read_commit(sha: str, content: bytes) -> RawCommit:
    """Read what a walk needs."""
    if not (header := _PARENTS.match(content)):
        return RawCommit(sha, None, (), 0, content)
    parents = tuple(line[7:].decode() for line in header[2].splitlines())
    committer = _COMMITTER.match(content, header.end())
    committed = _git_timestamp(committer[1]) if committer else 0
    return RawCommit(sha, header[1].decode(), parents, committed, content)


def made_at(content: bytes) -> datetime | None:
    """Return when an annotated tag was made, or a commit committed; None where that is in no calendar.

    Very old tags have no tagger.
    """
    header = content.partition(b"\n\n")[0] + b"\n"
    said = _MAKER.search(header)
    time = said and _TIMESTAMP.match(said[1].rpartition(b">")[2])
    if not time:
        return None
    seconds = int(time[1] + time[2][:_DIGITS_READ])
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds <= _LATEST else None


def parse_commit(raw: RawCommit) -> Commit:
    """Read everything that the service keeps of a commit; text is valid Unicode, times fit a calendar."""
    header, _, body = raw.content.partition(b"\n\n")
    fields = _fields(header.split(b"\n"))
    encoding = codec_of(fields.get(b"encoding", b"utf-8").decode("ascii", errors="replace"))
    message = _text(body.partition(b"\0")[0][: MESSAGE_CHARACTERS * 4], encoding)[:MESSAGE_CHARACTERS]
    committer = _signature(fields.get(b"committer", b""), encoding)
    return Commit(
        sha=raw.sha,
        parents=raw.parents,
        author=_signature(fields.get(b"author", b""), encoding),
        committer=committer,
        subject=_subject(message),
        message=message,
        signed=b"gpgsig" in fields or b"gpgsig-sha256" in fields,
        ordered_by=None if raw.committed == int(committer.time.timestamp()) else raw.committed,
    )


def _fields(lines: Iterable[bytes]) -> dict[bytes, bytes]:
    """Return each header's first value; a folded header's further lines start with a space."""
    fields: dict[bytes, bytes] = {}
    for line in lines:
        name, _, value = line.partition(b" ")
        if name:
            fields.setdefault(name, value)
    return fields


def _signature(line: bytes, codec: str | None) -> Signature:
    """Read who and when; text ends at NUL, as it does for git. Without both brackets it tells nobody, as for git."""
    name, _, rest = line.partition(b"\0")[0].partition(b"<")
    email = rest.partition(b">")[0]
    if b">" not in line.partition(b"<")[2]:
        name = email = b""
    _, _, date = line.rpartition(b">")
    return Signature(
        name=_text(name.strip()[: NAME_CHARACTERS * 4], codec)[:NAME_CHARACTERS],
        email=_text(email.strip()[: NAME_CHARACTERS * 4], codec)[:NAME_CHARACTERS],
        time=_time(date),
    )


def _time(date: bytes) -> datetime:
    found = _TIMESTAMP.match(date)
    seconds = int(found[1] + found[2][:24]) if found else 0
    return datetime.fromtimestamp(max(_EARLIEST, min(_LATEST, seconds)), UTC)


def _git_timestamp(committer: bytes) -> int:
    """Read a time as git's `parse_commit_date`: an unsigned 64-bit number that saturates, and wraps below zero."""
    found = _TIMESTAMP.match(committer.rpartition(b">")[2]) if b">" in committer else None
    if not found:
        return 0
    seconds = min(int(found[2][:24]), _LARGEST_TIMESTAMP)
    return (_LARGEST_TIMESTAMP + 1 - seconds) % (_LARGEST_TIMESTAMP + 1) if found[1] else seconds


def _text(data: bytes, codec: str | None) -> str:
    """Decode as declared where that is possible, else as UTF-8, which many tools write whatever they declare."""
    for candidate in (codec, "utf-8"):
        if candidate is not None:
            with contextlib.suppress(UnicodeError):
                return _valid(data.decode(candidate))
    return _valid(data.decode(codec or "utf-8", errors="replace"))


def _valid(text: str) -> str:
    return text.encode(errors="replace").decode()


def _subject(message: str) -> str:
    """Return the first paragraph in one line, as `%s` of git's pretty formats: lines lose what blank ends they have."""
    lines = (line.rstrip(_BLANK) for line in message.split("\n"))
    begun = itertools.dropwhile(lambda line: not line, lines)
    return " ".join(itertools.takewhile(bool, begun))
