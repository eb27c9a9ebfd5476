"""One run of a command: wall-clock time, CPU time and peak memory of it and all its children."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import processes

_INTERVAL = 0.01


@dataclass(frozen=True, slots=True)
class Usage:
    """What a run took.

    Attributes:
        exit_code: 0 when it succeeded; negative: the signal that ended it.
        wall: seconds.
        cpu: seconds, of all its processes.
        memory: bytes of proportional memory of all its processes together at their peak, sampled; None where the
            operating system does not tell (it is read from /proc).
        said: the end of its stderr.
    """

    exit_code: int
    wall: float
    cpu: float
    memory: int | None
    said: str


def measure(command: Sequence[str], *, environment: Mapping[str, str], directory: Path, seconds: float) -> Usage:
    """Run `command` to its end, or kill it after `seconds`."""
    started = time.monotonic()
    with subprocess.Popen(
        command, env=dict(environment), cwd=directory, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        killer = threading.Timer(seconds, os.killpg, (process.pid, 9))
        killer.start()
        sampler = _MemorySampler(process.pid)
        sampler.start()
        said = process.stderr.read() if process.stderr else b""
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        killer.cancel()
        sampler.stop()
    return Usage(
        exit_code=process.returncode,
        wall=wall,
        cpu=usage.ru_utime + usage.ru_stime,
        memory=sampler.peak or None,
        said=said[-500:].decode(errors="replace"),
    )


class _MemorySampler(threading.Thread):
    """Adds up the memory of a process and all below it, again and again."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self._root = root
        self._ended = threading.Event()
        self.peak = 0

    def run(self) -> None:
        while sys.platform == "linux" and not self._ended.wait(_INTERVAL):
            self.peak = max(self.peak, sum(map(processes.memory_of, processes.family(self._root))))

    def stop(self) -> None:
        self._ended.set()
        self.join()
