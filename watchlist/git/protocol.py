"""What git's wire protocol says of a repository's HEAD: the messages, without the transport that carries them.

The rules are those of git's `protocol-v2`, `http-protocol` and `protocol-capabilities` documents. Tasks fetch histories
with them; the scheduler asks for HEAD alone.
"""

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from dulwich.errors import GitProtocolError, HangupException
from dulwich.protocol import Protocol, pkt_line

from watchlist.errors import ErrorCode, JobError

USER_AGENT = "git/2.45.0 (repository-watchlist)"
"""Hosts serve git's protocol to clients that look like git, and HTML to others."""

SERVICE = "git-upload-pack"
VERSION_HEADER = {"Git-Protocol": "version=2"}
ADVERTISEMENT_TYPE = f"application/x-{SERVICE}-advertisement"
REQUEST_TYPE = f"application/x-{SERVICE}-request"
RESULT_TYPE = f"application/x-{SERVICE}-result"

_DELIMITER = b"0001"
_FLUSH = b"0000"
_CAPABILITY_LINES = 200
_REF_LINES = 20
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
    """

    sha: str | None
    branch: str | None
    object_format: str


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
        return _read_capabilities(_lines(read, _CAPABILITY_LINES))


def read_head(read: Read, object_format: str = "sha1") -> Head:
    """Read the answer to `head_request`.

    Raises:
        JobError: as for `read_capabilities`.
    """
    with protocol_errors():
        return _read_head(_lines(read, _REF_LINES), object_format)


def error_of_status(status: int) -> JobError:
    """Return what an HTTP status other than 200 means for the repository."""
    return JobError(_code_of(status), f"The host answered with HTTP status {status}.")


@contextlib.contextmanager
def protocol_errors() -> Iterator[None]:
    """Turn errors of reading into what they mean for a job."""
    try:
        yield
    except HangupException as error:
        raise JobError(ErrorCode.TRANSFER_INVALID, "The host's answer broke off.") from error
    except (GitProtocolError, ValueError) as error:
        raise JobError(ErrorCode.TRANSFER_INVALID, "The host's answer is not git's.") from error


def printable(data: bytes) -> str:
    """Return text of a host, fit for an error message."""
    return "".join(character for character in data.decode(errors="replace") if character.isprintable())[:200]


def _lines(read: Read, most: int) -> Iterator[bytes | None]:
    """Yield pkt-lines to the end of the answer; None stands for a flush or a delimiter."""
    protocol = Protocol(read, len)
    for _ in range(most):
        try:
            line = protocol.read_pkt_line()
        except HangupException:
            return
        if line is not None and line.startswith(b"ERR "):
            raise JobError(ErrorCode.REPOSITORY_NOT_FOUND, f"The host says: {printable(line[4:])}")
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
    if is_announced and not first:  # how the oldest servers say that a repository is empty
        return Capabilities(version=1, head=Head(None, None, "sha1"))
    if not re.match(r"version 1$|[0-9a-f]{40,64} ", first):
        raise GitProtocolError("no advertisement of git's")
    ref = next(further, "") if first == "version 1" else first
    return Capabilities(version=1, head=_told_unasked(ref))


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
    branch = re.search(r"(?:^| )symref=HEAD:refs/heads/(\S+)", capabilities)
    return Head(oid, branch[1] if branch else None, object_format)


def _read_head(lines: Iterator[bytes | None], object_format: str) -> Head:
    sha = branch = None
    for line in lines:
        if line is None:
            return Head(sha, branch, object_format)
        oid, name, *attributes = [*line.decode(errors="replace").strip().split(" "), ""]
        if name != "HEAD":
            continue
        if re.fullmatch(rf"[0-9a-f]{{{_OID_LENGTHS[object_format]}}}", oid):
            sha = oid
        elif oid != "unborn":
            raise GitProtocolError("HEAD is no object id")
        for attribute in attributes:
            if attribute.startswith("symref-target:refs/heads/"):
                branch = attribute.removeprefix("symref-target:refs/heads/")
            elif attribute.startswith("peeled:"):
                sha = attribute.removeprefix("peeled:")
    # A server that dies over the request answers nothing; that must not pass for an empty repository.
    raise HangupException


def _code_of(status: int) -> ErrorCode:
    match status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN | HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            return ErrorCode.REPOSITORY_REQUIRES_LOGIN
        case HTTPStatus.NOT_FOUND | HTTPStatus.GONE | HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS:
            return ErrorCode.REPOSITORY_NOT_FOUND
        case HTTPStatus.TOO_MANY_REQUESTS:
            return ErrorCode.HOST_RATE_LIMITED
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return ErrorCode.HOST_ERROR
        case _:
            return ErrorCode.REPOSITORY_UNSUPPORTED
