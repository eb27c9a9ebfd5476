"""The data folder is copied file by file while it is written to and its log shortened: each copy is whole."""

import errno
import itertools
import logging
import os
import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from local_service import lifeline
from local_service.aws import data_folder
from local_service.aws.data_folder import FORMER_DATABASE, Database, DataFolderError, open_database
from local_service.aws.generations import generations
from local_service.aws.server import OneAtATime
from tests.integration.local_service.kept import BYTES, Kept

SUFFIXES = ("", "-wal", "-shm")


def rows(database: Database) -> int:
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    numbers = [number for (number,) in database.execute("SELECT number FROM kept ORDER BY number")]
    assert numbers == list(range(1, len(numbers) + 1))
    return len(numbers)


def rows_of(folder: Path) -> int:
    with closing(open_database(folder)) as database:
        return rows(database)


@pytest.fixture(autouse=True)
def any_log_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_folder, "_LONG_LOG_BYTES", 0)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    kept = Kept(tmp_path / "data")
    for _ in range(3):
        kept.write()
    with closing(kept.database):
        yield kept


def copy(names: Sequence[str], kept: Kept, to: Path, disturb: Callable[[], None], at: int) -> None:
    """Copy the named files, each in two halves; disturb after so many halves, and write after all others."""
    to.mkdir()
    halves = itertools.count()
    for name in names:
        with (kept.folder / name).open("rb") as source, (to / name).open("wb") as target:
            for part in (os.fstat(source.fileno()).st_size // 2, -1):
                target.write(source.read(part))
                target.flush()
                if next(halves) == at:
                    disturb()
                else:
                    kept.write()


def orders(names: list[str], most: int = 6) -> Sequence[Sequence[str]]:
    """Return so many of all orders, at the same distance from each other but for the last, which is the reverse."""
    every = list(itertools.permutations(sorted(names)))
    return [every[number * (len(every) - 1) // (most - 1)] for number in range(most)]


@pytest.mark.parametrize("has_followed", [False, True])
@pytest.mark.parametrize("disturbance", [Kept.shorten, Kept.nothing, Kept.write_and_undo])
def test_a_copy_of_files_in_any_order_holds_what_was_acknowledged_before_it_began(
    tmp_path: Path, disturbance: Callable[[Kept], None], *, has_followed: bool
) -> None:
    files = [f"watchlist-{n}.sqlite{suffix}" for n in range(1, 3 if has_followed else 2) for suffix in SUFFIXES]
    for number, (order, at) in enumerate(itertools.product(orders(files), range(2 * len(files)))):
        kept = Kept(tmp_path / f"data-{number}")
        with closing(kept.database):
            kept.write()
            if has_followed:
                kept.shorten()
            before = kept.acknowledged
            to = tmp_path / f"copy-{number}"

            copy(order, kept, to, partial(disturbance, kept), at)

            assert before <= rows_of(to) <= kept.acknowledged, (order, at)
            assert rows(kept.database) == kept.acknowledged


def test_files_that_appear_while_the_folder_is_listed_may_be_copied_or_not(kept: Kept, tmp_path: Path) -> None:
    listed = sorted(path.name for path in kept.folder.iterdir())
    before = kept.acknowledged
    copy(listed, kept, tmp_path / "copy", kept.shorten, 1)
    appeared = sorted({path.name for path in kept.folder.iterdir()} - set(listed))
    assert len(appeared) == 3

    for number in range(len(appeared) + 1):
        for chosen in itertools.combinations(appeared, number):
            to = tmp_path / "-".join(["with", *chosen])
            shutil.copytree(tmp_path / "copy", to)
            if any(name.endswith(".sqlite") for name in chosen) or not chosen:
                for name in chosen:
                    shutil.copy(kept.folder / name, to)

            assert rows_of(to) >= before, chosen


def test_copies_by_cp_are_whole_while_writes_and_shortenings_go_on(kept: Kept, tmp_path: Path) -> None:
    is_over = threading.Event()
    shortened = 0

    def go_on() -> None:
        for number in itertools.count():
            if is_over.is_set():
                return
            kept.write()
            if number % 20 == 0:
                kept.shorten()

    writer = threading.Thread(target=go_on)
    writer.start()
    try:
        for number in range(200):
            before, had = kept.acknowledged, len(generations(kept.folder))
            to = tmp_path / f"copy-{number}"
            # It may miss a name that a generation had until it was whole.
            subprocess.run(["cp", "-r", str(kept.folder), str(to)], check=False, capture_output=True)
            shortened += len(generations(kept.folder)) - had
            assert rows_of(to) >= before
            if shortened >= 3:
                break
    finally:
        is_over.set()
        writer.join()
    assert shortened >= 3


def test_the_database_file_of_a_generation_never_changes(kept: Kept) -> None:
    (generation,) = generations(kept.folder)
    content = generation.path.read_bytes()

    kept.write()
    kept.shorten()
    kept.write()

    assert generation.path.read_bytes() == content
    newest = generations(kept.folder)[-1]
    content = newest.path.read_bytes()
    kept.write()
    assert newest.path.read_bytes() == content


def test_a_log_that_is_not_long_is_left_alone(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_folder, "_LONG_LOG_BYTES", 10**9)

    kept.shorten()

    assert len(generations(kept.folder)) == 1


def test_the_generation_before_stays_for_copies_and_then_goes(kept: Kept) -> None:
    kept.shorten()
    kept.shorten()
    assert len(generations(kept.folder)) == 3

    newest = generations(kept.folder)[-1]
    os.utime(newest.path, (0, 0))
    kept.shorten()

    assert [each.number for each in generations(kept.folder)] == [newest.number, newest.number + 1]
    names = {path.name for path in kept.folder.iterdir()}
    assert names == {"lock", *(f"watchlist-{n}.sqlite{suffix}" for n in (3, 4) for suffix in SUFFIXES)}
    assert rows(kept.database) == kept.acknowledged


def test_what_is_written_after_a_shortening_is_there_at_the_next_start(kept: Kept, tmp_path: Path) -> None:
    kept.shorten()
    kept.write()
    shutil.copytree(kept.folder, tmp_path / "killed")

    assert rows_of(tmp_path / "killed") == kept.acknowledged


def test_a_full_disk_while_the_log_is_shortened_leaves_all_as_it_was(kept: Kept) -> None:
    for _ in range(10):
        kept.write()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5 * BYTES, limits[1]))
    try:
        with pytest.raises((sqlite3.Error, OSError)):
            kept.database.shorten_log()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert [path.name for path in kept.folder.iterdir() if ".new" in path.name] == []
    assert len(generations(kept.folder)) == 1
    kept.write()
    kept.shorten()
    assert rows(kept.database) == kept.acknowledged
    assert len(generations(kept.folder)) == 2


def test_a_generation_that_cannot_be_opened_is_not_taken_for_the_newest(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_name: str) -> sqlite3.Connection:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(data_folder, "_connect", fail)
        with pytest.raises(sqlite3.OperationalError):
            kept.database.shorten_log()
    kept.write()
    shutil.copytree(kept.folder, tmp_path / "killed")

    assert rows_of(tmp_path / "killed") == kept.acknowledged


def test_a_generation_whose_name_is_not_on_the_disk_is_not_taken_for_the_newest(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync

    def fail(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="Input/output error"):
            kept.database.shorten_log()
    kept.write()
    shutil.copytree(kept.folder, tmp_path / "killed")

    assert rows_of(tmp_path / "killed") == kept.acknowledged


def test_what_cannot_be_deleted_does_not_keep_the_log_from_being_shortened(kept: Kept) -> None:
    application = OneAtATime(lambda _environ, _start: [], kept.database, lambda _touched: None)
    kept.database.execute("DROP TABLE tasks")

    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        application.tidy()

    assert len(generations(kept.folder)) == 2


WRITER = """
import itertools, os, sys
from pathlib import Path
from local_service.aws import data_folder
from tests.integration.local_service.kept import Kept
data_folder._LONG_LOG_BYTES = 0
kept = Kept(Path(sys.argv[1]))
for number in itertools.count(1):
    kept.write()
    print(kept.acknowledged, flush=True)
    if number % 5 == 0:
        kept.shorten()
"""


@pytest.mark.parametrize("seconds", [0, 0.01, 0.05, 0.1, 0.2])
def test_a_kill_while_logs_are_shortened_loses_nothing(tmp_path: Path, seconds: float) -> None:
    argv = [sys.executable, "-c", WRITER, str(tmp_path / "data")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=lifeline.ROOT, text=True) as writer:
        assert writer.stdout is not None
        first = [writer.stdout.readline() for _ in range(5)]
        time.sleep(seconds)
        writer.kill()
        *_, acknowledged = [*first, *writer.stdout]

    assert rows_of(tmp_path / "data") >= int(acknowledged)


def test_what_was_never_finished_is_removed(kept: Kept, tmp_path: Path) -> None:
    shutil.copytree(kept.folder, tmp_path / "killed")
    for name in (
        "watchlist-1.sqlite.new",
        "watchlist-2.sqlite.new",
        "watchlist-2.sqlite.new-wal",
        "watchlist-9.sqlite-wal",
    ):
        (tmp_path / "killed" / name).write_bytes(b"half of it")

    with closing(open_database(tmp_path / "killed")) as database:
        names = {path.name for path in (tmp_path / "killed").iterdir()}
        assert names == {"lock", *(f"watchlist-1.sqlite{suffix}" for suffix in SUFFIXES)}
        assert rows(database) == kept.acknowledged


def test_what_only_begins_like_a_generations_name_is_somebody_elses_and_stays(kept: Kept, tmp_path: Path) -> None:
    shutil.copytree(kept.folder, tmp_path / "killed")
    foreign = {"watchlist-7.sqlite.bak", "watchlist-7.sqlite.gz", "watchlist-7.sqlite-wal.1", "watchlist-07.sqlite-wal"}
    for name in foreign:
        (tmp_path / "killed" / name).write_bytes(b"an operator's own")

    assert rows_of(tmp_path / "killed") == kept.acknowledged

    assert foreign <= {path.name for path in (tmp_path / "killed").iterdir()}


def test_where_the_copy_of_the_newest_was_broken_off_the_one_before_is_taken(
    kept: Kept, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = kept.acknowledged
    kept.shorten()
    shutil.copytree(kept.folder, tmp_path / "copy")
    os.truncate(tmp_path / "copy" / "watchlist-2.sqlite", 8192)

    with caplog.at_level(logging.WARNING):
        assert rows_of(tmp_path / "copy") == before

    assert "watchlist-2.sqlite is not whole" in caplog.text
    assert (tmp_path / "copy" / "watchlist-2.sqlite.broken").exists()


def test_a_copy_of_which_no_generation_is_whole_is_refused(kept: Kept, tmp_path: Path) -> None:
    shutil.copytree(kept.folder, tmp_path / "copy")
    os.truncate(tmp_path / "copy" / "watchlist-1.sqlite", 10)

    with pytest.raises(DataFolderError, match="is not whole"):
        open_database(tmp_path / "copy")


def former(folder: Path) -> None:
    """Leave what version 1 left when it was killed: a log that is not in the database's file."""
    running = folder.with_name("running")
    running.mkdir()
    with closing(sqlite3.connect(running / FORMER_DATABASE, isolation_level=None)) as connection:
        for pragma in ("journal_mode = WAL", "application_id = 0x57617463", "user_version = 1"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("CREATE TABLE kept (number INTEGER PRIMARY KEY, content BLOB)")
        connection.execute("INSERT INTO kept VALUES (1, 'kept')")
        shutil.copytree(running, folder)


def test_a_folder_of_the_former_version_is_brought_up_to_date_with_a_message(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    former(tmp_path / "data")

    with caplog.at_level(logging.WARNING):
        assert rows_of(tmp_path / "data") == 1

    assert "was brought up to date: version 1 became 2" in caplog.text
    assert not (tmp_path / "data" / FORMER_DATABASE).exists()
    assert rows_of(tmp_path / "data") == 1


def test_a_folder_of_the_former_version_that_is_read_by_another_program_is_refused(tmp_path: Path) -> None:
    former(tmp_path / "data")
    with closing(sqlite3.connect(tmp_path / "data" / FORMER_DATABASE, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM kept").fetchall()

        with pytest.raises(DataFolderError, match="open in another program"):
            open_database(tmp_path / "data")
        reader.execute("COMMIT")

    assert rows_of(tmp_path / "data") == 1


def test_data_that_an_older_version_wrote_beside_newer_is_not_passed_over(kept: Kept, tmp_path: Path) -> None:
    shutil.copytree(kept.folder, tmp_path / "copy")
    (tmp_path / "copy" / FORMER_DATABASE).touch()

    with pytest.raises(DataFolderError, match="older version of the service has written"):
        open_database(tmp_path / "copy")
