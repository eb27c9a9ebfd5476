"""Child processes with limits: each in a process group of its own, bounded in time, memory and file size.

A child never inherits this process's environment: it gets what it needs and nothing else, so that no AWS variable or
token reaches git. `ChildProcesses.kill_all` ends every group at once; it is what a lost lease and SIGTERM call.
"""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tasks.network import restricted_thread
from watchlist.errors import JobCancelledError

STDERR_KEPT = 8 * 1024
"""Bytes of a child's stderr that are kept for its error message: the last ones, where the reason stands."""

STDOUT_KEPT = 64 * 1024 * 1024
"""Most bytes that `ChildProcesses.run` takes of a child's output; more ends the child."""


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """What one child may use.

    Attributes:
        seconds: wall-clock time until its process group is killed.
        memory: bytes of address space, or None for no limit (Go programs reserve far more than they use).
        file_size: bytes of the largest file it may write.
        ports: the TCP ports it may connect to, where the kernel can see to that; without any it reaches no network.
            None is for no limit.
    """

    seconds: float
    memory: int | None
    file_size: int
    ports: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class FinishedChild:
    """A child that has ended: its exit code (negative: the signal), its output and the end of its stderr."""

    exit_code: int
    stdout: bytes
    stderr: str
    timed_out: bool


class ChildProcess:
    """One running child; use it as a context manager, which ends its whole process group."""

    def __init__(self, process: subprocess.Popen[bytes], limits: ChildLimits) -> None:
        self._process = process
        self._stderr = bytearray()
        self.timed_out = False
        self._drain = threading.Thread(target=self._keep_stderr, daemon=True)
        self._drain.start()
        self._deadline = threading.Timer(limits.seconds, self._expire)
        self._deadline.daemon = True
        self._deadline.start()

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its process group."""
        return self._process.pid

    @property
    def stdin(self) -> IO[bytes]:
        """The pipe into the child."""
        if self._process.stdin is None:
            raise AssertionError("children are started with a pipe")
        return self._process.stdin

    @property
    def stdout(self) -> IO[bytes]:
        """The pipe out of the child."""
        if self._process.stdout is None:
            raise AssertionError("children are started with a pipe")
        return self._process.stdout

    @property
    def stderr_text(self) -> str:
        """The end of what the child said on stderr, so far."""
        return bytes(self._stderr[-STDERR_KEPT:]).decode(errors="replace").strip()

    def wait(self) -> int:
        """Wait for the end (bounded by the time limit) and return the exit code."""
        exit_code = self._process.wait()
        self._deadline.cancel()
        self._drain.join(timeout=5)
        return exit_code

    def kill(self) -> None:
        """Kill the whole process group; harmless when it has ended."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the group, reap the child and close the pipes."""
        self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()

    def _expire(self) -> None:
        self.timed_out = True
        self.kill()

    def _keep_stderr(self) -> None:
        if self._process.stderr is None:
            return
        with contextlib.suppress(ValueError, OSError):
            while chunk := self._process.stderr.read1(64 * 1024):  # type: ignore[attr-defined] # BufferedReader
                self._stderr += chunk
                del self._stderr[:-STDERR_KEPT]


class ChildProcesses:
    """All children of one job."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[ChildProcess] = set()
        self._cancelled = False
        self._restricted: dict[frozenset[int], ThreadPoolExecutor] = {}

    @property
    def cancelled(self) -> bool:
        """Whether the job was taken away; no child starts any more."""
        return self._cancelled

    @contextlib.contextmanager
    def start(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: Path,
        limits: ChildLimits,
        alone: bool = False,
    ) -> Iterator[ChildProcess]:
        """Start `argv` in a process group of its own, with pipes; the group is dead when the context ends.

        A child that is said to be `alone` starts no others. It may then be limited just after it has started, which
        takes less than half the time: otherwise this process has to be copied, with all its memory's tables.

        Raises:
            JobCancelledError: the job was taken away before or while the child ran.
            FileNotFoundError: there is no such program.
        """
        limit_later = alone and sys.platform == "linux"
        with self._lock:
            self.raise_if_cancelled()

            def start() -> subprocess.Popen[bytes]:
                return subprocess.Popen(  # noqa: S603 - argv lists built in this package, no shell
                    list(argv),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=dict(environment),
                    cwd=directory,
                    start_new_session=True,
                    preexec_fn=None if limit_later else lambda: _limit_itself(limits),  # noqa: PLW1509 - it takes no lock
                )

            process = start() if limits.ports is None else self._thread_of(limits.ports).submit(start).result()
            child = ChildProcess(process, limits)
            self._running.add(child)
            if limit_later:
                _limit(process.pid, limits)
        try:
            yield child
        except Exception:
            self.raise_if_cancelled()  # a broken pipe of a killed child is the cancellation, not an error
            raise
        finally:
            child.close()
            with self._lock:
                self._running.discard(child)
        self.raise_if_cancelled()

    def run(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: Path,
        limits: ChildLimits,
        stdin: bytes = b"",
    ) -> FinishedChild:
        """Run `argv` to its end and return what it said; a child that says too much is killed."""
        with self.start(argv, environment=environment, directory=directory, limits=limits) as child:
            feeder = threading.Thread(target=_feed, args=(child.stdin, stdin), daemon=True)
            feeder.start()
            stdout = child.stdout.read(STDOUT_KEPT)
            if child.stdout.read(1):
                child.kill()
            exit_code = child.wait()
            feeder.join(timeout=5)
            return FinishedChild(exit_code, stdout, child.stderr_text, child.timed_out)

    def _thread_of(self, ports: frozenset[int]) -> ThreadPoolExecutor:
        """Return the thread whose children connect to these ports only."""
        if ports not in self._restricted:
            self._restricted[ports] = restricted_thread(ports)
        return self._restricted[ports]

    def kill_all(self) -> None:
        """Kill every child's process group and let none start any more."""
        with self._lock:
            self._cancelled = True
            for child in self._running:
                child.kill()

    def raise_if_cancelled(self) -> None:
        """Raise JobCancelledError when the job was taken away."""
        if self._cancelled:
            raise JobCancelledError


def _limit_itself(limits: ChildLimits) -> None:
    for kind, most in _resource_limits(limits):
        resource.setrlimit(kind, (most, most))


def _limit(pid: int, limits: ChildLimits) -> None:
    if sys.platform == "linux":
        with contextlib.suppress(ProcessLookupError):  # it has ended already
            for kind, most in _resource_limits(limits):
                resource.prlimit(pid, kind, (most, most))


def _resource_limits(limits: ChildLimits) -> Iterator[tuple[int, int]]:
    yield resource.RLIMIT_FSIZE, limits.file_size
    yield resource.RLIMIT_CORE, 0
    if limits.memory is not None and sys.platform != "darwin":  # macOS refuses to lower the address space
        yield resource.RLIMIT_AS, limits.memory


def _feed(pipe: IO[bytes], data: bytes) -> None:
    with contextlib.suppress(BrokenPipeError, ValueError, OSError):
        pipe.write(data)
        pipe.close()
