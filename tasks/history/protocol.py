"""git's wire protocol, version 2, as a client of `git-upload-pack`.

The rules are those of git's `protocol-v2` and `protocol-capabilities` documents: one command per request, arguments and
answers in pkt-lines, the pack inside a side band. Nothing here touches a disk.
"""

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dulwich.errors import GitProtocolError, HangupException
from dulwich.protocol import Protocol, pkt_line

from tasks.history.byte_reader import ByteReader
from tasks.history.transport import USER_AGENT, GitHttpConnection
from watchlist.errors import ErrorCode, JobError

_DELIMITER = b"0001"
_FLUSH = b"0000"
_CAPABILITY_LINES = 200
_REF_LINES = 20
_SHALLOW_LINES = 1_000_000
_OID_LENGTHS = {"sha1": 40, "sha256": 64}


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
    """What the server offers, as far as it matters here; `version` 0 or 1 has no further fields."""

    version: int
    object_format: str = "sha1"
    shallow: bool = False
    filter: bool = False
    unborn: bool = False


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """Arguments of one `fetch` command.

    Attributes:
        wants: ids of objects that are asked for.
        haves: ids of commits that the server need not send, nor what they reach.
        since: `deepen-since`, Unix seconds.
        depth: `deepen`, generations of commits.
        filter: a partial clone filter, as `tree:0`.
        negotiate: let the server say whether `haves` reach `wants`, and send the pack only if so.
    """

    wants: Sequence[str]
    haves: Sequence[str] = ()
    since: int | None = None
    depth: int | None = None
    filter: str | None = None
    negotiate: bool = False


class FetchRefusedError(Exception):
    """The server did not accept the arguments, or had nothing to say to them."""


class UploadPack:
    """The server's side of one repository."""

    def __init__(self, connection: GitHttpConnection) -> None:
        self._connection = connection
        self._capabilities: Capabilities | None = None

    @property
    def capabilities(self) -> Capabilities:
        """What the server offers; asked for once.

        Raises:
            JobError: see GitHttpConnection; TRANSFER_INVALID when the answer is not git's.
        """
        if self._capabilities is None:
            with self._connection.advertisement() as answer, _protocol_errors():
                self._capabilities = _read_capabilities(_lines(answer, _CAPABILITY_LINES))
        return self._capabilities

    def head(self) -> Head:
        """Ask where HEAD points; no other ref is transferred.

        Raises:
            JobError: as for `capabilities`.
        """
        arguments = [b"peel", b"symrefs", *([b"unborn"] if self.capabilities.unborn else []), b"ref-prefix HEAD"]
        body = self._command(b"ls-refs", arguments)
        with self._connection.command(body) as answer, _protocol_errors():
            return _read_head(_lines(answer, _REF_LINES), self.capabilities.object_format)

    @contextlib.contextmanager
    def fetch(self, request: FetchRequest) -> Iterator[ByteReader | None]:
        """Ask for objects and give the pack as it arrives, or None when `negotiate` came to no common commit.

        Raises:
            FetchRefusedError: the server refused the arguments.
            JobError: as for `capabilities`.
        """
        arguments = [b"no-progress", b"ofs-delta"]
        arguments += [b"want " + oid.encode() for oid in request.wants]
        arguments += [b"have " + oid.encode() for oid in request.haves]
        if request.since is not None:
            arguments.append(b"deepen-since %d" % request.since)
        if request.depth is not None:
            arguments.append(b"deepen %d" % request.depth)
        if request.filter is not None:
            arguments.append(b"filter " + request.filter.encode())
        if not request.negotiate:
            arguments.append(b"done")
        with self._connection.command(self._command(b"fetch", arguments)) as answer, _protocol_errors():
            lines = Protocol(answer.read, _write_nothing)
            yield ByteReader(lambda: _next_of_pack(lines)) if _skip_to_pack(lines) else None

    def _command(self, name: bytes, arguments: Sequence[bytes]) -> bytes:
        lines = [b"command=" + name, b"agent=" + USER_AGENT.split()[0].encode()]
        if self.capabilities.object_format != "sha1":
            lines.append(b"object-format=" + self.capabilities.object_format.encode())
        return b"".join(
            [*(pkt_line(line + b"\n") for line in lines), _DELIMITER, *(pkt_line(a + b"\n") for a in arguments), _FLUSH]
        )


def _lines(answer: ByteReader, most: int) -> Iterator[bytes | None]:
    """Yield pkt-lines to the end of the answer; None stands for a flush or a delimiter."""
    protocol = Protocol(answer.read, _write_nothing)
    for _ in range(most):
        try:
            line = protocol.read_pkt_line()
        except HangupException:
            return
        if line is not None and line.startswith(b"ERR "):
            raise JobError(ErrorCode.REPOSITORY_NOT_FOUND, f"The host says: {_printable(line[4:])}")
        yield line
    raise GitProtocolError("more lines than any server sends")


def _read_capabilities(lines: Iterator[bytes | None]) -> Capabilities:
    texts = [line.decode(errors="replace").strip() for line in lines if line is not None]
    announced = bool(texts) and texts[0] == "# service=git-upload-pack"
    version, *texts = [*texts[announced:], ""]
    if version != "version 2":
        nothing_to_list = announced and not version  # how the oldest servers say that a repository is empty
        if nothing_to_list or re.match(r"version 1$|[0-9a-f]{40,64} ", version):
            return Capabilities(version=1)
        raise GitProtocolError("no advertisement of git's")
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


def _read_head(lines: Iterator[bytes | None], object_format: str) -> Head:
    sha = branch = None
    for line in lines:
        if line is None:
            break
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
    return Head(sha, branch, object_format)


def _skip_to_pack(lines: Protocol) -> bool:
    """Read up to the pack; return whether one follows."""
    ready, sections = False, 0
    for _ in range(_SHALLOW_LINES):
        try:
            line = lines.read_pkt_line()
        except HangupException:  # how a server ends that died over the arguments
            raise FetchRefusedError("it ended its answer early") from None
        if line is None:
            if sections and not ready:  # the flush after acknowledgments that came to nothing
                return False
            continue
        sections += 1
        text = line.strip()
        if text.startswith(b"ERR "):
            raise FetchRefusedError(_printable(text[4:]))
        if text == b"packfile":
            return True
        ready = ready or text in {b"ready", b"shallow-info"}
    raise GitProtocolError("more lines than any server sends")


def _next_of_pack(lines: Protocol) -> bytes:
    while line := lines.read_pkt_line():
        channel, data = line[0], line[1:]
        if channel == 1 and data:
            return data
        if channel == 3:  # noqa: PLR2004 - the side band of fatal errors
            raise JobError(ErrorCode.HOST_ERROR, f"The host broke off: {_printable(data)}")
    return b""


@contextlib.contextmanager
def _protocol_errors() -> Iterator[None]:
    try:
        yield
    except HangupException as error:
        raise JobError(ErrorCode.TRANSFER_INVALID, "The host's answer broke off.") from error
    except (GitProtocolError, ValueError) as error:
        raise JobError(ErrorCode.TRANSFER_INVALID, "The host's answer is not git's.") from error


def _write_nothing(data: bytes) -> int:
    return len(data)


def _printable(data: bytes) -> str:
    return "".join(character for character in data.decode(errors="replace") if character.isprintable())[:200]
