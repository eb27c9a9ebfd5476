"""Processes that outlive the service which started them."""

import os
import subprocess

from local_service.tasks import container


def adopt_orphans() -> None:
    """Let processes whose parents die become this process's children, so that `processes` finds them (Linux)."""
    container.adopt_orphans()


def processes(mark: str) -> list[str]:
    """Return the living descendants of this process, and others whose command line contains `mark`."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True)
    rows = [line.split(None, 3) for line in listed.stdout.splitlines()]
    own = {os.getpid()}
    found = []
    for pid, parent, state, *arguments in sorted(rows, key=lambda row: int(row[0])):
        command = " ".join(arguments)
        is_ps = command.startswith("ps -A")
        if (int(parent) in own or mark in command) and not is_ps and not state.startswith("Z") and int(pid) not in own:
            own.add(int(pid))
            found.append(f"{pid} {command}")
    return found
