"""Child processes that never outlive their starter: a child's stdin ends when the starter does, however it ends."""

import contextlib
import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The repository's root, where all processes run, so that they import this checkout's code."""

_GRACE_SECONDS = 5

_LOOK_SECONDS = 1
"""How long until the next look at a pipe that has something to read: macOS tells of that too."""

_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""Where OpenSSL looks for the authorities to believe, if somebody says so."""


class ChildDiedError(Exception):
    """A child process ended before it said that it was ready; its log says why."""


def exit_with_stdin() -> None:
    """End this process as soon as its stdin ends."""
    threading.Thread(target=_wait_and_exit, daemon=True).start()


def exit_with(pipe: int) -> None:
    """End this process as soon as nobody holds the pipe's other end, whatever it is doing and has still to read."""
    threading.Thread(target=_wait_for_end, args=(pipe,), daemon=True).start()


def trust() -> dict[str, str]:
    """Return the variables by which a process believes the certificates that this one was told to believe."""
    return {name: os.environ[name] for name in _CERTIFICATES if name in os.environ}


def first_line(process: subprocess.Popen[bytes]) -> str:
    """Return the first line that the child prints, without its line break.

    Raises:
        ChildDiedError: it ended before.
    """
    try:
        line = b"" if process.stdout is None else process.stdout.readline()
    except BaseException:  # an interrupt, most of all: the caller has nothing yet that it could close
        end(process)
        raise
    if not line.endswith(b"\n"):
        end(process)
        raise ChildDiedError(f"{process.args!r} ended with exit code {process.returncode}")
    return line.decode().rstrip("\n")


def end(process: subprocess.Popen[bytes], grace_seconds: float = _GRACE_SECONDS) -> None:
    """Close the child's stdin, wait for its end, kill it if it takes longer than the grace, and close its pipes."""
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):  # it ended before it had read everything
            process.stdin.close()
    try:
        process.wait(grace_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _wait_and_exit() -> None:
    while os.read(sys.stdin.fileno(), 1024):  # not by sys.stdin, whose lock a thread must not hold at the end
        pass
    os._exit(0)


def _wait_for_end(pipe: int) -> None:
    ended = select.poll()
    ended.register(pipe, select.POLLHUP)
    while not any(event & select.POLLHUP for _, event in ended.poll()):
        time.sleep(_LOOK_SECONDS)
    os._exit(0)
