"""A repository whose refreshes are done in this process."""

import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger

from local_service.git.server import GitServer
from tasks import analysis
from tasks.analysis import Job, JobResult, Tools
from tasks.child_process import ChildProcesses
from tasks.hosts.describe import Forge
from tasks.hosts.github_api import GitHubApi
from tests.integration.checks.harness import DAY, Host, Watchlist
from tests.repositories import ENVIRONMENT, git
from watchlist import clock
from watchlist.alerts import store as alert_store
from watchlist.errors import JobCancelledError
from watchlist.git.package import Package
from watchlist.health import store as health_store
from watchlist.health.scorecard import CheckResult, ScorecardResult, ScorecardSource
from watchlist.history import store as history_store
from watchlist.history.manifest import Manifest
from watchlist.history.store import CommitFilter
from watchlist.job_kinds import JobKind
from watchlist.jobs import protocol as job_protocol
from watchlist.repository_url import Repository
from watchlist.states import Stage
from watchlist.storage.records import Entry
from watchlist.watching import entries

VOLATILE = {"computed_at", "activity"}


@dataclass
class StandInAssessor:
    """Gives the result that a test says."""

    result: Callable[[str], ScorecardResult]
    asked: int = 0

    def assess(self, _repository: Repository, *, head: str, previous: object, checkout: object) -> ScorecardResult:
        del previous, checkout
        self.asked += 1
        return self.result(head)


def scorecard(score: int | None, head: str, *vulnerabilities: str) -> ScorecardResult:
    now = clock.now()
    checks = (
        CheckResult(name="License", score=score, reason="", documentation_url=None),
        CheckResult(
            name="Vulnerabilities",
            score=10 - len(vulnerabilities),
            reason="",
            documentation_url=None,
            details=tuple(f"Warn: Project is vulnerable to: {name}" for name in vulnerabilities),
        ),
    )
    return ScorecardResult(
        score=5.0 if score is None else float(score),
        source=ScorecardSource.LOCAL,
        head=head,
        obtained_at=now,
        date=now,
        commit=head,
        checks=checks,
    )


@dataclass
class RecordedJob:
    """A job that is taken away at its `dies_at`-th look, if ever."""

    dies_at: int = 10**9
    looks: int = 0
    stages: list[Stage] = field(default_factory=list)
    published: list[Manifest] = field(default_factory=list)

    def check(self) -> None:
        self.looks += 1
        if self.looks >= self.dies_at:
            raise JobCancelledError

    def report(self, stage: Stage, done: int = 0, total: int | None = None) -> None:
        del done, total
        self.stages.append(stage)

    def describe(self, package: Package, default_branch: str | None) -> None:
        del package, default_branch

    def publish(self, manifest: Manifest) -> None:
        self.published.append(manifest)


@dataclass
class Refreshes:
    """One watched repository and the jobs for it, run in this process."""

    watchlist: Watchlist
    path: Path
    tools: Tools
    assessor: StandInAssessor
    entry: Entry

    def grow(self, *commits: tuple[str, int]) -> None:
        """Add commits by a file's name and the lines that it then has, an hour apart."""
        now = int(clock.now().timestamp())
        for number, (name, lines) in enumerate(commits):
            self.commit(name, lines, at=now - 3600 * (len(commits) - number))

    def commit(self, name: str, lines: int, at: int) -> None:
        (self.path / name).write_text("".join(f"{line} of {name}\n" for line in range(lines)))
        git(self.path, "add", name)
        dates = {"GIT_AUTHOR_DATE": f"@{at} +0000", "GIT_COMMITTER_DATE": f"@{at} +0000"}
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
        command = ["git", *identity, "commit", "--quiet", "--message", f"Write {name}"]
        subprocess.run(command, cwd=self.path, check=True, env=ENVIRONMENT | dates)

    def head(self) -> str:
        return git(self.path, "rev-parse", "HEAD").decode().strip()

    def run(self, job: Job | None = None) -> JobResult:
        """Do the entry's open job and complete it."""
        result = self.analyse(job)
        self.watchlist.claim(self.entry).complete(result.attributes, clock.now())
        return result

    def analyse(self, job: Job | None = None) -> JobResult:
        """Do the entry's open job without completing it."""
        entry = entries.find(self.entry.watchlist_id)
        return analysis.analyse(entry, self.tools, job or RecordedJob(), clock.now())

    def start(self, kind: JobKind, *, with_health: bool = False) -> None:
        """Open a job."""
        entry = entries.find(self.entry.watchlist_id)
        seen = {"with_health": with_health or None}
        job_protocol.start_refresh(entry, kind, seen, f"{entry.generation:032x}", clock.now())

    def refresh(self, kind: JobKind, *, with_health: bool = False) -> JobResult:
        self.start(kind, with_health=with_health)
        return self.run()

    def metrics(self) -> dict[str, Any]:
        metrics = health_store.latest(self.entry.watchlist_id, 1)[0].history_metrics
        assert metrics
        return metrics.model_dump(exclude=VOLATILE)

    def alerts(self) -> Counter[str]:
        return Counter(alert["kind"] for alert in self.stored_alerts())

    def messages(self) -> list[str]:
        return [alert["message"] for alert in self.stored_alerts()]

    def stored_alerts(self) -> list[dict[str, Any]]:
        user_watchlist_id = entries.user_watchlist_id_of(self.entry.watchlist_id, "ada")
        page = alert_store.page(user_watchlist_id, clock.now() - DAY, 100, None)
        return [record.alert for record in page.alerts]

    def shas(self) -> list[str]:
        entry = entries.find(self.entry.watchlist_id)
        return [kept.commit.sha for kept in history_store.page(entry, CommitFilter(), 200, None).commits]


@contextmanager
def refreshing(watchlist: Watchlist, tmp_path: Path) -> Iterator[Refreshes]:
    """A repository of forty commits whose setup is done."""
    path = tmp_path / "served" / "owner" / "name"
    path.mkdir(parents=True)
    git(path, "init", "--quiet", "--initial-branch=main")
    assessor = StandInAssessor(lambda head: scorecard(8, head))
    tools: Any = Tools(
        children=ChildProcesses(),
        scratch=tmp_path / "scratch",
        forge=Forge(GitHubApi("http://127.0.0.1:9")),
        assessor=assessor,  # type: ignore[arg-type] # stands in for a chain of sources, which is a class and has tests of its own
        logger=Logger(service="test"),
    )
    tools.scratch.mkdir()
    with GitServer(tmp_path / "served") as server:
        host = Host(origin=server.url)
        watched = Watchlist(host, watchlist.queue)
        refreshes = Refreshes(watched, path, tools, assessor, watched.add("name", "ada"))
        now = int(clock.now().timestamp())
        for number in range(40):
            refreshes.commit(f"file-{number % 4}.txt", number + 1, at=now - 3600 * 24 * (41 - number))
        refreshes.run()
        yield refreshes
