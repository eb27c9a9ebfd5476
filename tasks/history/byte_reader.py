"""Bytes that arrive in chunks, read in the sizes that a parser wants."""

from collections.abc import Callable


class ByteReader:
    """Reads from `next_chunk`, which returns the next bytes and nothing at the end."""

    def __init__(self, next_chunk: Callable[[], bytes]) -> None:
        self._next_chunk = next_chunk
        self._chunk = b""
        self._position = 0
        self._before = 0

    @property
    def offset(self) -> int:
        """How many bytes have been read."""
        return self._before + self._position

    def read_some(self, size: int) -> bytes:
        """Return 1 to `size` bytes, or nothing at the end."""
        if self._position == len(self._chunk):
            self._before += len(self._chunk)
            self._position = 0
            self._chunk = self._next_chunk()
        part = self._chunk[self._position : self._position + size]
        self._position += len(part)
        return part

    def read(self, size: int) -> bytes:
        """Return exactly `size` bytes, or fewer at the end."""
        part = self.read_some(size)
        if len(part) == size or not part:
            return part
        parts, left = [part], size - len(part)
        while left and (part := self.read_some(left)):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def unread(self, count: int) -> None:
        """Give back the last `count` bytes of what the last `read_some` returned."""
        if count > self._position:
            raise ValueError("only what the last read returned can be given back")
        self._position -= count
