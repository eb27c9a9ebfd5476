"""How git is run: no configuration but ours, no hooks, no prompts, no network unless told, and bounded."""

import contextlib
import os
import re
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from tasks.child_process import ChildLimits, ChildProcess, ChildProcesses
from tasks.history.limits import FetchLimits
from tasks.network import DNS_PORT, HTTPS_PORT
from watchlist.errors import ErrorCode, JobError
from watchlist.text import one_line

_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.attributesFile": os.devnull,
    "core.packedGitWindowSize": "1m",
    "core.packedGitLimit": "32m",
    "core.deltaBaseCacheLimit": "8m",
    "core.fsync": "none",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "pack.threads": "1",
    "protocol.allow": "never",
}
_NO_SCHEME = "none"
_PORTS = {"http": 80, "https": HTTPS_PORT}
_KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "33554432", "MALLOC_TRIM_THRESHOLD_": "67108864"}
"""glibc gives large blocks back to the system at once, and has their pages zeroed again for the next file."""
_OUT_OF_MEMORY = re.compile(r"out of memory|cannot allocate|unable to (mmap|create thread)|mmap failed", re.IGNORECASE)
_OUT_OF_DISK = re.compile(r"no space left|file too large|disk quota", re.IGNORECASE)
_TOO_LARGE = re.compile(r"exceeds maximum allowed size", re.IGNORECASE)
_LAST_LINE = 200


class Deadline:
    """A point in time that everything of one run shares."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def seconds_left(self) -> float:
        """Wall-clock time that is left; negative when it has passed."""
        return self._end - time.monotonic()

    def exceeded(self) -> JobError:
        """Return the error that says so."""
        return JobError(ErrorCode.TRANSFER_TIMED_OUT, f"The history was not read within {self._seconds:.0f} s.")


class Git:
    """Starts git processes in one directory.

    Attributes:
        directory: that directory.
    """

    def __init__(self, directory: Path, *, children: ChildProcesses, limits: FetchLimits, deadline: Deadline) -> None:
        self.directory = directory
        self._children = children
        self._limits = limits
        self._deadline = deadline

    @contextlib.contextmanager
    def start(
        self, argv: Sequence[str], *, settings: Mapping[str, str] | None = None, url: str | None = None
    ) -> Iterator[ChildProcess]:
        """Run git; the context ends well only if git did.

        Args:
            argv: git's arguments.
            settings: configuration besides the hardened one.
            url: what git talks with; without it git reaches no network.

        Raises:
            JobError: git failed or broke a limit.
        """
        if self._deadline.seconds_left <= 0:
            raise self._deadline.exceeded()
        configuration = {**_SETTINGS, **(settings or {})}
        options = [part for name, value in configuration.items() for part in ("-c", f"{name}={value}")]
        with self._children.start(
            ["git", *options, *argv],
            environment={
                "PATH": os.environ.get("PATH", os.defpath),
                "HOME": str(self.directory),
                "LC_ALL": "C",
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_CONFIG_GLOBAL": os.devnull,
                "GIT_ATTR_NOSYSTEM": "1",
                "GIT_TERMINAL_PROMPT": "0",
                "GIT_NO_LAZY_FETCH": "1",
                "GIT_NO_REPLACE_OBJECTS": "1",
                "GIT_ALLOW_PROTOCOL": _NO_SCHEME if url is None else urlsplit(url).scheme,
                **_KEEP_MEMORY,
            },
            alone=url is None,
            directory=self.directory,
            limits=ChildLimits(
                seconds=self._deadline.seconds_left,
                memory=self._limits.memory,
                file_size=self._limits.disk,
                ports=_ports(url),
            ),
        ) as child:
            try:
                yield child
            except BrokenPipeError as error:
                raise self._failure(child, child.wait()) from error
            with contextlib.suppress(BrokenPipeError):
                child.stdin.close()
            exit_code = child.wait()
            if exit_code or child.timed_out:
                raise self._failure(child, exit_code)

    def _failure(self, child: ChildProcess, exit_code: int) -> JobError:
        said = child.stderr_text
        if child.timed_out:
            return self._deadline.exceeded()
        if _TOO_LARGE.search(said) or exit_code == -signal.SIGXFSZ:
            return JobError(ErrorCode.OUT_OF_DISK, "The history does not fit the disk it may use.")
        if _OUT_OF_MEMORY.search(said) or exit_code in {-signal.SIGKILL, -signal.SIGSEGV}:
            return JobError(ErrorCode.OUT_OF_MEMORY, "git needed more memory than it may use.")
        if _OUT_OF_DISK.search(said):
            return JobError(ErrorCode.OUT_OF_DISK, "There is no room left on the disk.")
        return JobError(ErrorCode.TRANSFER_INVALID, f"git cannot read what the host sent: {_last_line(said)}")


@contextlib.contextmanager
def fed(child: ChildProcess, lines: Sequence[str]) -> Iterator[None]:
    """Write `lines` to the child's stdin from a thread of its own, so that reading its output cannot deadlock."""

    def feed() -> None:
        with contextlib.suppress(OSError, ValueError):
            for start in range(0, len(lines), 1000):
                child.stdin.write("".join(f"{line}\n" for line in lines[start : start + 1000]).encode())
            child.stdin.close()

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    try:
        yield
    except BaseException:
        child.kill()
        raise
    finally:
        feeder.join()


def _ports(url: str | None) -> frozenset[int] | None:
    """Return the TCP ports that git needs: the host's and that of names."""
    if url is None:
        return frozenset()
    parts = urlsplit(url)
    port = parts.port or _PORTS.get(parts.scheme)
    return None if port is None else frozenset({port, DNS_PORT})


def _last_line(said: str) -> str:
    lines = said.splitlines() or ["no reason given"]
    return one_line(lines[-1], _LAST_LINE)
