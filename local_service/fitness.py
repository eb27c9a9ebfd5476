"""What a start needs of the machine: looked at first, so that one line says what is missing."""

import contextlib
import resource
import socket
import tempfile
from pathlib import Path

_SECONDS = 5
_DESCRIPTORS = 1024
"""As many as 512 connections, processes and files take. macOS gives a shell 256."""


class UnfitMachineError(Exception):
    """The service cannot work here; the message says why to whoever starts it."""


def check_loopback() -> None:
    """Check that programs of this machine reach each other; in a sandbox without any network they do not.

    Raises:
        UnfitMachineError: they do not.
    """
    try:
        with (
            socket.create_server(("127.0.0.1", 0)) as server,
            socket.create_connection(server.getsockname(), timeout=_SECONDS),
        ):
            pass
    except OSError as error:
        raise UnfitMachineError(
            f"programs of this machine cannot reach each other over 127.0.0.1: {error.strerror or error}"
        ) from error


def take_descriptors() -> None:
    """Let this process have as many descriptors as it can need, as far as the machine lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # macOS has another bound besides
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def check_scratch(folder: Path) -> None:
    """Check that jobs can clone into `folder`, which is made if need be.

    Raises:
        UnfitMachineError: nobody can write there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UnfitMachineError(
            f"repositories cannot be cloned into {folder} (GIT_CLONE_DIR): {error.strerror or error}"
        ) from error
