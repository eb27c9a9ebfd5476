"""What git's wire protocol says of a repository's HEAD: the messages, without the transport that carries them.

The rules are those of git's `protocol-v2`, `http-protocol` and `protocol-capabilities` documents. Tasks fetch histories
with them; the scheduler asks for HEAD alone.
"""

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from dulwich.errors import GitProtocolError, HangupException
from dulwich.protocol import Protocol, pkt_line
from dulwich.refs import Ref, check_ref_format

from watchlist import limits
from watchlist.errors import ErrorCode, JobError
from watchlist.git.answers import BrokenOffError, error_of_line
from watchlist.git.requests import SERVICE, USER_AGENT
from watchlist.repository_url import Repository
from watchlist.text import printable

BRANCHES_SHOWN = 20
"""Of a repository whose HEAD names none of them."""

_BRANCHES = "refs/heads/"
_DELIMITER = b"0001"
_FLUSH = b"0000"
_CAPABILITY_LINES = 200
_REF_LINES = 100_000
"""Hosts may show all refs, whatever is asked for; the transfer has bounds of its own."""
_OID_LENGTHS = {"sha1": 40, "sha256": 64}

Read = Callable[[int], bytes]
"""Reads exactly so many bytes of an answer, fewer only at its end."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where the repository's HEAD points.

    Attributes:
        sha: its commit, or None when the repository is empty (or HEAD names a branch without commits).
        branch: the default branch's name without `refs/heads/`, or None when HEAD is detached or the host hides it.
        object_format: `sha1` or `sha256`.
        renamed_to: what the repository is called now, where its host redirects to another name.
    """

    sha: str | None
    branch: str | None
    object_format: str
    renamed_to: Repository | None = None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the server offers, as far as it matters here; `version` 0 or 1 has no further fields but `head`.

    Attributes:
        head: where HEAD points, told unasked by servers of version 0 and 1.
    """

    version: int
    object_format: str = "sha1"
    shallow: bool = False
    filter: bool = False
    unborn: bool = False
    head: Head | None = None


def head_request(object_format: str = "sha1", *, unborn: bool = False) -> bytes:
    """Return the `ls-refs` command that asks where HEAD points; no other ref is transferred.

    Args:
        object_format: of the repository; a server refuses another one.
        unborn: also ask for the branch of an empty repository, where the server offers it.
    """
    arguments = [b"peel", b"symrefs", *([b"unborn"] if unborn else []), b"ref-prefix HEAD"]
    return command(b"ls-refs", arguments, object_format)


def branches_request(object_format: str = "sha1") -> bytes:
    """Return the `ls-refs` command that asks for the branches."""
    return command(b"ls-refs", [b"ref-prefix " + _BRANCHES.encode()], object_format)


def command(name: bytes, arguments: Sequence[bytes], object_format: str) -> bytes:
    """Return one command of version 2."""
    lines = [b"command=" + name, b"agent=" + USER_AGENT.split(maxsplit=1)[0].encode()]
    if object_format != "sha1":
        lines.append(b"object-format=" + object_format.encode())
    return b"".join(
        [*(pkt_line(line + b"\n") for line in lines), _DELIMITER, *(pkt_line(a + b"\n") for a in arguments), _FLUSH]
    )


def read_capabilities(read: Read) -> Capabilities:
    """Read the answer to `GET info/refs`.

    Raises:
        JobError: the host says that there is no such repository, or the answer is not git's.
    """
    with protocol_errors():
        return _read_capabilities(lines_of(read, _CAPABILITY_LINES))


def read_head(read: Read, object_format: str = "sha1") -> Head:
    """Read the answer to `head_request`.

    Raises:
        JobError: as for `read_capabilities`.
    """
    with protocol_errors():
        return _head_among(lines_of(read, _REF_LINES), object_format)


def read_branches(read: Read) -> tuple[str, ...]:
    """Read the answer to `branches_request`, and return the first `BRANCHES_SHOWN` names.

    Raises:
        JobError: as for `read_capabilities`.
    """
    with protocol_errors():
        refs = (line.decode(errors="replace").strip().partition(" ")[2] for line in lines_of(read, _REF_LINES) if line)
        return some_branches(refs)


def some_branches(refs: Iterable[str]) -> tuple[str, ...]:
    """Return the branches among full names of refs, at most `BRANCHES_SHOWN`, without `refs/heads/`."""
    return tuple(islice((branch for branch in map(branch_of, refs) if branch is not None), BRANCHES_SHOWN))


def branch_of(ref: str) -> str | None:
    """Return the branch that a host's text stands for, fit to be shown; None for what git takes for none."""
    name = ref.removeprefix(_BRANCHES)
    if name == ref or not check_ref_format(Ref(ref.encode(errors="replace"))):
        return None
    shown = printable(name, "\N{REPLACEMENT CHARACTER}")
    return shown if len(shown) <= limits.BRANCH_CHARACTERS else f"{shown[: limits.BRANCH_CHARACTERS - 1]}…"


@contextlib.contextmanager
def protocol_errors() -> Iterator[None]:
    """Turn errors of reading into what they mean for a job."""
    try:
        yield
    except HangupException as error:
        raise BrokenOffError(ErrorCode.TRANSFER_INVALID, "The host's answer broke off.") from error
    except (GitProtocolError, ValueError) as error:
        raise JobError(ErrorCode.TRANSFER_INVALID, "The host's answer is not git's.") from error


def lines_of(read: Read, most: int) -> Iterator[bytes | None]:
    """Yield pkt-lines to the end of the answer; None stands for a flush or a delimiter."""
    protocol = Protocol(read, len)
    for _ in range(most):
        try:
            line = protocol.read_pkt_line()
        except HangupException:
            return
        if line is not None and line.startswith(b"ERR "):
            raise error_of_line(line[4:])
        yield line
    raise GitProtocolError("more lines than any server sends")


def _read_capabilities(lines: Iterator[bytes | None]) -> Capabilities:
    texts = (line.decode(errors="replace").strip() for line in lines if line is not None)
    first = next(texts, "")
    is_announced = first == f"# service={SERVICE}"
    version = next(texts, "") if is_announced else first
    if version != "version 2":
        return _of_old_server(version, texts, is_announced=is_announced)
    fields = {name: value for name, _, value in (text.partition("=") for text in texts)}
    if "fetch" not in fields:
        raise GitProtocolError("no advertisement of git's")
    features = fields["fetch"].split()
    object_format = fields.get("object-format", "sha1")
    if object_format not in _OID_LENGTHS:
        raise JobError(ErrorCode.REPOSITORY_UNSUPPORTED, "The repository's object format is unknown.")
    return Capabilities(
        version=2,
        object_format=object_format,
        shallow="shallow" in features,
        filter="filter" in features,
        unborn="unborn" in fields.get("ls-refs", "").split(),
    )


def _of_old_server(first: str, further: Iterator[str], *, is_announced: bool) -> Capabilities:
    """Read what a server of version 0 or 1 lists; of its refs, which may be very many, only the first."""
    if first == "version 1":
        first = next(further, "")
    if is_announced and not first:  # how some servers say that a repository is empty
        return Capabilities(version=1, head=Head(None, None, "sha1"))
    if not re.match(r"[0-9a-f]{40,64} ", first):
        raise GitProtocolError("no advertisement of git's")
    return Capabilities(version=1, head=_told_unasked(first))


def _told_unasked(first_ref: str) -> Head | None:
    """Return HEAD from the first ref of an old server: HEAD comes first, the capabilities stand behind a NUL."""
    ref, _, capabilities = first_ref.partition("\0")
    oid, _, name = ref.partition(" ")
    told = dict(part.partition("=")[::2] for part in capabilities.split() if not part.startswith("symref="))
    object_format = told.get("object-format", "sha1")
    if name == "capabilities^{}":
        return Head(None, None, object_format)
    if name != "HEAD" or len(oid) != _OID_LENGTHS.get(object_format):
        return None
    target = re.search(r"(?:^| )symref=HEAD:(\S+)", capabilities)
    return Head(oid, branch_of(target[1] if target else ""), object_format)


def _head_among(lines: Iterable[bytes | None], object_format: str) -> Head:
    """Return HEAD from the lines of `ls-refs`; a flush without it is an empty repository."""
    for line in lines:
        if line is None:
            return Head(None, None, object_format)
        oid, name, *attributes = [*line.decode(errors="replace").strip().split(" "), ""]
        if name == "HEAD":
            return _head(oid, attributes, object_format)
    # A server that dies over the request answers nothing; that must not pass for an empty repository.
    raise HangupException


def _head(oid: str, attributes: Sequence[str], object_format: str) -> Head:
    told = dict(attribute.partition(":")[::2] for attribute in attributes)
    sha = told.get("peeled", oid)
    if oid == "unborn":
        return Head(None, branch_of(told.get("symref-target", "")), object_format)
    if not re.fullmatch(rf"[0-9a-f]{{{_OID_LENGTHS[object_format]}}}", sha):
        raise GitProtocolError("HEAD is no object id")
    return Head(sha, branch_of(told.get("symref-target", "")), object_format)
