"""Scratch directories are gone with their run, and those of killed runs with the next sweep."""

import fcntl
import multiprocessing
import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from tasks.scratch import scratch_directory, sweep_scratch


def test_the_directory_is_removed_with_everything_in_it(tmp_path: Path) -> None:
    with scratch_directory(tmp_path) as directory:
        (directory / "a" / "b").mkdir(parents=True)
        (directory / "a" / "b" / "file").write_text("x")
        (directory / "a").chmod(0o500)
    assert list(tmp_path.iterdir()) == []


def test_it_is_removed_after_a_failure(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), scratch_directory(tmp_path):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_leaves_living_runs_alone(tmp_path: Path) -> None:
    with scratch_directory(tmp_path) as directory:
        (directory / "file").write_text("x")
        assert sweep_scratch(tmp_path) == []
        assert (directory / "file").exists()


def test_a_sweep_removes_what_a_killed_run_left(tmp_path: Path) -> None:
    receiver, sender = multiprocessing.Pipe(duplex=False)
    run = multiprocessing.get_context("fork").Process(target=_hang_in_scratch, args=(tmp_path, sender))
    run.start()
    directory = Path(receiver.recv())
    assert sweep_scratch(tmp_path) == []
    assert directory.exists()
    os.kill(run.pid or 0, signal.SIGKILL)
    run.join()
    assert directory.exists()
    assert sweep_scratch(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("is_over", [True, False])
def test_a_lock_that_a_sweep_takes_before_its_run_does_is_not_the_run_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_over: bool
) -> None:
    lock, sweeping = fcntl.flock, iter([True])

    def sweep_first(descriptor: int, operation: int) -> None:
        if not next(sweeping, False):
            return lock(descriptor, operation)
        (file,) = tmp_path.iterdir()
        if not is_over:
            raise BlockingIOError
        file.unlink()
        return lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", sweep_first)
    with scratch_directory(tmp_path) as directory:
        assert directory.with_name(f"{directory.name}.lock").exists()


def test_what_cannot_be_removed_now_goes_with_the_next_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as locked:
        locked.setattr("tasks.scratch.shutil.rmtree", lambda *_, **__: None)
        with scratch_directory(tmp_path) as directory:
            (directory / "file").write_text("x")
        assert sweep_scratch(tmp_path) == [directory]
    assert directory.exists()
    assert sweep_scratch(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_of_a_folder_that_is_not_there_finds_nothing(tmp_path: Path) -> None:
    assert sweep_scratch(tmp_path / "none") == []


def test_a_sweep_touches_nothing_of_others(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other.lock").touch()
    sweep_scratch(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"other", "other.lock"}


def _hang_in_scratch(root: Path, sender: Connection) -> None:
    with scratch_directory(root) as directory:
        (directory / "file").write_text("x")
        sender.send(str(directory))
        signal.pause()
