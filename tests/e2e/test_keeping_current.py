"""A repository changes, is rewritten, goes away and comes back; the service keeps up by itself."""

import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3

from infra.local.api_client import ApiClient
from infra.local.service import LocalService, LocalSettings
from tests.e2e.conftest import SECONDS, Forge

USER = "ada@example.org"
ONE_SECOND_IN_HOURS = str(1 / 3600)
_GIT = ("git", "-c", "user.name=Ada Lovelace", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")


@dataclass
class Watched:
    """One watched repository, seen through the API."""

    api: ApiClient
    path: Path
    watchlist_id: str

    def status(self) -> dict[str, Any]:
        return self.api.status(self.watchlist_id)

    def wait_for(self, what: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + SECONDS
        while not what(status := self.status()):
            assert time.monotonic() < deadline, status
            time.sleep(0.2)
        return status

    def wait_until_current(self) -> dict[str, Any]:
        """Wait until the stored HEAD is the repository's and no job is open."""
        head = self.head()
        return self.wait_for(lambda status: status["head_sha"] == head and status["next_check_at"] is not None)

    def alerts(self) -> list[dict[str, Any]]:
        (user_entry,) = self.status()["user_watchlists"]
        url = f"{self.api.url}/activity/alerts/{user_entry['user_watchlist_id']}"
        items: list[dict[str, Any]] = urllib3.request("GET", url).json()["items"]
        return items

    def alert_kinds(self) -> Counter[str]:
        return Counter(alert["kind"] for alert in self.alerts())

    def wait_for_alert(self, kind: str, times: int = 1) -> None:
        self.wait_for(lambda _: self.alert_kinds()[kind] >= times)

    def git(self, *arguments: str) -> str:
        return subprocess.run(
            [*_GIT, *arguments], cwd=self.path, check=True, capture_output=True, text=True
        ).stdout.strip()

    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def commit(self, name: str, lines: int) -> str:
        (self.path / name).write_text("".join(f"line {number} of {name}\n" for number in range(lines)))
        self.git("add", name)
        self.git("commit", "--quiet", f"--message=Write {name}")
        return self.head()


@pytest.fixture
def service(variables: Mapping[str, str], tmp_path: Path) -> Iterator[LocalService]:
    often = {
        "COMMITS_INTERVAL_HOURS": ONE_SECOND_IN_HOURS,
        "HEALTH_INTERVAL_HOURS": ONE_SECOND_IN_HOURS,
        "MAX_REFRESH_TASKS": "1",
    }
    settings = LocalSettings(
        variables={**variables, **often}, log=tmp_path / "service.log", schedule_interval=timedelta(seconds=0.5)
    )
    with LocalService(settings) as running:
        yield running


def watch(service: LocalService, forge: Forge, name: str, commits: int) -> Watched:
    api = ApiClient(service.url)
    watched = Watched(api, forge.path(name), api.add(forge.make(name, commits), USER))
    watched.wait_for(lambda status: status["status"] == "ready")
    return watched


def test_all_that_happens_to_a_repository_appears_once(service: LocalService, forge: Forge) -> None:
    watched = watch(service, forge, "lively", commits=40)
    watched.wait_for_alert("processing_finished")
    first = watched.wait_for(lambda status: status["last_check"]["outcome"] == "unchanged")
    assert first["commits"] == 40

    small, huge = watched.commit("small.txt", 3), watched.commit("huge.txt", 20_000)
    status = watched.wait_until_current()
    assert status["commits"] == 42
    assert status["checked_at"] > first["checked_at"]
    assert status["analyzed_at"] > first["analyzed_at"]
    newest = watched.api.commits(watched.watchlist_id)[:2]  # both of one second, perhaps
    assert {commit["sha"]: commit["lines_added"] for commit in newest} == {huge: 20_000, small: 3}
    metrics = watched.api.health(watched.watchlist_id)["history_metrics"]
    assert (metrics["commits"], metrics["lines_added"]) == (42, 40 + 3 + 20_000)
    assert metrics["top_files"][0]["path"] == "huge.txt"
    watched.wait_for_alert("lines_added_deleted")

    watched.git("reset", "--quiet", "--hard", "HEAD~3")
    watched.commit("other.txt", 5)
    watched.wait_until_current()
    shown = [commit["sha"] for commit in watched.api.commits(watched.watchlist_id)]
    assert shown == watched.git("log", "--format=%H").split()
    watched.wait_for_alert("ancestry_breaks")

    watched.git("branch", "--move", "main", "trunk")
    status = watched.wait_for(lambda status: status["package"]["default_branch"] == "trunk")
    assert status["head_sha"] == watched.head()

    away = watched.path.with_name("away")
    watched.path.rename(away)
    watched.wait_for_alert("repository_unavailable")
    status = watched.status()
    assert (status["status"], status["last_error"], status["commits"]) == ("ready", None, 40)
    assert (status["last_check"]["outcome"], status["last_check"]["error"]["code"]) == (
        "failed",
        "repository_not_found",
    )

    away.rename(watched.path)
    watched.commit("back.txt", 1)
    status = watched.wait_until_current()
    assert (status["last_check"]["error"], status["commits"]) == (None, 41)
    watched.wait_for_alert("repository_unavailable", times=2)
    status = watched.wait_for(lambda status: status["last_check"]["outcome"] == "unchanged")
    assert watched.alert_kinds() == {
        "processing_finished": 1,
        "lines_added_deleted": 1,
        "ancestry_breaks": 1,
        "repository_unavailable": 2,
    }
