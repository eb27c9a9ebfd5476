"""git's wire protocol, version 2, as a client of `git-upload-pack`.

The rules are those of git's `protocol-v2` and `protocol-capabilities` documents: one command per request, arguments and
answers in pkt-lines, the pack inside a side band. Nothing here touches a disk.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dulwich.errors import GitProtocolError, HangupException
from dulwich.protocol import Protocol

from tasks.history.byte_reader import ByteReader
from tasks.history.transport import GitHttpConnections
from watchlist.errors import ErrorCode
from watchlist.git.answers import BrokenOffError, error_of_line, is_refusal, shown
from watchlist.git.protocol import (
    Capabilities,
    Head,
    branches_request,
    command,
    head_request,
    protocol_errors,
    read_branches,
    read_capabilities,
    read_head,
)
from watchlist.git.tags import Tags, read_tags, tags_request

__all__ = ["Capabilities", "FetchRefusedError", "FetchRequest", "Head", "UploadPack"]

_SHALLOW_LINES = 1_000_000


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
    """The server's side of one repository; threads may fetch at the same time."""

    def __init__(self, connections: GitHttpConnections) -> None:
        self._connections = connections
        self._capabilities: Capabilities | None = None

    @property
    def capabilities(self) -> Capabilities:
        """What the server offers; asked for once.

        Raises:
            JobError: see GitHttpConnection.advertisement; TRANSFER_INVALID when the answer is not git's.
        """
        if self._capabilities is None:
            with self._connections.borrow() as connection, connection.advertisement() as answer:
                self._capabilities = read_capabilities(answer.read)
        return self._capabilities

    def head(self) -> Head:
        """Ask where HEAD points; no other ref is transferred.

        Raises:
            JobError: as for `capabilities`.
        """
        object_format = self.capabilities.object_format
        body = head_request(object_format, unborn=self.capabilities.unborn)
        with self._connections.borrow() as connection, connection.command(body) as answer:
            return read_head(answer.read, object_format)

    def branches(self) -> tuple[str, ...]:
        """Ask which branches there are, and return some.

        Raises:
            JobError: as for `capabilities`.
        """
        body = branches_request(self.capabilities.object_format)
        with self._connections.borrow() as connection, connection.command(body) as answer:
            return read_branches(answer.read)

    def tags(self) -> Tags:
        """Ask for all tags.

        Raises:
            TooManyTagsError: there are more than are looked at.
            JobError: as for `capabilities`.
        """
        body = tags_request(self.capabilities.object_format)
        with self._connections.borrow() as connection, connection.command(body) as answer:
            return read_tags(answer.read)

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
        body = command(b"fetch", arguments, self.capabilities.object_format)
        with self._connections.borrow() as connection, connection.command(body) as answer, protocol_errors():
            lines = Protocol(answer.read, len)
            yield ByteReader(lambda: _next_of_pack(lines)) if _skip_to_pack(lines) else None


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
            if is_refusal(text[4:]):
                raise FetchRefusedError(shown(text[4:]))
            raise error_of_line(text[4:])
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
            raise BrokenOffError(ErrorCode.HOST_ERROR, f"The host broke off: {shown(data)}")
    return b""
