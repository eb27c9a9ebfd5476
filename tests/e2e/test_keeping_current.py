"""A repository changes, is rewritten, goes away and comes back; the service keeps up and tells of it, each once."""

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from local_service.commands import live_client
from local_service.commands.api_client import ApiClient
from local_service.service import LocalService, LocalSettings
from tests import waiting
from tests.e2e.channels import Channels, Mailbox, bus_of, call, emails_of
from tests.e2e.conftest import Forge
from tests.scorecard_reports import FakeScorecard, report
from tests.waiting import SECONDS
from tests.webhook_receiver import URL, Receiver
from watchlist.job_kinds import JobKind
from watchlist.states import Stage

USER = "ada@example.org"
ONE_SECOND_IN_HOURS = str(1 / 3600)
COMMITS = 10
"""Of the repository at first."""
QUIET_SECONDS = 3
"""Several rounds of everything that runs by the clock: what would come twice has come by then."""

_GIT = ("git", "-c", "user.name=Ada Lovelace", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")

SCORE_FILE = "score.txt"
SCORE_OF_THE_TREE = f"""
path = os.path.join(options["local"], {SCORE_FILE!r})
score = int(open(path).read()) if os.path.exists(path) else 8
for check in report["checks"]:
    check["score"] = 8 if check["name"] == "Vulnerabilities" else score
report["score"] = float(score)
leave(json.dumps(report))
"""
"""A Scorecard whose checks score what a file of the repository says."""


@dataclass
class Watched:
    """One watched repository, seen through the API, and its working copy on the host.

    Attributes:
        first_states: what a WebSocket client was shown from the adding to the end of the setup.
    """

    service: LocalService
    path: Path
    watchlist_id: str
    channels: Channels
    first_states: list[dict[str, Any]]

    @property
    def api(self) -> ApiClient:
        return ApiClient(self.service.url)

    def status(self) -> dict[str, Any]:
        return self.api.status(self.watchlist_id)

    def score(self) -> float:
        score: float = self.api.health(self.watchlist_id)["scorecard"]["score"]
        return score

    def live_state(self) -> dict[str, Any]:
        """Connect by WebSocket; an entry that is ready has one state to show, and then hangs up."""
        (state,) = live_client.states(self.service.live_url, self.watchlist_id, SECONDS)
        return state

    def wait_for(self, what: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        return waiting.until("what is told of it", self.status, what)

    def wait_until_current(self) -> dict[str, Any]:
        """Wait until commits and health are those of the repository's HEAD, and no job is open."""
        head = self.head()
        return self.wait_for(
            lambda status: (
                status["head_sha"] == head
                and status["next_check_at"] is not None
                and self.api.health(self.watchlist_id)["scorecard"]["head"] == head
            )
        )

    def git(self, *arguments: str) -> str:
        return subprocess.run(
            [*_GIT, *arguments], cwd=self.path, check=True, capture_output=True, text=True
        ).stdout.strip()

    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def commit(self, name: str, content: str) -> str:
        (self.path / name).write_text(content)
        self.git("add", name)
        self.git("commit", "--quiet", f"--message=Write {name}")
        return self.head()


def lines(number: int) -> str:
    return "".join(f"line {each}\n" for each in range(number))


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with Receiver(tmp_path_factory.mktemp("receiver")) as running:
        yield running


@pytest.fixture(scope="module")
def service(
    variables: Mapping[str, str], receiver: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalService]:
    directory = tmp_path_factory.mktemp("service")
    often = {
        "COMMITS_INTERVAL_HOURS": ONE_SECOND_IN_HOURS,
        "HEALTH_INTERVAL_HOURS": ONE_SECOND_IN_HOURS,
        "DIGEST_INTERVAL_SECONDS": "0.5",
        "MAX_REFRESH_TASKS": "1",
    }
    scorecard = FakeScorecard(directory / "bin", SCORE_OF_THE_TREE, report("file://tree"))
    settings = LocalSettings(
        variables={**variables, **often, **receiver.variables, "SCORECARD_PATH": str(scorecard.path)},
        log=directory / "service.log",
        schedule_interval=timedelta(seconds=0.5),
        digest_run_interval=timedelta(seconds=0.5),
    )
    with LocalService(settings) as running:
        yield running


@pytest.fixture(scope="module")
def mailboxes(service: LocalService) -> tuple[Mailbox, Mailbox]:
    return bus_of(service), emails_of(service)


Watch = Callable[[str], Watched]


@pytest.fixture
def watch(service: LocalService, forge: Forge, receiver: Receiver, mailboxes: tuple[Mailbox, Mailbox]) -> Watch:
    """Return what lets USER watch a repository, live and with all notifications, from its adding to its setup's end."""

    def add(name: str) -> Watched:
        api, url = ApiClient(service.url), f"{forge.url}/forge/{name}"
        setups = service.pollers[JobKind.REPOSITORY_SETUP]
        setups.pause()
        watchlist_id = api.add(url, USER)
        (mine,) = api.status(watchlist_id)["user_watchlists"]
        user_watchlist_id = mine["user_watchlist_id"]
        chosen = call(
            "PUT",
            f"{service.url}/activity/user-watchlist-notifications/{user_watchlist_id}",
            {"webhook_url": URL, "email": True},
        )
        with ThreadPoolExecutor() as pool:
            states = live_client.states(service.live_url, watchlist_id, SECONDS)
            first = next(states)
            watching = pool.submit(lambda: [first, *states])
            setups.resume()
            shown = watching.result(SECONDS)
        channels = Channels(
            url=service.url,
            bus=mailboxes[0],
            emails=mailboxes[1],
            receiver=receiver,
            repository_url=url,
            watchlist_id=watchlist_id,
            user_watchlist_id=user_watchlist_id,
            secret=chosen["webhook_secret"],
        )
        return Watched(service, forge.path(name), watchlist_id, channels, shown)

    return add


def test_all_that_happens_to_a_repository_appears_everywhere_once(watch: Watch, forge: Forge) -> None:
    forge.make("lively", commits=COMMITS)

    watched = watch("lively")

    stages = list(dict.fromkeys(state["progress"]["stage"] for state in watched.first_states))
    assert stages[0] == Stage.QUEUED
    assert stages == sorted(stages, key=[stage.value for stage in Stage].index)
    assert [state["status"] for state in watched.first_states if state["status"] != "processing"] == ["ready"]
    watched.channels.bring("processing_finished", events=("repository.ready",))
    first = watched.wait_for(lambda status: status["last_check"]["outcome"] == "unchanged")
    assert (first["commits"], first["head_sha"], watched.score()) == (COMMITS, watched.head(), 8.0)

    new_commits_appear(watched, first)
    a_rewritten_history_appears(watched)
    a_renamed_branch_appears(watched)
    a_repository_that_goes_away_and_comes_back_appears(watched)

    time.sleep(QUIET_SECONDS)
    watched.channels.bring()
    watched.channels.assert_consistent()
    leaving_ends_everything(watched)


def new_commits_appear(watched: Watched, before: dict[str, Any]) -> None:
    small, huge = watched.commit("small.txt", lines(3)), watched.commit("huge.txt", lines(20_000))
    worse = watched.commit(SCORE_FILE, "4")
    status = watched.wait_until_current()

    assert (status["commits"], status["status"]) == (COMMITS + 3, "ready")
    assert status["checked_at"] > before["checked_at"]
    assert status["analyzed_at"] > before["analyzed_at"]
    assert status["last_check"]["error"] is None
    newest = watched.api.commits(watched.watchlist_id)[:3]  # all of one second, perhaps
    assert {commit["sha"]: commit["lines_added"] for commit in newest} == {huge: 20_000, small: 3, worse: 1}
    health = watched.api.health(watched.watchlist_id)
    metrics = health["history_metrics"]
    assert health["scorecard"]["score"] < 5
    assert (metrics["commits"], metrics["lines_added"]) == (COMMITS + 3, COMMITS + 3 + 20_000 + 1)
    assert metrics["top_files"][0]["path"] == "huge.txt"
    watched.channels.bring("lines_added_deleted", "health_score_decreases", events=("health.changed",))
    by_kind = {alert["kind"]: alert for alert in watched.channels.alerts()}
    assert (by_kind["lines_added_deleted"]["commit_sha"], by_kind["lines_added_deleted"]["value"]) == (huge, 20_000)
    assert_live_state_is_the_status(watched)


def a_rewritten_history_appears(watched: Watched) -> None:
    watched.git("reset", "--quiet", "--hard", "HEAD~4")
    watched.commit("other.txt", lines(5))
    status = watched.wait_until_current()

    shown = [commit["sha"] for commit in watched.api.commits(watched.watchlist_id)]
    assert shown == watched.git("log", "--format=%H").split()
    assert (status["commits"], watched.score()) == (COMMITS, 8.0)
    watched.channels.bring("ancestry_breaks", events=("health.changed",))
    assert_live_state_is_the_status(watched)


def a_renamed_branch_appears(watched: Watched) -> None:
    watched.git("branch", "--move", "main", "trunk")
    status = watched.wait_for(lambda status: status["package"]["default_branch"] == "trunk")

    assert (status["head_sha"], status["commits"]) == (watched.head(), COMMITS)
    watched.channels.bring()
    assert_live_state_is_the_status(watched)


def a_repository_that_goes_away_and_comes_back_appears(watched: Watched) -> None:
    away = watched.path.with_name("away")
    watched.path.rename(away)
    watched.channels.bring("repository_unavailable", events=("verdict.changed",))

    status = watched.status()
    assert (status["status"], status["last_error"], status["commits"], watched.score()) == ("ready", None, COMMITS, 8.0)
    last_check = status["last_check"]
    assert (last_check["outcome"], last_check["error"]["code"]) == ("failed", "repository_not_found")
    assert_live_state_is_the_status(watched)

    away.rename(watched.path)
    watched.commit("back.txt", lines(1))
    status = watched.wait_until_current()
    assert (status["last_check"]["error"], status["commits"], watched.score()) == (None, COMMITS + 1, 8.0)
    watched.channels.bring("repository_unavailable", events=("verdict.changed",))
    assert_live_state_is_the_status(watched)


def leaving_ends_everything(watched: Watched) -> None:
    call("DELETE", f"{watched.service.url}/activity/user-watchlist/{watched.channels.user_watchlist_id}")

    with pytest.raises(InvalidStatus) as refused:
        connect(f"{watched.service.live_url}/?watchlist_id={watched.watchlist_id}", proxy=None)
    assert refused.value.response.status_code == 404


def assert_live_state_is_the_status(watched: Watched) -> None:
    """A check can come in between, which shows itself by its time and outcome."""
    assert _besides_checks(watched.live_state()) == _besides_checks(watched.status())


def _besides_checks(status: dict[str, Any]) -> dict[str, Any]:
    moving = {"checked_at", "next_check_at", "last_check"}
    return {name: value for name, value in status.items() if name not in moving} | {
        "error": status["last_check"]["error"]
    }


def test_a_setup_that_fails_is_told_everywhere_once(watch: Watch) -> None:
    watched = watch("missing")

    final = watched.first_states[-1]
    assert [state["status"] for state in watched.first_states if state["status"] != "processing"] == ["failed"]
    assert final["last_error"]["code"] == "repository_not_found"
    watched.channels.bring("processing_finished", events=("repository.failed",))
    time.sleep(QUIET_SECONDS)
    watched.channels.bring()
    watched.channels.assert_consistent()
