"""What a process and all below it take of the machine, as Linux tells it in /proc."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_USER_TIME = 11
"""Where user, system, and both times of ended children begin in /proc/PID/stat, after the program's name."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken so far.

    Attributes:
        at: when, in seconds of a steady clock.
        cpu: seconds, of living and of ended processes.
        memory: bytes, proportional.
        processes: living ones.
        descriptors: open ones of all of them.
    """

    at: float
    cpu: float
    memory: int
    processes: int
    descriptors: int

    def share_since(self, earlier: "Taken") -> float:
        """Return which part of one core was taken since then."""
        return (self.cpu - earlier.cpu) / (self.at - earlier.at)


def taken_by(root: int) -> Taken:
    """Return what the process `root` and all below it have taken."""
    pids = family(root)
    return Taken(
        at=time.monotonic(),
        cpu=sum(map(cpu_of, pids)),
        memory=sum(map(memory_of, pids)),
        processes=len(pids),
        descriptors=sum(len(listed(Path(f"/proc/{pid}/fd"))) for pid in pids),
    )


def family(root: int) -> list[int]:
    """Return `root` and all processes below it; children may have sessions of their own."""
    found = [root]
    for pid in found:
        for task in listed(Path(f"/proc/{pid}/task")):
            try:
                found += [int(child) for child in (task / "children").read_text().split()]
            except OSError:
                continue
    return found


def cpu_of(pid: int) -> float:
    """Return the CPU time in seconds of a process and of its ended children; 0 for one that has gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[_USER_TIME : _USER_TIME + 4])) / _TICKS


def memory_of(pid: int) -> int:
    """Return the proportional memory of a process in bytes; 0 for one that has gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def command_of(pid: int) -> str:
    """Return a process's arguments, separated by spaces."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def listed(folder: Path) -> list[Path]:
    """Return what is in a folder; nothing for one that has gone."""
    try:
        return list(folder.iterdir())
    except OSError:
        return []
