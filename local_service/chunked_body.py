"""The body of a request that comes in chunks (RFC 9112, section 7.1)."""

import re
from io import RawIOBase
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(;[^\r\n\x00]*)?\r\n")
_LINE_END = b"\r\n"
_SIZE_BYTES = 18
"""A line that has a size only."""

_BESIDE_BYTES = 64 * 1024
"""Most of extensions and trailers, which nobody reads."""


class FramingError(OSError):
    """A body breaks off, or is not framed as the RFC says."""


class ChunkedBody(RawIOBase):
    """Reads one body out of a connection, and nothing that comes after it.

    Reading raises FramingError. werkzeug's own reader takes for a size whatever Python takes for a number, and knows no
    extensions and trailers.
    """

    def __init__(self, connection: IO[bytes]) -> None:
        self._connection = connection
        self._left = 0
        self._spare = _BESIDE_BYTES
        self._has_begun = False
        self._has_ended = False

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Read what there is of one chunk; nothing at the end of the body."""
        if not self._left and not self._has_ended:
            self._begin_chunk()
        view = memoryview(buffer).cast("B")
        wanted = min(self._left, len(view))
        content = self._connection.read(wanted)
        if wanted and not content:
            raise FramingError("a chunk breaks off")
        view[: len(content)] = content
        self._left -= len(content)
        return len(content)

    def _begin_chunk(self) -> None:
        if self._has_begun and self._connection.read(len(_LINE_END)) != _LINE_END:
            raise FramingError("a chunk has no end")
        self._has_begun = True
        size = _SIZE.fullmatch(self._line(_SIZE_BYTES))
        if size is None:
            raise FramingError("a chunk has no size")
        self._left = int(size[1], 16)
        if not self._left:
            self._pass_over_trailers()

    def _pass_over_trailers(self) -> None:
        while (line := self._line()) != _LINE_END:
            if not line.endswith(_LINE_END):
                raise FramingError("the trailers break off, or are too long")
        self._has_ended = True

    def _line(self, usual_bytes: int = 0) -> bytes:
        line = self._connection.readline(self._spare + usual_bytes)
        self._spare -= max(0, len(line) - usual_bytes)
        return line
