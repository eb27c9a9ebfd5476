import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from local_service import fitness
from local_service.fitness import UnfitMachineError


def test_a_folder_for_clones_is_made_and_left_empty(tmp_path: Path) -> None:
    fitness.check_scratch(tmp_path / "new" / "clones")

    assert list((tmp_path / "new" / "clones").iterdir()) == []


def test_a_folder_that_cannot_take_clones_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UnfitMachineError, match=r"file/clones .*GIT_CLONE_DIR.*: Not a directory"):
        fitness.check_scratch(tmp_path / "file" / "clones")


def test_this_machine_reaches_itself() -> None:
    fitness.check_loopback()


def test_a_machine_that_does_not_reach_itself_is_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))

    monkeypatch.setattr(socket, "create_connection", fail)

    with pytest.raises(UnfitMachineError, match=r"cannot reach each other over 127\.0\.0\.1: Network is unreachable"):
        fitness.check_loopback()


@pytest.mark.parametrize(("soft", "hard", "had"), [(64, 2048, 1024), (64, 128, 128), (2000, 2048, 2000)])
def test_a_process_has_the_descriptors_that_it_needs_and_may_have(soft: int, hard: int, had: int) -> None:
    program = f"""
import resource
from local_service import fitness
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
fitness.take_descriptors()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""
    limits = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout

    assert limits == f"{had} {hard}\n"
