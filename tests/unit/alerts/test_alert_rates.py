import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench.alert_rates import head_time, rates_row, read_history, replay
from tests.unit.commit_factory import ADA, NOON, a_commit
from watchlist.alerts.settings import AlertKind, AlertSettings
from watchlist.history.commits import FileChange, Signature


def git(repository: Path, *arguments: str, at: datetime = NOON, author: str = "Ada Lovelace") -> None:
    who = {
        f"GIT_{role}_{field}": value
        for role in ("AUTHOR", "COMMITTER")
        for field, value in (("NAME", author), ("EMAIL", "ada@example.org"), ("DATE", at.isoformat()))
    }
    environment = {"PATH": os.environ["PATH"], "HOME": str(repository), "GIT_CONFIG_NOSYSTEM": "1", **who}
    subprocess.run(["git", "-C", repository, *arguments], check=True, env=environment, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--initial-branch=main")
    return tmp_path


def commit(repository: Path, path: str, content: bytes, *, at: datetime, subject: str = "Change it") -> None:
    (repository / path).write_bytes(content)
    git(repository, "add", "--all")
    git(repository, "commit", "--message", subject, at=at)


def test_the_history_is_read_with_odd_paths_binary_files_and_merges(repository: Path) -> None:
    commit(repository, "odd\tpath\n1\t2\tx", b"one\ntwo\n", at=NOON, subject="1\t1\tsubject")
    git(repository, "switch", "--create", "side")
    commit(repository, "image", b"\0\1", at=NOON + timedelta(hours=1))
    git(repository, "switch", "main")
    commit(repository, "odd\tpath\n1\t2\tx", b"one\n", at=NOON + timedelta(hours=2))
    git(repository, "merge", "--no-ff", "side", at=NOON + timedelta(hours=3))

    first, image, second, merge = read_history(repository, NOON - timedelta(days=1))

    assert first.files == (FileChange("odd\tpath\n1\t2\tx", 2, 0),)
    assert first.subject == "1\t1\tsubject"
    assert first.author == first.committer == Signature("Ada Lovelace", "ada@example.org", NOON)
    assert image.files == (FileChange("image", None, None),)
    assert second.files == (FileChange("odd\tpath\n1\t2\tx", 0, 1),)
    assert second.parents == (first.sha,)
    assert merge.parents == (second.sha, image.sha)
    assert merge.files == ()
    assert head_time(repository) == NOON + timedelta(hours=3)


def test_commits_before_the_time_asked_for_are_left_out(repository: Path) -> None:
    for day in range(3):
        commit(repository, "a", f"{day}\n".encode(), at=NOON + timedelta(days=day))

    assert len(read_history(repository, NOON + timedelta(days=1))) == 2


def test_the_row_counts_alerts_per_hundred_commits_of_the_last_year(repository: Path) -> None:
    commit(repository, "a", b"1\n", at=NOON - timedelta(days=500))
    for day in range(3):
        commit(repository, "a", f"{day}\n".encode() * 10, at=NOON + timedelta(days=day))
    commit(repository, "a", b"2\n" * 30_000, at=NOON + timedelta(days=3))

    row = rates_row(repository, AlertSettings(), show=False)

    assert row.split("| ")[2:] == ["1 ", "4 ", "25.00 ", "0.00 ", "0.00 ", "0.00 ", "25.00 ", "25.00 |"]


def test_a_replay_looks_after_each_commit_and_raises_each_alert_once() -> None:
    history = [a_commit(files=["new"], at=NOON + timedelta(hours=hour)) for hour in range(10)]

    raised = [[alert.kind for alert in alerts] for _, alerts in replay(history, NOON, AlertSettings())]

    assert raised == [*[[]] * 7, [AlertKind.HIGH_CHURN], [], []]


def test_a_replay_s_baseline_is_the_year_before_each_commit() -> None:
    settings = AlertSettings.model_validate({"lines_added_deleted": {"hardcoded_threshold": None}})
    forgotten = [a_commit(lines=10, author=ADA, at=NOON - timedelta(days=400)) for _ in range(40)]
    remembered = [a_commit(lines=10, author=ADA, at=NOON - timedelta(days=300)) for _ in range(40)]
    large = a_commit(lines=5000, at=datetime(2026, 3, 4, 13, tzinfo=UTC))

    assert [alerts for _, alerts in replay([*forgotten, large], NOON, settings)] == [[]]
    assert [len(alerts) for _, alerts in replay([*remembered, large], NOON, settings)] == [1]
