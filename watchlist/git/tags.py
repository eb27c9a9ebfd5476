"""What git's wire protocol says of a repository's tags: one line of `ls-refs` each.

An annotated tag is an object of its own; with `peel` the server also tells what it stands for. Dates are not told.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dulwich.errors import HangupException
from dulwich.refs import Ref, check_ref_format

from watchlist import limits
from watchlist.git.protocol import Read, command, lines_of, protocol_errors
from watchlist.git.tag import Tag

PREFIX = "refs/tags/"

_DIGEST_LENGTH = 32
_MOST_LINES = 400_000
"""Hosts may show all refs, whatever is asked for; the transfer has bounds of its own."""

_OID = rb"[0-9a-f]{64}|[0-9a-f]{40}"
_LINE = re.compile(rb"(%b) (refs/tags/[^\0 \n]+)(?: peeled:(%b)| (?!peeled:)[a-z-]+:[^\0 \n]+)*\n?" % (_OID, _OID))
"""An object's id, a ref, and attributes: what has something else behind its name is no line of git's."""


@dataclass(frozen=True, slots=True)
class Tags:
    """All tags of a repository that may be kept, in no order; none whose name git would not take, or is too long.

    Attributes:
        tags: each name once.
        digest: the same as long as no tag comes, goes or moves.
    """

    tags: tuple[Tag, ...]
    digest: str


class TooManyTagsError(Exception):
    """There are more tags than are looked at."""


def tags_request(object_format: str = "sha1") -> bytes:
    """Return the `ls-refs` command that asks for the tags."""
    return command(b"ls-refs", [b"peel", b"ref-prefix " + PREFIX.encode()], object_format)


def head_and_tags_request(object_format: str = "sha1") -> bytes:
    """Return the `ls-refs` command that asks where HEAD points and for the tags."""
    arguments = [b"peel", b"symrefs", b"ref-prefix HEAD", b"ref-prefix " + PREFIX.encode()]
    return command(b"ls-refs", arguments, object_format)


def read_tags(read: Read) -> Tags:
    """Read the answer to `tags_request`, or to `head_and_tags_request`.

    Raises:
        TooManyTagsError: there are more than `limits.TAGS_READ`.
        JobError: the answer is not git's, or broke off.
    """
    with protocol_errors():
        return tags_of(_whole(lines_of(read, _MOST_LINES)))


def tags_of(lines: Iterable[bytes]) -> Tags:
    """Return the tags among lines of `ls-refs`.

    Raises:
        TooManyTagsError: there are more than `limits.TAGS_READ`.
    """
    found: dict[str, Tag] = {}
    digests: list[bytes] = []
    for match in filter(None, map(_LINE.fullmatch, lines)):
        oid, ref, peeled = match.groups()
        digests.append(hashlib.sha256(b"\0".join((ref, oid, peeled or b""))).digest())
        if len(digests) > limits.TAGS_READ:
            raise TooManyTagsError
        if _is_kept(ref):
            name = ref[len(PREFIX) :].decode(errors="backslashreplace")
            found.setdefault(name, Tag(name, oid.decode(), (peeled or oid).decode()))
    # Sorted, since the order is the host's.
    digest = hashlib.sha256(b"".join(sorted(digests))).hexdigest()[:_DIGEST_LENGTH]
    return Tags(tuple(found.values()), digest)


def _whole(lines: Iterable[bytes | None]) -> Iterator[bytes]:
    """Yield the lines up to the flush; without it some are missing."""
    for line in lines:
        if line is None:
            return
        yield line
    raise HangupException


def _is_kept(ref: bytes) -> bool:
    return len(ref) - len(PREFIX) <= limits.TAG_BYTES and check_ref_format(Ref(ref))
