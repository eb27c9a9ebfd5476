"""`backup`: copy the data of a service, also while it runs and at any moment."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from local_service.aws.data_folder import DATABASE, DataFolderError
from local_service.git.addresses import ADDRESSES


def backup(data: Path, to: Path) -> None:
    """Copy what a data folder holds into a new folder, as it was at one moment.

    Args:
        data: the folder of a service, running or not.
        to: where the copy goes; a service can be started with it.

    Raises:
        DataFolderError: there is no data, or the copy cannot be written.
    """
    if not (data / DATABASE).exists():
        raise DataFolderError(f"the folder {data} holds no data of the service")
    try:
        to.mkdir(parents=True, mode=0o700)
        with closing(sqlite3.connect(data / DATABASE)) as source, closing(sqlite3.connect(to / DATABASE)) as copy:
            source.backup(copy)
        if (data / ADDRESSES).exists():
            shutil.copy(data / ADDRESSES, to)
    except FileExistsError as error:
        raise DataFolderError(f"{to} exists already: the copy needs a folder of its own") from error
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise DataFolderError(f"the copy {to} cannot be written: {reason}") from error
