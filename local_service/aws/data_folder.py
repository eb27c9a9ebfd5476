"""The folder in which the embedded AWS keeps everything: a SQLite database, and a lock against a second service.

Each call is one transaction, so what was acknowledged is in the database, whoever is killed after that. Transactions go
to SQLite's write-ahead log without waiting for the disk itself: a crash of the machine can lose the last ones, and
breaks nothing. `generations` says why a copy of the folder is whole that is made meanwhile.
"""

import contextlib
import fcntl
import logging
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import IO

from local_service.aws.generations import Generation, generations, newest_whole, remove_left_over, take_name

VERSION = 2
"""Of what the folder holds. A change that older code would misread raises it."""

FORMER_DATABASE = "watchlist.sqlite"
"""Version 1 had this one database, whose log was moved into it."""

_FORMER_VERSIONS = (1, VERSION)
"""A start that was killed may have written the version already, and not yet moved the file."""

_LOCK = "lock"
_ROOM_BYTES = 1024 * 1024
"""What a start may write."""

_LONG_LOG_BYTES = 64 * 1024 * 1024
_KEPT_SECONDS = 600
"""How long a generation stays at least that another has followed: longer than a copy of the folder takes."""

_APPLICATION = 0x57617463
"""The bytes "Watc" in the database's header: no other program's database is taken for one."""

_LOGGER = logging.getLogger("local_service")


class DataFolderError(Exception):
    """The folder cannot be used; the message says to whoever chose it why."""


class Database:
    """Everything that is kept, for one thread at a time."""

    def __init__(
        self, connection: sqlite3.Connection, generation: Generation | None = None, lock: IO[str] | None = None
    ) -> None:
        self._generation = generation
        self._lock = lock
        self._superseded: list[sqlite3.Connection] = []
        self._touched: dict[str, float] = {}
        self._use(connection)

    def _use(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.execute = connection.execute

    def touch(self, topic: str, seconds: float = 0) -> None:
        """Note that whoever waits for `topic` has something to do, now or in some seconds."""
        self._touched[topic] = min(seconds, self._touched.get(topic, seconds))

    @property
    def touched(self) -> Mapping[str, float]:
        """What the last transaction touched, and in how many seconds there is something to do about it."""
        return self._touched

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep what is written within, or on an exception nothing of it.

        Raises:
            sqlite3.Error: it could not be kept, as on a full disk.
        """
        self._touched = {}
        self.execute("BEGIN")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            self._touched = {}
            with contextlib.suppress(sqlite3.Error):  # SQLite has rolled back by itself on some errors
                self.execute("ROLLBACK")
            raise

    def shorten_log(self) -> None:
        """Go on in a new generation once the log is long, and remove those that one followed long ago.

        It is called outside a transaction.

        Raises:
            sqlite3.Error, OSError: the new one could not be written, as on a full disk; all goes on in the one before.
        """
        if self._generation is None:
            return
        if time.time() - self._generation.path.stat().st_mtime > _KEPT_SECONDS:
            self._remove_superseded(self._generation)
        if self._generation.log_bytes > _LONG_LOG_BYTES:
            self._go_on_in(self._generation.following())

    def _go_on_in(self, generation: Generation) -> None:
        generation.make(self._connection.backup)
        try:
            connection = _connect(str(generation.path))
        except BaseException:
            generation.remove()  # it would be taken for the newest, without what is written from now on
            raise
        self._superseded.append(self._connection)
        self._use(connection)
        self._generation = generation

    def _remove_superseded(self, newest: Generation) -> None:
        for generation in generations(newest.folder):
            if generation < newest:
                generation.remove()
        # The last to close a database moves the log into its file, which must have lost its name by then.
        while self._superseded:
            self._superseded.pop().close()

    def close(self) -> None:
        """Let others open the folder, while nobody copies it: the last to close moves the log into the file.

        The end of a process moves nothing, so that the service closes nothing.
        """
        for connection in (*self._superseded, self._connection):
            connection.close()
        if self._lock is not None:
            self._lock.close()

    def clear(self) -> None:
        """Forget everything."""
        for (table,) in self.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            self.execute(f"DELETE FROM {quoted(table)}")


def quoted(name: str) -> str:
    """Return a name of a table or index for SQL."""
    return '"' + name.replace('"', '""') + '"'


def open_database(folder: Path | None) -> Database:
    """Open the folder's database, made new where there is none; without a folder, one in memory.

    Raises:
        DataFolderError: another service has the folder open, it cannot be written, or its content is no data of this
            version.
    """
    if folder is None:
        return Database(_connect(":memory:"))
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with ExitStack() as opening:
            lock = opening.enter_context(_lock(folder))
            _check_room(folder)
            generation = _newest(folder)
            connection = opening.enter_context(closing(_connect(str(generation.path))))
            _check_version(generation.path, connection, (VERSION,))
            opening.pop_all()
            return Database(connection, generation, lock)
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise DataFolderError(f"the data folder {folder} cannot be used: {reason}") from error


def _newest(folder: Path) -> Generation:
    """Return the newest generation that is whole, or the first one, made now."""
    remove_left_over(folder)
    known = generations(folder)
    former = folder / FORMER_DATABASE
    if former.exists() and known:
        raise DataFolderError(
            f"an older version of the service has written to {former} since a newer one took the folder over: "
            "move that file away, or choose another folder by WATCHLIST_DATA"
        )
    if former.exists():
        return _bring_up_to_date(former)
    if not known:
        first = Generation(1, folder)
        first.make(_mark)
        return first
    newest = newest_whole(folder)
    if newest is None:
        raise DataFolderError(f"the data folder {folder} is a copy that was broken off: {known[-1].path} is not whole")
    if newest < known[-1]:
        _LOGGER.warning("%s is not whole: the one before it is taken, %s", known[-1].path, newest.path)
        for broken in known:
            if newest < broken:
                broken.set_aside()
    return newest


def _bring_up_to_date(former: Path) -> Generation:
    with closing(_connect(str(former))) as connection:
        _check_version(former, connection, _FORMER_VERSIONS)
        _mark(connection)
        is_read_by_others, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if is_read_by_others:
        raise DataFolderError(f"{former} is open in another program: the folder cannot be brought up to date")
    first = Generation(1, former.parent)
    take_name(former, first)
    _LOGGER.warning("the data folder %s was brought up to date: version 1 became %d", former.parent, VERSION)
    return first


def _mark(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA application_id = {_APPLICATION}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _connect(name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(name, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    return connection


def _lock(folder: Path) -> IO[str]:
    """Hold the folder until this process ends."""
    file = (folder / _LOCK).open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip() or "another process"
        file.close()
        raise DataFolderError(f"the data folder {folder} is in use by {holder}") from None
    file.truncate(0)
    file.write(f"process {os.getpid()}")
    file.flush()
    return file


def _check_room(folder: Path) -> None:
    disk = shutil.disk_usage(folder)
    if disk.total and disk.free < _ROOM_BYTES:  # some file systems say nothing of their size
        raise DataFolderError(
            f"the data folder {folder} cannot be used: its disk is full, and a start needs {_ROOM_BYTES >> 20} MB"
        )


def _check_version(database: Path, connection: sqlite3.Connection, accepted: tuple[int, ...]) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if (application, version, tables) == (0, 0, 0):
        return
    if application != _APPLICATION:
        raise DataFolderError(f"{database} is another program's: choose another folder by WATCHLIST_DATA")
    if version not in accepted:
        raise DataFolderError(
            f"the data folder {database.parent} was written by version {version} of the service's storage, this is "
            f"{VERSION}: start the service that wrote it, or choose another folder by WATCHLIST_DATA"
        )
