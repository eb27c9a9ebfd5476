"""The generations of a database: whoever copies their folder file by file, at any moment, has a whole one.

A generation's database file is never changed once it has its name, and its log (SQLite's write-ahead log) only grows:
nothing moves the log into the file. To have a short log again, all goes into the next generation, which gets its name
when it is whole on the disk. The one before then changes no more, and stays for copies that are under way.

So the file and the log of the newest generation that a copy has hold everything from before the copy began, whichever
of them was copied first. A log's last part may be missing or torn: each frame's checksum covers all before it, and what
comes after the last whole transaction is not read (SQLite, "WAL-mode File Format"). The log's index (`-shm`) is made
anew by whoever opens a database first.
"""

import contextlib
import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

_NAME = r"watchlist-([1-9][0-9]*)\.sqlite"
_UNFINISHED = ".new"
_SET_ASIDE = ".broken"
_SUFFIXES = ("", "-wal", "-shm")
_OWN_NAME = re.compile(rf"(?P<generation>{_NAME})(?P<unfinished>{re.escape(_UNFINISHED)})?(-wal|-shm|-journal)?")
_HEADER_BYTES = 100
_MAGIC = b"SQLite format 3\0"
_LARGEST_PAGE = 65536


@dataclass(frozen=True, slots=True, order=True)
class Generation:
    """One generation; those with greater numbers are newer."""

    number: int
    folder: Path = field(compare=False)

    @property
    def path(self) -> Path:
        """Of the database file."""
        return self.folder / f"watchlist-{self.number}.sqlite"

    @property
    def log_bytes(self) -> int:
        """How long the log is."""
        log = _beside(self.path, "-wal")
        return log.stat().st_size if log.exists() else 0

    @property
    def is_whole(self) -> bool:
        """Whether the database file has all its pages, which a copy that was broken off has not.

        Its header has the size of a page and their number (SQLite, "Database File Format").
        """
        with self.path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
        page = int.from_bytes(header[16:18], "big")
        pages = int.from_bytes(header[28:32], "big")
        is_header = len(header) == _HEADER_BYTES and header.startswith(_MAGIC)
        return is_header and self.path.stat().st_size >= pages * (_LARGEST_PAGE if page == 1 else page)

    def following(self) -> "Generation":
        """Return the next one."""
        return Generation(self.number + 1, self.folder)

    def make(self, fill: Callable[[sqlite3.Connection], object]) -> None:
        """Have its database filled, and give it its name once it is whole on the disk.

        Raises:
            sqlite3.Error, OSError: it could not be written, as on a full disk; nothing of it is left.
        """
        unfinished = _beside(self.path, _UNFINISHED)
        try:
            with closing(sqlite3.connect(unfinished, isolation_level=None)) as connection:
                connection.execute("PRAGMA journal_mode = OFF")
                connection.execute("PRAGMA synchronous = OFF")
                fill(connection)
                connection.execute("PRAGMA journal_mode = WAL")
            _sync(unfinished)
            self.remove()  # a log that was left under this name would be read with it
            unfinished.rename(self.path)
            _sync(self.folder)
        except BaseException:
            _remove(unfinished)
            self.remove()  # it would be taken for the newest, without what is written from now on
            raise

    def remove(self) -> None:
        """Remove its files; who has them open keeps them."""
        _remove(self.path)

    def set_aside(self) -> None:
        """Let it be none of the generations any more."""
        for suffix in _SUFFIXES:
            file = _beside(self.path, suffix)
            with contextlib.suppress(FileNotFoundError):
                file.rename(_beside(file, _SET_ASIDE))


def generations(folder: Path) -> list[Generation]:
    """Return what generations a folder has, the oldest first."""
    numbers = [int(match[1]) for path in folder.iterdir() if (match := re.fullmatch(_NAME, path.name))]
    return sorted(Generation(number, folder) for number in numbers)


def newest_whole(folder: Path) -> Generation | None:
    """Return the generation that counts; None if the folder has none."""
    # None older than that is looked at: a service that tidies meanwhile may be removing it.
    return next((each for each in reversed(generations(folder)) if each.is_whole), None)


def remove_left_over(folder: Path) -> None:
    """Remove what never got its name, and what was left of a generation that went."""
    names = {generation.path.name for generation in generations(folder)}
    for path in folder.iterdir():
        match = _OWN_NAME.fullmatch(path.name)
        if match and (match["unfinished"] or match["generation"] not in names):
            path.unlink()


def take_name(file: Path, generation: Generation) -> None:
    """Let a whole database file, whose log is empty, be a generation from now on."""
    file.rename(generation.path)
    _sync(generation.folder)


def _remove(database: Path) -> None:
    for suffix in _SUFFIXES:
        with contextlib.suppress(FileNotFoundError):
            _beside(database, suffix).unlink()


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _sync(path: Path) -> None:
    """Return when the file, or the folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
