"""The addresses of served repositories, kept in the data folder: entries of the watchlist name them."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from local_service.aws.data_folder import DataFolderError

ADDRESSES = "addresses.json"

_NAME = "[A-Za-z0-9_.-]*[A-Za-z0-9_-][A-Za-z0-9_.-]*"
"""Links are made by these names, so that one of dots alone would lead out of their folder."""

_UrlPath = Annotated[str, Field(pattern=f"^/{_NAME}/{_NAME}$")]


class Addresses(BaseModel):
    """What was given so far.

    Attributes:
        port: of the git server.
        paths: URL paths by git directory.
    """

    model_config = ConfigDict(frozen=True)

    port: int = Field(default=0, ge=0, le=65535)
    paths: dict[str, _UrlPath] = Field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "Addresses":
        """Return what the folder has; nothing where there is no file.

        Raises:
            DataFolderError: the file is damaged.
        """
        file = folder / ADDRESSES
        try:
            return cls.model_validate_json(file.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return cls()
        except (OSError, ValidationError) as error:
            raise DataFolderError(
                f"{file} cannot be read; without it, served repositories get new addresses"
            ) from error

    def write(self, folder: Path) -> None:
        """Put this in the place of what the folder has.

        Raises:
            DataFolderError: it cannot be written.
        """
        file = folder / ADDRESSES
        new = file.with_suffix(".new")
        try:
            new.write_text(self.model_dump_json(indent=1))
            new.replace(file)
        except OSError as error:
            raise DataFolderError(f"{file} cannot be written: {error.strerror}") from error
