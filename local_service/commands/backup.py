"""`backup`: copy the data of a service, also while it runs and at any moment."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from local_service.aws.data_folder import FORMER_DATABASE, DataFolderError
from local_service.aws.generations import Generation, newest_whole
from local_service.git.addresses import ADDRESSES


def backup(data: Path, to: Path) -> None:
    """Copy what a data folder holds into a new folder, as it was at one moment.

    Args:
        data: the folder of a service, running or not.
        to: where the copy goes; a service can be started with it.

    Raises:
        DataFolderError: there is no data, or the copy cannot be made.
    """
    if (data / FORMER_DATABASE).exists():
        raise DataFolderError(f"the data in {data} is of an older version: start the service with it first")
    try:
        source = newest_whole(data) if data.is_dir() else None
        if source is None:
            raise DataFolderError(f"the folder {data} holds no data of the service")
        to.mkdir(parents=True, mode=0o700)
        # Who may only read moves no log into its file at the end, which others may be copying.
        with closing(sqlite3.connect(f"{source.path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            Generation(1, to).make(connection.backup)
        if (data / ADDRESSES).exists():
            shutil.copy(data / ADDRESSES, to)
    except FileExistsError as error:
        raise DataFolderError(f"{to} exists already: the copy needs a folder of its own") from error
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise DataFolderError(f"the copy {to} cannot be made: {reason}") from error
