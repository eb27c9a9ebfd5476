"""A repository that is served, analysed in this process, and seen as callers see it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger

from functions.http.shapes.health import HealthAnswer
from functions.http.shapes.history import HistoryAnswer
from local_service.git.server import GitServer
from tasks import analysis
from tasks.analysis import Tools
from tasks.child_process import ChildProcesses
from tasks.hosts.describe import Forge
from tasks.hosts.github_api import GitHubApi
from tests.integration.checks.harness import Host, Watchlist
from watchlist import clock
from watchlist.alerts import store as alert_store
from watchlist.alerts.alert import Alert
from watchlist.git.package import Package
from watchlist.health import store as health_store
from watchlist.health.scorecard import ScorecardResult, no_score
from watchlist.history import store as history_store
from watchlist.history.commits import Commit
from watchlist.history.manifest import Manifest
from watchlist.history.people import AuthorSearch
from watchlist.history.store import CommitFilter
from watchlist.job_kinds import JobKind
from watchlist.jobs import protocol as job_protocol
from watchlist.states import Stage
from watchlist.storage.records import Entry
from watchlist.watching import entries


class QuietJob:
    """A job that is never lost and whose progress nobody looks at."""

    def check(self) -> None:
        """Go on."""

    def report(self, stage: Stage, done: int = 0, total: int | None = None) -> None:
        """Say nothing."""

    def describe(self, package: Package, default_branch: str | None) -> None:
        """Say nothing."""

    def publish(self, manifest: Manifest) -> None:
        """Show nothing yet."""


class NoScorecard:
    """Stands in for Scorecard: its chain has tests of its own."""

    def assess(self, *_: object, head: str, **__: object) -> ScorecardResult:
        return no_score("not asked", head=head, obtained_at=clock.now())


@dataclass
class Onboarded:
    """One watched repository and what is known of it."""

    server: GitServer
    watchlist: Watchlist
    tools: Tools
    entry: Entry

    def run(self, now: datetime | None = None) -> None:
        """Do the entry's open job, at that time."""
        entry = entries.find(self.entry.watchlist_id)
        result = analysis.analyse(entry, self.tools, QuietJob(), now or clock.now())
        self.watchlist.claim(entry).complete(result.attributes, clock.now())
        self.entry = entries.find(self.entry.watchlist_id)

    def refresh(self, kind: JobKind = JobKind.COMMIT_BACKFILL, now: datetime | None = None) -> None:
        """Bring the entry up to date."""
        job_protocol.start_refresh(self.entry, kind, {}, f"{self.entry.generation:032x}", clock.now())
        self.run(now)

    @property
    def history(self) -> HistoryAnswer:
        """What the status says of the history."""
        answer = HistoryAnswer.of(self.entry)
        assert answer
        return answer

    @property
    def metrics(self) -> dict[str, Any]:
        """The metrics of the latest analysis."""
        answer = HealthAnswer.of(self.entry, health_store.latest(self.entry.watchlist_id))
        assert answer.history_metrics
        return answer.history_metrics.model_dump(mode="json")

    def commits(self, author: str | None = None) -> list[Commit]:
        """The commits that callers see, newest first."""
        found: list[Commit] = []
        cursor = None
        while True:
            page = history_store.page(self.entry, CommitFilter(author=self._search(author)), 100, cursor)
            found += (kept.commit for kept in page.commits)
            cursor = page.next_cursor
            if cursor is None:
                return found

    def _search(self, author: str | None) -> AuthorSearch | None:
        return AuthorSearch(author, health_store.identities(self.entry.watchlist_id)) if author else None

    @property
    def subjects(self) -> list[str]:
        """Their subjects."""
        return [commit.subject for commit in self.commits()]

    @property
    def alerts(self) -> list[Alert]:
        """The alerts of the one who watches."""
        user_watchlist_id = entries.user_watchlist_id_of(self.entry.watchlist_id, "ada")
        page = alert_store.page(user_watchlist_id, datetime.min.replace(tzinfo=clock.now().tzinfo), 100, None)
        return [Alert.model_validate(record.alert) for record in page.alerts]


@contextmanager
def onboarding(watchlist: Watchlist, root: Path) -> Iterator[Onboarded]:
    """Serve `root/served/owner/name` and watch it; its setup is still to be run."""
    tools: Any = Tools(
        children=ChildProcesses(),
        scratch=root / "scratch",
        forge=Forge(GitHubApi("http://127.0.0.1:9")),
        assessor=NoScorecard(),  # type: ignore[arg-type] # all that is asked of it
        logger=Logger(service="test"),
    )
    tools.scratch.mkdir()
    with GitServer(root / "served") as server:
        watched = Watchlist(Host(origin=server.url), watchlist.queue)
        yield Onboarded(server, watched, tools, watched.add("name", "ada"))
