"""A database of the local service, and what was acknowledged of it."""

import contextlib
import os
from pathlib import Path

from local_service.aws.data_folder import open_database

BYTES = 20_000
"""Of one row: more than one page, so that half a copy of a file is torn."""


class Kept:
    """A database with rows, the numbers of which are acknowledged when they are kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = open_database(folder)
        self.database.execute("CREATE TABLE IF NOT EXISTS kept (number INTEGER PRIMARY KEY, content BLOB)")
        self.acknowledged = 0

    def write(self) -> None:
        with self.database.transaction():
            self.database.execute("INSERT INTO kept VALUES (?, ?)", (self.acknowledged + 1, os.urandom(BYTES)))
        self.acknowledged += 1

    def write_and_undo(self) -> None:
        with contextlib.suppress(InterruptedError), self.database.transaction():
            for number in range(-20, 0):
                self.database.execute("INSERT INTO kept VALUES (?, ?)", (number, os.urandom(BYTES)))
            raise InterruptedError

    def shorten(self) -> None:
        self.database.shorten_log()
        self.write()

    def nothing(self) -> None:
        self.write()
