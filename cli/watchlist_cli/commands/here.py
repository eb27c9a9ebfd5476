"""`serve` and `run`: the service itself, where it is installed. This program becomes the service's."""

import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from watchlist_cli.errors import CommandError

_PROGRAM = "local_service"


def become(command: str, arguments: Sequence[str]) -> None:
    """Run a command of the service's own program in place of this one; it does not return.

    The service is installed where this Python can import it, or in the checkout that is the current folder.

    Raises:
        CommandError: it is not installed.
    """
    python = _python_of_service(Path.cwd())
    try:
        os.execv(python, [python, "-m", _PROGRAM, command, *arguments])  # noqa: S606 - no shell reads them
    except OSError as error:
        raise CommandError(f"{python}: {error.strerror}") from error


def _python_of_service(here: Path) -> str:
    if find_spec(_PROGRAM) is not None:
        return sys.executable
    python = here / ".venv" / "bin" / "python"
    if not (here / _PROGRAM / "__main__.py").is_file():
        raise CommandError(
            "the service is not installed here: go to a checkout of it, where `make serve` installs and starts it, "
            "or name one that runs by WATCHLIST_URL"
        )
    if not python.is_file():
        raise CommandError("the service is not installed in this checkout yet: `make serve` installs and starts it")
    return str(python)
