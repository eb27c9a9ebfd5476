"""Scratch directories that leave nothing behind: gone with their run, or swept after a run that was killed.

Beside each directory lies a lock file that its run holds locked. The operating system drops the lock with the process,
however that ends; what is not locked any more belongs to nobody.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

PREFIX = "scratch-"

_LOCK = ".lock"


@contextlib.contextmanager
def scratch_directory(root: Path) -> Iterator[Path]:
    """Give an empty directory below `root` and remove it in the end.

    What cannot be removed then does not fail the run: it stays for the next sweep.
    """
    root.mkdir(parents=True, exist_ok=True)
    with _locked_name(root) as directory:
        directory.mkdir(mode=0o700)
        try:
            yield directory
        finally:
            _remove(directory)


def sweep_scratch(root: Path) -> list[Path]:
    """Remove the directories below `root` whose runs are dead; return those that could not be removed now."""
    left = []
    for lock in sorted(root.glob(f"{PREFIX}*{_LOCK}")):
        directory = lock.with_suffix("")
        with contextlib.suppress(OSError), lock.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while the run lives
            if not _remove(directory):
                left.append(directory)
    return left


@contextlib.contextmanager
def _locked_name(root: Path) -> Iterator[Path]:
    while True:
        directory = root / f"{PREFIX}{secrets.token_hex(8)}"
        descriptor = os.open(_lock_of(directory), os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_nlink:
                break
        os.close(descriptor)  # a sweep took it for a dead run's in this very moment, and removes it, or has
    try:
        yield directory
    finally:
        os.close(descriptor)


def _remove(directory: Path) -> bool:
    """Remove `directory` and then its lock file; return whether both are gone."""
    shutil.rmtree(directory, ignore_errors=True)
    if directory.exists():
        for folder, _, _ in os.walk(directory):  # a folder that lost its write permission
            with contextlib.suppress(OSError):
                Path(folder).chmod(0o700)
        shutil.rmtree(directory, ignore_errors=True)
    if directory.exists():
        return False
    with contextlib.suppress(OSError):
        _lock_of(directory).unlink(missing_ok=True)
    return True


def _lock_of(directory: Path) -> Path:
    return directory.with_name(directory.name + _LOCK)
