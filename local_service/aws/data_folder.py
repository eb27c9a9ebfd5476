"""The folder in which the embedded AWS keeps everything: a SQLite database, and a lock against a second service.

Each call is one transaction, so what was acknowledged is in the database, whoever is killed after that. Transactions go
to SQLite's write-ahead log without waiting for the disk itself: a crash of the machine can lose the last ones, and
breaks nothing.
"""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

VERSION = 1
"""Of what the database holds. A change that older code would misread raises it."""

DATABASE = "watchlist.sqlite"
_LOCK = "lock"
_LONG_LOG_BYTES = 64 * 1024 * 1024
_APPLICATION = 0x57617463
"""The bytes "Watc" in the database's header: no other program's database is taken for one."""


class DataFolderError(Exception):
    """The folder cannot be used; the message says to whoever chose it why."""


class Database:
    """Everything that is kept, for one thread at a time."""

    def __init__(self, connection: sqlite3.Connection, folder: Path | None = None, lock: IO[str] | None = None) -> None:
        self._connection = connection
        self._folder = folder
        self._lock = lock
        self._touched: dict[str, float] = {}
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
        """Move the log into the database's file once it is long; outside a transaction."""
        log = self._folder / f"{DATABASE}-wal" if self._folder else None
        if log is not None and log.exists() and log.stat().st_size > _LONG_LOG_BYTES:
            self.execute("PRAGMA wal_checkpoint(TRUNCATE)")

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
        lock = _lock(folder)
        connection = _connect(str(folder / DATABASE))
        _check_version(folder, connection)
        return Database(connection, folder, lock)
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise DataFolderError(f"the data folder {folder} cannot be used: {reason}") from error


def _connect(name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(name, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    # The log alone grows while the service runs: a copy of the file and then of the log is a whole one.
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
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


def _check_version(folder: Path, connection: sqlite3.Connection) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if (application, version, tables) == (0, 0, 0):
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    elif application != _APPLICATION:
        raise DataFolderError(f"the data folder {folder} holds another program's {DATABASE}")
    elif version != VERSION:
        raise DataFolderError(
            f"the data folder {folder} was written by version {version} of the service's storage, this is {VERSION}: "
            "start the service that wrote it, or choose another folder by WATCHLIST_DATA"
        )
